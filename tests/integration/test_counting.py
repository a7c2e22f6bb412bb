"""Counts of requests on both databases: none is lost, however many ask at once."""

import threading
import time
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update
from web import app_with

from webapp import storage
from webapp.storage.counting import CountStorage
from webapp.storage.tables import RateCount


@pytest.fixture(params=["sqlite", "mariadb"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    others = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("mariadb_url")}
    return app_with(tmp_path, **others)


def test_no_count_is_lost_when_many_ask_at_once(app: Flask) -> None:
    seen: list[int] = []

    def ask() -> None:
        for _ in range(20):
            with app.test_request_context("/"):
                seen.append(CountStorage().incr("a key", 60))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 121))


def test_a_window_ends_and_begins_anew_and_old_ones_go(app: Flask) -> None:
    counts = CountStorage()
    with app.test_request_context("/"):
        assert [counts.incr(name, 60) for name in ("a", "a", "b")] == [1, 2, 1]
        with app.extensions[storage.EXTENSION].session() as session:
            session.execute(update(RateCount).values(expires_at=time.time() - 1))
        assert counts.incr("a", 60) == 1
    with app.test_request_context("/"):
        assert time.time() + 50 < counts.get_expiry("a") <= time.time() + 60
    with app.extensions[storage.EXTENSION].session() as session:
        assert [row.key for row in session.query(RateCount)] == ["a"]
