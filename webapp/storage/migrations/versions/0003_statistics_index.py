"""An index that holds all that statistics count, so that a window of it is read and no row of the table."""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_COLUMNS = ["made_at", "source", "model_id", "verdict", "payoff_probability", "milliseconds", "outcome", "arm"]


def upgrade() -> None:
    """Make the change."""
    op.create_index("ix_predictions_statistics", "predictions", _COLUMNS)


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_predictions_statistics", "predictions")
