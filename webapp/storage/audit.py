"""The audit log: what was done, by whom; written in the transaction of what it tells of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.storage.tables import AuditEntry


def note(session: Session, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
    """Record that ``actor`` did ``action`` to ``subject``. Never a password, a key or a figure of a person."""
    entry = AuditEntry(
        at=datetime.now(UTC), actor=actor, action=action, subject=subject[:128], details=dict(details or {})
    )
    session.add(entry)


@dataclass(frozen=True)
class Entries:
    """Entries one after the other, newest first; ``newer`` and ``older`` are where to go on, if anywhere."""

    rows: Sequence[AuditEntry]
    newer: int | None
    older: int | None


def entries(
    session: Session,
    *,
    actor: str = "",
    action: str = "",
    before: int | None = None,
    after: int | None = None,
    size: int = 50,
) -> Entries:
    """The newest entries, or those next before or after another; of one actor or action, where they are given."""
    wanted = select(AuditEntry).limit(size + 1)
    for column, value in ((AuditEntry.actor, actor), (AuditEntry.action, action)):
        wanted = wanted.where(column == value) if value else wanted
    if after is not None:
        wanted = wanted.where(AuditEntry.id > after).order_by(AuditEntry.id)
        rows = session.scalars(wanted).all()
        kept, newer, older = rows[:size][::-1], len(rows) > size, True
    else:
        wanted = wanted.where(AuditEntry.id < before) if before is not None else wanted
        rows = session.scalars(wanted.order_by(AuditEntry.id.desc())).all()
        kept, newer, older = rows[:size], before is not None, len(rows) > size
    if not kept:
        return Entries((), None, None)
    return Entries(kept, kept[0].id if newer else None, kept[-1].id if older else None)


def actions(session: Session) -> Sequence[str]:
    """Every action that was ever noted, in order of the alphabet."""
    return session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()
