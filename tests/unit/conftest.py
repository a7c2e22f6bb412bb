"""Apps, tables and runners of batches as several modules begin with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bench import Bench
    from flask import Flask

    from webapp.storage import Database


@pytest.fixture
def app(tmp_path: Path) -> "Flask":
    """An app with a stand-in for the model."""
    from web import app_with

    return app_with(tmp_path)


@pytest.fixture
def database(app: "Flask") -> "Database":
    """The tables of the app."""
    from web import database_of

    return database_of(app)


@pytest.fixture
def tokenless(app: "Flask") -> None:
    """Forms of the app need no token."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def few(tables: "Database") -> "Database":
    """The tables with twenty predictions, to be changed; on each kind of database in turn."""
    from stored import fill, invented

    with tables.session() as session:
        fill(session, invented(20))
    return tables


@pytest.fixture
def bench(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Bench]":
    """A runner of batches, in chunks of few rows, on each kind of database in turn."""
    from bench import bench_in

    with bench_in(tmp_path, empty_url, monkeypatch) as made:
        yield made


@pytest.fixture
def on_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Bench]":
    """The same on SQLite alone."""
    from bench import bench_in

    with bench_in(tmp_path, f"sqlite:///{tmp_path}/payoff.sqlite", monkeypatch) as made:
        yield made
