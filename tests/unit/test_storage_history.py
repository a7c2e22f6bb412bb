"""Finding and correcting stored predictions; in both kinds of database."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from stored import FIRST_DAY, MODELS, REFERENCES, SHARES, fill, invented

from payoff.errors import InvalidAnswers
from webapp.storage import Database, finding, queries, retention
from webapp.storage.queries import Filters, detail, found, page, record_outcome, versions
from webapp.storage.tables import SOURCES, AuditEntry, StoredPrediction

ROWS = invented(500)
days = st.dates(date(2025, 12, 31), date(2026, 1, 7)) | st.sampled_from([date.min, date.max])
shares = st.sampled_from(SHARES) | st.floats(0, 1)
ODD_SEARCHES = ("a", "A-\uffff", "A-\ud7ff", "1" * 25, "%", "_", "f", "\U0010ffff", "no such reference")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "days": st.tuples(days, days).map(sorted),
    "first day": days,
    "last day": days,
    "verdict": st.sampled_from(["paid_off", "default"]),
    "shares": st.tuples(shares, shares).map(sorted),
    "lowest": shares,
    "highest": shares,
    "model": st.sampled_from([*MODELS, "unheard of"]),
    "source": st.sampled_from(SOURCES),
    "search": st.sampled_from(["A", "A-", "A-1", "7", "12", "120"]) | st.sampled_from([*REFERENCES, *ODD_SEARCHES]),
}


@st.composite
def filters(draw: st.DrawFn) -> Filters:
    """Up to three filters at once, so that mostly something fits; ranges the right way round, or half open."""
    chosen = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=3, unique=True))
    given = {name: draw(VALUES[name]) for name in chosen}
    since, until = given.get("days", (given.get("first day"), given.get("last day")))
    lowest, highest = given.get("shares", (given.get("lowest"), given.get("highest")))
    rest = {name: given[name] for name in ("verdict", "model", "source", "search") if name in given}
    return Filters(since, until, lowest=lowest, highest=highest, **rest)


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database that no test changes."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('filled')}/payoff.sqlite"
    else:
        url = request.getfixturevalue("mariadb_server").create_database("filled")
    database = Database(url)
    database.migrate()
    with database.session() as session:
        fill(session, ROWS)
    yield database
    database.engine.dispose()


def fits(row: dict[str, Any], wanted: Filters) -> bool:
    """What the filters mean, said plainly."""
    day, share, search = row["made_at"].date(), row["payoff_probability"], wanted.search
    return (
        (wanted.since is None or day >= wanted.since)
        and (wanted.until is None or day <= wanted.until)
        and wanted.verdict in (None, row["verdict"])
        and (wanted.lowest is None or share >= wanted.lowest)
        and (wanted.highest is None or share <= wanted.highest)
        and wanted.model in (None, MODELS[row["model_id"] - 1])
        and wanted.source in (None, row["source"])
        and (row["application"].startswith(search) or search in (str(row["account_id"]), str(row["id"])))
    )


def expected(wanted: Filters, rows: list[dict[str, Any]] = ROWS) -> list[int]:
    ordered = sorted(rows, key=lambda row: (row["made_at"], row["id"]), reverse=True)
    return [row["id"] for row in ordered if fits(row, wanted)]


def walked(session: Session, wanted: Filters, size: int) -> list[list[int]]:
    """The numbers of every page, from the newest to the oldest."""
    held = page(session, wanted, size=size)
    assert held.newer is None
    pages = [[row.id for row in held.rows]]
    while held.older is not None:
        held = page(session, wanted, before=held.older, size=size)
        pages.append([row.id for row in held.rows])
        assert held.newer == pages[-1][0]
    return pages


@settings(max_examples=40, deadline=None)
@given(filters(), st.integers(25, 200))
def test_the_pages_one_after_the_other_are_all_that_fits_in_order(filled: Database, wanted: Filters, size: int) -> None:
    with filled.session() as session:
        pages = walked(session, wanted, size)
        assert [number for each in pages for number in each] == expected(wanted)
        assert all(len(each) == size for each in pages[:-1])
        assert found(session, wanted) == (len(expected(wanted)), False)


@settings(max_examples=40, deadline=None)
@given(filters(), st.integers(25, 200))
def test_the_way_back_from_the_oldest_page_is_the_same(filled: Database, wanted: Filters, size: int) -> None:
    with filled.session() as session:
        held = page(session, wanted, after=0, size=size)
        assert held.older is None
        numbers = [row.id for row in held.rows]
        while held.newer is not None:
            held = page(session, wanted, after=held.newer, size=size)
            numbers = [row.id for row in held.rows] + numbers
        assert numbers == expected(wanted)


@settings(max_examples=40, deadline=None)
@given(filters(), st.integers(-5, 1100) | st.sampled_from([-(2**70), 2**63, 2**70]), st.integers(1, 60))
def test_a_page_can_begin_at_any_number_whether_it_is_there_or_not(
    filled: Database, wanted: Filters, number: int, size: int
) -> None:
    with filled.session() as session:
        for cursor in ({"before": number}, {"after": number}):
            held = page(session, wanted, size=size, **cursor)
            assert [row.id for row in held.rows] == [n for n in expected(wanted) if n in {r.id for r in held.rows}]
            assert len(held.rows) <= size


@pytest.mark.parametrize("search", ["7", "12", "120"])
def test_what_a_search_finds_in_two_ways_is_one_row_and_counted_once(filled: Database, search: str) -> None:
    wanted = Filters(search=search)
    assert any(row["application"].startswith(search) and str(row["account_id"]) == search for row in ROWS)
    with filled.session() as session:
        pages = walked(session, wanted, 10)
        assert [number for each in pages for number in each] == expected(wanted)
        assert {len(each) for each in pages[:-1]} == {10}
        assert found(session, wanted) == (len(expected(wanted)), False)


def test_a_deleted_cursor_skips_nothing_and_repeats_nothing(tables: Database) -> None:
    in_order = [row | {"made_at": FIRST_DAY + timedelta(minutes=row["id"])} for row in invented(20)]
    with tables.session() as session:
        fill(session, in_order)
        first = page(session, Filters(), size=5)
        assert first.older == 32
        retention.delete(session, [32], "a test")
    with tables.session() as session:
        assert [row.id for row in page(session, Filters(), before=32).rows] == list(range(30, 0, -2))
        assert [row.id for row in page(session, Filters(), after=32).rows] == [40, 38, 36, 34]


@pytest.mark.parametrize(
    "wanted",
    [
        Filters(lowest=0.9, highest=0.1),
        Filters(lowest=0.912, highest=0.911),
        Filters(since=date(2026, 1, 3), until=date(2026, 1, 2)),
        Filters(model="unheard of"),
        Filters(search="no such reference", source="api"),
        # A seven, but none that a number here is written with.
        Filters(search="٧"),
    ],
)
def test_what_nothing_can_fit_is_an_empty_page(filled: Database, wanted: Filters) -> None:
    with filled.session() as session:
        for cursor in ({}, {"before": 500}, {"after": 0}):
            assert page(session, wanted, **cursor) == page(session, Filters(), before=0)
        assert found(session, wanted) == (0, False)


def test_counting_stops_where_it_is_told(filled: Database) -> None:
    with filled.session() as session:
        assert found(session, Filters(), most=499) == (499, True)
        assert found(session, Filters(), most=500) == (500, False)
        assert found(session, Filters(source="api"), most=3) == (3, True)
        assert found(session, Filters(search="A"), most=3) == (3, True)
        # Several indexes hold what it fits: together they are counted no further, either.
        assert finding.count(session, queries._where(session, Filters(search="12")), 5) == 5


def test_a_search_that_fits_too_much_is_refused_with_advice(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    many = len(expected(Filters(search="A")))
    monkeypatch.setattr(queries, "BROADEST_SEARCH", many - 1)
    with filled.session() as session:
        for ask in (page, found):
            with pytest.raises(InvalidAnswers, match="give more of the reference") as refused:
                ask(session, Filters(search="A"))
            assert set(refused.value.fields) == {"search"}
        assert len(expected(Filters(search="A-1"))) == found(session, Filters(search="A-1"))[0]
    monkeypatch.setattr(queries, "BROADEST_SEARCH", many)
    with filled.session() as session:
        assert found(session, Filters(search="A")) == (many, False)


@pytest.mark.parametrize(
    "wanted", [Filters(), Filters(source="api"), Filters(model=MODELS[0], verdict="default"), Filters(lowest=0.3)]
)
def test_every_page_is_read_from_an_index_that_holds_all_it_asks_for(filled: Database, wanted: Filters) -> None:
    """A page of a million rows takes milliseconds because of this; benchmarks/history.md has the figures."""
    with filled.session() as session:
        where = queries._where(session, wanted)
        assert where
        for run in where.sorted_runs[:1]:
            select_ids = (
                f"select id, made_at from {finding._from(run, finding._hint(session))} order by made_at desc, id desc"
            )
            sqlite = session.get_bind().dialect.name == "sqlite"
            explained = session.execute(
                finding._text(f"explain {'query plan ' if sqlite else ''}{select_ids}", where.values)
            )
            plan = str(explained.mappings().all())
            assert run.index in plan
            assert ("COVERING INDEX" if sqlite else "Using index") in plan
            assert "TEMP B-TREE" not in plan
            assert "filesort" not in plan


def test_the_versions_that_ever_answered_are_listed_newest_first(filled: Database) -> None:
    with filled.session() as session:
        assert list(versions(session)) == sorted(MODELS, reverse=True)


def test_one_prediction_comes_with_its_details(filled: Database) -> None:
    with filled.session() as session:
        stored = detail(session, 2)
        assert stored
        assert (stored[0].id, stored[1].threshold, stored[2]) == (2, 0.8, None)
        for number in (3, 0, -1, 2**63, 2**70):
            assert detail(session, number) is None
            assert not record_outcome(session, number, "default", "ann")


def test_an_outcome_is_recorded_corrected_and_withdrawn_each_noted(few: Database) -> None:
    for outcome in ("paid_off", "default", "default", None):
        with few.session() as session:
            assert record_outcome(session, 2, outcome, "ann")
        with few.session() as session:
            row = session.get_one(StoredPrediction, 2)
            assert row.outcome == outcome
            assert (row.outcome_at is None) == (outcome is None)
    with few.session() as session:
        assert not record_outcome(session, 3, "default", "ann")
        notes = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [entry.details for entry in notes] == [
            {"from": None, "to": "paid_off"}, {"from": "paid_off", "to": "default"}, {"from": "default", "to": None}
        ]  # fmt: skip
        assert {(entry.actor, entry.action, entry.subject) for entry in notes} == {
            ("ann", "prediction.outcome", "prediction 2")
        }


def notes(database: Database) -> list[AuditEntry]:
    with database.session() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
