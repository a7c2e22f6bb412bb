"""Counts of requests on both databases: none is lost, however many ask at once."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import update
from web import app_with

from webapp import storage
from webapp.serving import SETTINGS
from webapp.storage import counting
from webapp.storage.counting import count
from webapp.storage.tables import RateCount


@pytest.fixture(params=["sqlite", "mariadb"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    others = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("mariadb_url")}
    return app_with(tmp_path, **others)


def test_no_count_is_lost_when_many_ask_at_once(app: Flask) -> None:
    seen: list[int] = []

    def ask() -> None:
        for _ in range(8):
            with app.test_request_context("/"):
                seen.append(count("a key", 60)[0])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 49))


def test_a_window_ends_and_begins_anew_and_old_ones_go(app: Flask) -> None:
    with app.test_request_context("/"):
        assert [count(name, 60)[0] for name in ("a", "a", "b")] == [1, 2, 1]
        with app.extensions[storage.EXTENSION].session() as session:
            session.execute(update(RateCount).values(expires_at=time.time() - 1))
        number, ends = count("a", 60)
        assert number == 1
        assert time.time() + 50 < ends <= time.time() + 60
    with app.extensions[storage.EXTENSION].session() as session:
        assert [row.key for row in session.query(RateCount)] == ["a"]


def test_who_asks_often_is_counted_ahead_and_never_beyond_what_was_asked_of_all(app: Flask) -> None:
    one, other = (app, app_with_the_database_of(app))
    seen: list[int] = []
    for _ in range(600):
        for process in (one, other):
            with process.test_request_context("/"):
                seen.append(count("a key", 60)[0])
    # No count was given out twice, so no limit lets more through than it says, and hardly any was lost.
    assert len(set(seen)) == 1200
    with app.extensions[storage.EXTENSION].session() as session:
        counted = session.query(RateCount).one().count
    assert max(seen) <= counted <= 1200 * 1.05


def test_a_window_that_is_counted_ahead_ends_all_the_same(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(counting, "time", SimpleNamespace(time=lambda: now[0]))
    with app.test_request_context("/"):
        counts = [count("a key", 60)[0] for _ in range(250)]
        now[0] += 61
        assert count("a key", 60)[0] == 1
    assert counts == list(range(1, 251))


def app_with_the_database_of(app: Flask) -> Flask:
    """Another process, as far as counting goes."""
    settings = app.extensions[SETTINGS]
    return app_with(settings.var_dir.parent / "other", database_url=settings.database_url)
