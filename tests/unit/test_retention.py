"""Deleting stored predictions: some, old ones, all of a person; in both kinds of database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from stored import fill, invented

from payoff.errors import StorageError
from webapp.storage import Database, retention
from webapp.storage.tables import SOURCES, AuditEntry, Details, StoredPrediction


def notes(database: Database) -> list[AuditEntry]:
    with database.session() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_deleting_takes_details_along_and_is_noted(few: Database) -> None:
    with few.session() as session:
        assert retention.delete(session, [2, 4, 999], "ann") == 2
        assert retention.delete(session, [999], "ann") == 0
    assert few.sizes()["predictions"] == few.sizes()["prediction_details"] == 18
    (entry,) = notes(few)
    assert (entry.actor, entry.action, entry.subject) == ("ann", "prediction.deleted", "2 predictions")
    assert entry.details == {"predictions": 2, "numbers": [2, 4]}


def test_a_purge_deletes_what_is_older_and_nothing_else(few: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    limit = sorted(row["made_at"] for row in invented(20))[11]
    older = {row["id"] for row in invented(20) if row["made_at"] < limit}
    assert older
    assert retention.purge(few, limit, "command line") == len(older)
    assert retention.purge(few, limit, "command line") == 0
    with few.session() as session:
        assert set(session.scalars(select(StoredPrediction.id))) == {row["id"] for row in invented(20)} - older
        assert set(session.scalars(select(Details.prediction_id))) == {row["id"] for row in invented(20)} - older
    assert sum(entry.details["predictions"] for entry in notes(few)) == len(older)
    assert len(notes(few)) == -(-len(older) // 3)


def test_a_purge_that_was_stopped_has_deleted_the_oldest(few: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    done, delete = [], retention._delete

    def dying(session: Session, numbers: Sequence[int]) -> None:
        if done:
            raise SystemExit("killed")
        done.append(numbers)
        delete(session, numbers)

    monkeypatch.setattr(retention, "_delete", dying)
    with pytest.raises(SystemExit):
        retention.purge(few, datetime(2027, 1, 1, tzinfo=UTC), "command line")
    by_age = [row["id"] for row in sorted(invented(20), key=lambda row: row["made_at"])]
    with few.session() as session:
        assert set(session.scalars(select(StoredPrediction.id))) == set(by_age[3:])


def test_of_many_that_are_deleted_twenty_are_named(tables: Database) -> None:
    rows = invented(25)
    with tables.session() as session:
        fill(session, rows)
    with tables.session() as session:
        assert retention.delete(session, [row["id"] for row in rows], "ann") == 25
    (entry,) = notes(tables)
    assert entry.details["predictions"] == 25
    assert len(entry.details["numbers"]) == 20


def test_a_person_of_many_predictions_is_forgotten_whole(few: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    theirs = {row["id"] for row in invented(20) if row["account_id"] == 7}
    assert len(theirs) > 3
    with few.session() as session:
        assert retention.forget(session, "ann", account_id=7) == len(theirs)
    with few.session() as session:
        assert not theirs & set(session.scalars(select(StoredPrediction.id)))


@pytest.mark.parametrize(("name", "value"), [("application", "A-1"), ("account_id", 7)])
def test_a_person_is_forgotten_and_the_audit_log_does_not_say_who(few: Database, name: str, value: Any) -> None:
    theirs = {row["id"] for row in invented(20) if row[name] == value}
    assert theirs
    with few.session() as session:
        assert retention.forget(session, "ann", **{name: value}) == len(theirs)
        assert retention.forget(session, "ann", **{name: value}) == 0
    with few.session() as session:
        assert set(session.scalars(select(StoredPrediction.id))) == {row["id"] for row in invented(20)} - theirs
    (entry,) = notes(few)
    assert entry.action == "prediction.forgotten"
    assert str(value) not in entry.subject
    assert set(entry.details) == {"predictions", "numbers"}


@pytest.mark.parametrize("whose", [{}, {"application": "A", "account_id": 7}])
def test_forgetting_nobody_or_two_at_once_is_refused(few: Database, whose: dict[str, Any]) -> None:
    with pytest.raises(StorageError, match="either"), few.session() as session:
        retention.forget(session, "ann", **whose)


def test_what_is_kept_is_counted_by_source(few: Database) -> None:
    rows = invented(20)
    with few.session() as session:
        kept = retention.by_source(session)
    assert [(each.source, each.predictions) for each in kept] == sorted(
        (source, n) for source in SOURCES if (n := sum(row["source"] == source for row in rows))
    )
    assert min(each.oldest for each in kept) == min(row["made_at"] for row in rows)
    assert max(each.newest for each in kept) == max(row["made_at"] for row in rows)
    assert all(isinstance(each.oldest, datetime) and each.oldest.tzinfo is UTC for each in kept)
