"""`payoff database` and `payoff predictions`, as a shell runs them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from stored import fill, invented

from webapp.storage import Database
from webapp.storage.tables import AuditEntry, StoredPrediction, Table


@pytest.fixture
def empty(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database of each kind in turn, named in the environment, without tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYOFF_DATABASE_URL", empty_url)
    database = Database(empty_url)
    yield database
    database.engine.dispose()


@pytest.fixture
def filled(empty: Database) -> Database:
    """Twenty predictions, made in the last five days."""
    empty.migrate()
    rows = invented(20)
    newest = max(row["made_at"] for row in rows)
    now = datetime.now(UTC)
    with empty.session() as session:
        fill(session, [row | {"made_at": now - (newest - row["made_at"]) - timedelta(seconds=1)} for row in rows])
    return empty


def left(database: Database) -> set[int]:
    with database.session() as session:
        return set(session.scalars(select(StoredPrediction.id)))


def notes(database: Database) -> list[tuple[str, str]]:
    with database.session() as session:
        return [(entry.actor, entry.action) for entry in session.scalars(select(AuditEntry))]


def test_the_tables_are_made_once_and_shown(run, empty):
    password = empty.engine.url.password
    status, out, _ = run("database", "show")
    assert status == 0
    assert "no tables yet; `payoff database upgrade` makes them" in out
    for words in ("revision none → 0", "already"):
        status, out, _ = run("database", "upgrade")
        assert status == 0
        assert words in out
    status, out, _ = run("database", "show")
    assert status == 0
    assert f"revision {empty.revision()}" in out
    assert all(name in out for name in Table.metadata.tables)
    assert not password or password not in out


def test_a_database_that_is_not_there_is_one_message(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYOFF_DATABASE_URL", "mysql+pymysql://me:hidden@127.0.0.1:1/payoff")
    for command in (("database", "upgrade"), ("database", "show"), ("predictions", "count")):
        status, out, err = run(*command)
        assert status == 1
        assert err.startswith("payoff: ")
        assert "hidden" not in out + err
        assert "Traceback" not in out + err


def test_predictions_are_counted_by_source(run, filled):
    status, out, _ = run("predictions", "count")
    assert status == 0
    for source in {row["source"] for row in invented(20)}:
        assert source in out


def test_a_purge_keeps_to_the_days_that_are_given_or_set(run, filled, monkeypatch):
    status, out, _ = run("predictions", "purge")
    assert status == 0
    assert "0 predictions and 0 batches made before" in out
    assert "(730 days)" in out
    everything = left(filled)
    limit = datetime.now(UTC) - timedelta(days=3)
    with filled.session() as session:
        older = set(session.scalars(select(StoredPrediction.id).where(StoredPrediction.made_at < limit)))
    assert older
    monkeypatch.setenv("PAYOFF_RETENTION_DAYS", "3")
    status, out, _ = run("predictions", "purge")
    assert status == 0
    assert f"{len(older)} predictions and 0 batches made before" in out
    assert left(filled) == everything - older
    assert run("predictions", "purge", "--days", "1")[0] == 0
    assert left(filled) < everything - older
    assert set(notes(filled)) == {("command line", "prediction.purged")}


@pytest.mark.parametrize("days", ["0", "-1", "x", "99999999"])
def test_a_number_of_days_that_is_none_deletes_nothing(run, filled, days):
    assert run("predictions", "purge", "--days", days)[0] == 2
    assert len(left(filled)) == 20


def test_a_retention_of_very_many_days_deletes_nothing(run, filled, monkeypatch):
    monkeypatch.setenv("PAYOFF_RETENTION_DAYS", "999999999")
    assert run("predictions", "purge")[0] == 0
    assert len(left(filled)) == 20


def test_single_predictions_are_deleted_and_those_missing_are_told_of(run, filled):
    status, out, _ = run("predictions", "delete", "2", "4", "999")
    assert status == 0
    assert "2 of 3 predictions deleted" in out
    assert left(filled) == {row["id"] for row in invented(20)} - {2, 4}


def test_all_of_a_person_are_deleted(run, filled):
    rows = invented(20)
    assert run("predictions", "delete", "--account", "7")[0] == 0
    assert left(filled) == {row["id"] for row in rows if row["account_id"] != 7}
    reference = next(row["application"] for row in rows if row["account_id"] != 7)
    assert run("predictions", "delete", "--application", reference)[0] == 0
    assert left(filled) == {row["id"] for row in rows if row["account_id"] != 7 and row["application"] != reference}
    assert notes(filled) == [("command line", "prediction.forgotten")] * 2


@pytest.mark.parametrize("given", [(), ("2", "--account", "7"), ("--account", "7", "--application", "A")])
def test_what_to_delete_is_named_in_one_way(run, filled, given):
    status, _, err = run("predictions", "delete", *given)
    assert status == 1
    assert "name either numbers of predictions" in err
    assert len(left(filled)) == 20
