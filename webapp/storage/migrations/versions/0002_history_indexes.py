"""Indexes for the history: any filter of a million predictions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# As webapp.storage.cells has them, for the rows that are there already.
_EDGES = (
    0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8,
    0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87, 0.88, 0.89, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99,
    0.992, 0.994, 0.996, 0.998, 0.999,
)  # fmt: skip
_PREDICTIONS = sa.table(
    "predictions", sa.column("cell"), sa.column("source"), sa.column("verdict"), sa.column("payoff_probability")
)
_COVERING = {
    "ix_predictions_cell": ["cell", "made_at", "id", "payoff_probability"],
    "ix_predictions_model_id": ["model_id", "cell", "made_at", "id", "payoff_probability"],
    "ix_predictions_application": ["application", "made_at", "id", "cell", "model_id", "payoff_probability"],
}


def upgrade() -> None:
    """Make the change."""
    # Not by copying the table, as Alembic does for SQLite elsewhere: dropping the old one would delete the details.
    op.add_column("predictions", sa.Column("cell", sa.SmallInteger(), nullable=False, server_default="0"))
    op.execute(_PREDICTIONS.update().values(cell=_cell()))
    op.drop_index("ix_predictions_application", "predictions")
    if _on_mariadb():
        op.alter_column("predictions", "cell", existing_type=sa.SmallInteger(), nullable=False, server_default=None)
        _collate("utf8mb4_nopad_bin")
    for name, columns in _COVERING.items():
        op.create_index(name, "predictions", columns)


def downgrade() -> None:
    """Undo it."""
    if _on_mariadb():
        # The foreign key needs an index; MariaDB drops its own as soon as there is another.
        op.create_index("fk_predictions_model_id", "predictions", ["model_id"])
    for name in _COVERING:
        op.drop_index(name, "predictions")
    if _on_mariadb():
        _collate(None)
    op.create_index("ix_predictions_application", "predictions", ["application"])
    op.drop_column("predictions", "cell")


def _on_mariadb() -> bool:
    return op.get_bind().dialect.name != "sqlite"


def _collate(collation: str | None) -> None:
    op.alter_column(
        "predictions",
        "application",
        existing_type=sa.String(64),
        type_=mysql.VARCHAR(64, collation=collation),
        nullable=False,
    )


def _cell() -> sa.ColumnElement[int]:
    source = sa.case({"form": 0, "lookup": 1, "batch": 2, "api": 3}, value=_PREDICTIONS.c.source)
    verdict = sa.case({"default": 0, "paid_off": 1}, value=_PREDICTIONS.c.verdict)
    reached = [sa.case((_PREDICTIONS.c.payoff_probability >= edge, 1), else_=0) for edge in _EDGES]
    band: sa.ColumnElement[int] = sum(reached[1:], reached[0])
    return (source * 2 + verdict) * (len(_EDGES) + 1) + band
