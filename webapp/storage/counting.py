"""Counts of requests in windows of time, shared by every process.

Who asks often is counted ahead: once a window has many requests, a process adds a fiftieth of them at once and gives
them out by itself. So a thousand requests a second cost a few transactions, no limit is ever exceeded, and the last
fiftieth of it may be refused to one process while another still has it to give.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import case, delete, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from webapp.storage import database
from webapp.storage.tables import RateCount

#: How many ended windows are deleted at once, so that no request waits long for it.
_AT_ONCE = 500
#: A window of fewer requests is counted one by one; of more, such a part of them is counted ahead.
_PART = 50
#: Keys that something is counted ahead for, at most; beyond, all begin anew.
_KEYS = 10_000
_EXTENSION = "payoff.counted_ahead"
_COUNT = select(RateCount.count, RateCount.expires_at)


@dataclass(slots=True)
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

    def take(self, key: str) -> tuple[int, float] | None:
        """The next count and the end of its window; None where the database has to be asked."""
        with self._lock:
            run = self._runs.get(key)
            if run is None or run.given >= run.last or run.expires_at <= time.time():
                return None
            run.given += 1
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


def count(key: str, seconds: int) -> tuple[int, float]:
    """Count one more under ``key``, for as many seconds as its window is long.

    Returns
    -------
    (int, float)
        How many there are in the window now, and when it ends, in seconds of the epoch.
    """
    ahead: _Ahead = current_app.extensions.setdefault(_EXTENSION, _Ahead())
    return ahead.take(key) or _counted(ahead, key, seconds)


def _counted(ahead: _Ahead, key: str, seconds: int) -> tuple[int, float]:
    more = ahead.worth(key)
    # Many processes count in few rows, so now and then two of them stand in each other's way.
    total, expires_at = database().repeated(lambda session: _added(session, key, seconds, 1 + more))
    if total == 1 + more:
        # A window begins: as good a moment as any, and no process needs to see to it.
        _clean()
    ahead.put(key, _Run(total - more, total, expires_at))
    return total - more, expires_at


def _added(session: Session, key: str, seconds: int, amount: int) -> tuple[int, float]:
    """Count and end of the window, after one statement that no other process can part."""
    now = time.time()
    row = {"key": key, "count": amount, "expires_at": now + seconds}
    over = RateCount.expires_at <= now
    # In this order: MariaDB computes the second from a row in which the first has changed already.
    changed: list[tuple[str, Any]] = [
        ("count", case((over, amount), else_=RateCount.count + amount)),
        ("expires_at", case((over, now + seconds), else_=RateCount.expires_at)),
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
