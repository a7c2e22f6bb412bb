"""Counts of requests in windows of time, as the ``limits`` package asks for them; shared by every process.

Flask-Limiter adds to a count and asks for the same count again, to tell the asker; what was added to is remembered for
the length of a request, so that one request costs one transaction.
"""

import time
from typing import Any

from flask import g
from limits.storage import Storage
from sqlalchemy import case, delete, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from webapp.storage import database
from webapp.storage.tables import RateCount

SCHEME = "payoff"
#: How many ended windows are deleted at once, so that no request waits long for it.
_AT_ONCE = 500
_COUNT = select(RateCount.count, RateCount.expires_at)


class CountStorage(Storage):
    """Counts in the database of the running app."""

    STORAGE_SCHEME = [SCHEME]

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        # Many processes count in few rows, so now and then two of them stand in each other's way.
        count, expires_at = database().repeated(lambda session: _added(session, key, expiry, amount))
        if count == amount:
            # A window begins: as good a moment as any, and no process needs to see to it.
            _clean()
        _remembered()[key] = count, expires_at
        return count

    def get(self, key: str) -> int:
        count, expires_at = self._found(key)
        return count if expires_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._found(key)[1] or time.time()

    def check(self) -> bool:
        with database().session() as session:
            session.execute(select(1))
        return True

    def reset(self) -> int:
        with database().session() as session:
            return int(getattr(session.execute(delete(RateCount)), "rowcount", 0))

    def clear(self, key: str) -> None:
        _remembered().pop(key, None)
        with database().session() as session:
            session.execute(delete(RateCount).where(RateCount.key == key))

    def _found(self, key: str) -> tuple[int, float]:
        if key in _remembered():
            return _remembered()[key]
        with database().session() as session:
            row = session.execute(_COUNT.where(RateCount.key == key)).first()
        count, expires_at = row or (0, 0.0)
        return count, expires_at


def _remembered() -> dict[str, tuple[int, float]]:
    held: dict[str, tuple[int, float]] = g.setdefault("counted", {})
    return held


def _added(session: Session, key: str, expiry: int, amount: int) -> tuple[int, float]:
    """Count and end of the window, after one statement that no other process can part."""
    now = time.time()
    row = {"key": key, "count": amount, "expires_at": now + expiry}
    over = RateCount.expires_at <= now
    # In this order: MariaDB computes the second from a row in which the first has changed already.
    changed: list[tuple[str, Any]] = [
        ("count", case((over, amount), else_=RateCount.count + amount)),
        ("expires_at", case((over, now + expiry), else_=RateCount.expires_at)),
    ]
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sqlite.insert(RateCount).values(row).on_conflict_do_update(["key"], set_=dict(changed)))
    else:
        session.execute(mysql.insert(RateCount).values(row).on_duplicate_key_update(changed))
    total, expires_at = session.execute(_COUNT.where(RateCount.key == key)).one()
    return total, expires_at


def _clean() -> None:
    """Delete windows that ended. By key, in order, as they are counted, so that nobody waits in a circle."""
    now = time.time()
    with database().session() as session:
        ended = select(RateCount.key).where(RateCount.expires_at <= now).order_by(RateCount.expires_at).limit(_AT_ONCE)
        keys = sorted(session.scalars(ended))
        if keys:
            session.execute(delete(RateCount).where(RateCount.key.in_(keys), RateCount.expires_at <= now))
