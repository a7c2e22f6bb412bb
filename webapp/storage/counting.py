"""Counts of requests in windows of time, as the ``limits`` package asks for them; shared by every process.

Flask-Limiter adds to a count and asks for the same count again, to tell the asker; what was added to is remembered for
the length of a request, so that one request costs one transaction.

Who asks often is counted ahead: once a window has many requests, a process adds a fiftieth of them at once and gives
them out by itself. So a thousand requests a second cost a few transactions, no limit is ever exceeded, and the last
fiftieth of it may be refused to one process while another still has it to give.
"""

import threading
import time
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app, g
from limits.storage import Storage
from sqlalchemy import case, delete, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from webapp.storage import database
from webapp.storage.tables import RateCount

SCHEME = "payoff"
#: How many ended windows are deleted at once, so that no request waits long for it.
_AT_ONCE = 500
#: A window of fewer requests is counted one by one; of more, such a part of them is counted ahead.
_PART = 50
#: Keys that something is counted ahead for, at most; beyond, all begin anew.
_KEYS = 10_000
_EXTENSION = "payoff.counted_ahead"
_COUNT = select(RateCount.count, RateCount.expires_at)


class CountStorage(Storage):
    """Counts in the database of the running app."""

    STORAGE_SCHEME = [SCHEME]

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        _remembered()[key] = count, _ = _ahead().take(key, amount) or self._counted(key, expiry, amount)
        return count

    def _counted(self, key: str, expiry: int, amount: int) -> tuple[int, float]:
        ahead = _ahead().worth(key)
        # Many processes count in few rows, so now and then two of them stand in each other's way.
        total, expires_at = database().repeated(lambda session: _added(session, key, expiry, amount + ahead))
        if total == amount + ahead:
            # A window begins: as good a moment as any, and no process needs to see to it.
            _clean()
        _ahead().put(key, _Run(total - ahead, total, expires_at))
        return total - ahead, expires_at

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
        _ahead().clear()
        with database().session() as session:
            return int(getattr(session.execute(delete(RateCount)), "rowcount", 0))

    def clear(self, key: str) -> None:
        _remembered().pop(key, None)
        _ahead().pop(key)
        with database().session() as session:
            session.execute(delete(RateCount).where(RateCount.key == key))

    def _found(self, key: str) -> tuple[int, float]:
        if key in _remembered():
            return _remembered()[key]
        with database().session() as session:
            row = session.execute(_COUNT.where(RateCount.key == key)).first()
        count, expires_at = row or (0, 0.0)
        return count, expires_at


@dataclass(frozen=True)
class _Run:
    """Counts of one window that are this process's to give out: those after ``given``, up to ``last``."""

    given: int
    last: int
    expires_at: float


class _Ahead:
    """What this process counted ahead, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}

    def take(self, key: str, amount: int) -> tuple[int, float] | None:
        """The next count and the end of its window; None where the database has to be asked."""
        with self._lock:
            run = self._runs.get(key)
            if run is None or run.given + amount > run.last or run.expires_at <= time.time():
                return None
            self._runs[key] = run = replace(run, given=run.given + amount)
            return run.given, run.expires_at

    def worth(self, key: str) -> int:
        """How many to count ahead."""
        run = self._runs.get(key)
        return run.last // _PART if run and run.expires_at > time.time() else 0

    def put(self, key: str, run: _Run) -> None:
        with self._lock:
            if len(self._runs) >= _KEYS:
                self._runs.clear()
            self._runs[key] = run

    def pop(self, key: str) -> None:
        with self._lock:
            self._runs.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._runs.clear()


def _ahead() -> _Ahead:
    held: _Ahead = current_app.extensions.setdefault(_EXTENSION, _Ahead())
    return held


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
