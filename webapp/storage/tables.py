"""The web app's own tables, as SQLAlchemy maps them; ``migrations/`` makes them.

Personal data is kept to what an answer was made from: the figures the model saw; no name, date of birth or address.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import Double, TypeDecorator, TypeEngine

from payoff.choices import ROLES, Role, Verdict
from webapp.storage.cells import cell_of

#: Where a question came from.
Source = Literal["form", "lookup", "batch", "api"]
SOURCES: tuple[Source, ...] = get_args(Source)

#: Which of two models answered, where applications are split between them.
Arm = Literal["champion", "challenger"]

#: How far a batch is.
Status = Literal["waiting", "running", "done", "failed"]

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: SQLite numbers rows by itself only where the column is an INTEGER.
_RowId = BigInteger().with_variant(Integer, "sqlite")

#: Upper and lower case are two things, and an index finds what begins alike, in both databases.
_Reference = String(64).with_variant(mysql.VARCHAR(64, collation="utf8mb4_nopad_bin"), "mysql", "mariadb")


class Moment(TypeDecorator[datetime]):
    """A moment with its zone, kept as UTC to the microsecond, because neither database keeps a zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        exact: TypeEngine[Any] = DateTime() if dialect.name == "sqlite" else mysql.DATETIME(fsp=6)
        return dialect.type_descriptor(exact)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


def _one_of(values: tuple[str, ...]) -> Enum:
    """Text that is one of ``values``; checked by the program, so that a new value needs no new table."""
    return Enum(*values, native_enum=False, length=16)


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Moment(),
        float: Double(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        Role: _one_of(ROLES),
        Verdict: _one_of(get_args(Verdict)),
        Source: _one_of(SOURCES),
        Arm: _one_of(get_args(Arm)),
        Status: _one_of(get_args(Status)),
    }


class User(Table):
    """A member of staff.

    Attributes
    ----------
    password_hash : str
        Argon2id, with its parameters and salt.
    failures : int
        Wrong passwords since the last right one.
    locked_until : datetime, optional
        No password is accepted before.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[Role]
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    disabled: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class Login(Table):
    """A browser that is logged in. The cookie holds a random token, this its SHA-256, so a logout ends it for good."""

    __tablename__ = "logins"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class ApiKey(Table):
    """A key for programs, with the rights of its user.

    Attributes
    ----------
    start : str
        The key's first characters, to tell keys apart by.
    key_hash : str
        SHA-256 of the key, which is random and long enough for that.
    """

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(String(64))
    start: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class ModelVersion(Table):
    """A model version that answered; a number stands for it in the rows of predictions."""

    __tablename__ = "model_versions"

    id: Mapped[int] = mapped_column(SmallInteger().with_variant(Integer, "sqlite"), primary_key=True)
    version: Mapped[str] = mapped_column(String(64), unique=True)
    feature_set: Mapped[str] = mapped_column(String(32))


class Batch(Table):
    """A file of many questions, and how far it is.

    Attributes
    ----------
    beats_at : datetime, optional
        When its runner last said that it lives.
    """

    __tablename__ = "batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[datetime]
    file_name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(16))
    status: Mapped[Status] = mapped_column(default="waiting", index=True)
    rows: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_at: Mapped[datetime | None]
    beats_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(1000))


def _cell(context: Any) -> int:
    return cell_of(context.get_current_parameters())


class StoredPrediction(Table):
    """One prediction, in few bytes: what history filters and statistics count.

    Attributes
    ----------
    cell : int
        Source, verdict and band of probability in one number, as ``webapp.storage.cells`` gives it.
    application : str
        The asker's own reference, or a random one.
    outcome : Verdict, optional
        How the loan ended, once somebody has recorded it.
    """

    __tablename__ = "predictions"
    # Each holds all that is asked of it, so that no row is fetched which is not shown: the first three what
    # webapp.storage.queries finds pages by, the last what webapp.storage.statistics counts in a window of time.
    __table_args__ = (
        Index("ix_predictions_cell", "cell", "made_at", "id", "payoff_probability"),
        Index("ix_predictions_model_id", "model_id", "cell", "made_at", "id", "payoff_probability"),
        Index("ix_predictions_application", "application", "made_at", "id", "cell", "model_id", "payoff_probability"),
        Index(
            "ix_predictions_statistics",
            *("made_at", "source", "model_id", "verdict", "payoff_probability", "milliseconds", "outcome", "arm"),
        ),
    )

    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    made_at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[Source]
    verdict: Mapped[Verdict]
    payoff_probability: Mapped[float]
    cell: Mapped[int] = mapped_column(SmallInteger, default=_cell)
    model_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    arm: Mapped[Arm | None]
    application: Mapped[str] = mapped_column(_Reference)
    account_id: Mapped[int | None] = mapped_column(index=True)
    amount_czk: Mapped[float]
    duration_months: Mapped[float]
    milliseconds: Mapped[float | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id", ondelete="SET NULL"))
    outcome: Mapped[Verdict | None]
    outcome_at: Mapped[datetime | None]

    model: Mapped[ModelVersion] = relationship(lazy="joined", innerjoin=True)


class Details(Table):
    """What a prediction was made from, and why it is what it is.

    Attributes
    ----------
    features : dict
        What the model saw, by name; null where missing.
    reasons : list, optional
        As ``webapp.explaining`` gives them.
    """

    __tablename__ = "prediction_details"

    prediction_id: Mapped[int] = mapped_column(
        _RowId, ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    threshold: Mapped[float]
    features: Mapped[dict[str, Any]]
    reasons: Mapped[list[Any] | None]


class ShadowScore(Table):
    """What the challenger would have said of a prediction."""

    __tablename__ = "shadow_scores"

    prediction_id: Mapped[int] = mapped_column(
        _RowId, ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    model_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    payoff_probability: Mapped[float]
    verdict: Mapped[Verdict]

    model: Mapped[ModelVersion] = relationship(lazy="joined", innerjoin=True)


class AuditEntry(Table):
    """Something that was done and must be traceable: logins, promotions, overrides, deletions, users and keys.

    Attributes
    ----------
    actor : str
        The user's name, kept when the user is deleted; ``command line`` for commands.
    action : str
        ``{thing}.{what was done}``, such as ``login.failed`` or ``model.promoted``.
    """

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(64), index=True)
    action: Mapped[str] = mapped_column(String(32), index=True)
    subject: Mapped[str] = mapped_column(String(128))
    details: Mapped[dict[str, Any]]


class RateCount(Table):
    """How often somebody asked in a window of time; shared by all processes."""

    __tablename__ = "rate_counts"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    count: Mapped[int]
    expires_at: Mapped[float] = mapped_column(index=True)
