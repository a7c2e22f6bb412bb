"""The audit log: what was done, by whom; written in the transaction of what it tells of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from webapp.storage.tables import AuditEntry


def note(session: Session, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
    """Record that ``actor`` did ``action`` to ``subject``. Never a password, a key or a figure of a person."""
    entry = AuditEntry(
        at=datetime.now(UTC), actor=actor, action=action, subject=subject[:128], details=dict(details or {})
    )
    session.add(entry)
