"""Batches are run once, whoever runs them and whoever dies of it."""

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from batches import as_csv, loans, rows_of
from flask_babel import get_locale
from sqlalchemy import func, select, update
from web import Served, StandIn, app_with, metadata, settings

from payoff.errors import ContractError, LakeError, ModelError, StorageError
from payoff.lake import DirectoryLake
from webapp.batch import runner as running
from webapp.batch.attached import EXTENSION
from webapp.batch.files import CHUNK_ROWS, BatchFiles, sheet_of, starts_of
from webapp.batch.receiving import Sent, received
from webapp.batch.runner import Runner
from webapp.storage import Database
from webapp.storage.batches import MOST_TRIES, SILENCE, advance, beat, claim, end, try_again
from webapp.storage.tables import AuditEntry, Batch, Details, StoredPrediction

CHUNK = 4


@contextmanager
def silence(_language):
    yield


class Bench:
    """A database, a lake and a runner, with chunks of four rows."""

    def __init__(self, directory, url=None):
        self.settings = settings(directory)
        self.database = Database(url or self.settings.database_url)
        self.database.migrate()
        self.lake, self.models = DirectoryLake(directory / "lake"), Served(StandIn())
        self.runner = self.another_runner()

    def another_runner(self):
        """As another process would have one."""
        return Runner(self.settings, self.database, self.lake, self.models, silence)

    def send(self, rows, **options):
        sent = Sent(as_csv(rows), "loans.csv", **options)
        return received(self.database, self.lake, self.models, sent, sender="a test").id

    def batch(self, number=1):
        with self.database.session() as session:
            return session.get(Batch, number)

    def change(self, **values):
        with self.database.session() as session:
            session.execute(update(Batch).values(**values))

    def claim(self, at=None):
        with self.database.session() as session:
            return claim(session, at or datetime.now(UTC))

    def stored(self):
        with self.database.session() as session:
            return session.scalars(select(StoredPrediction).order_by(StoredPrediction.id)).all()

    def result(self, number=1):
        batch = self.batch(number)
        files = BatchFiles(self.lake, batch.options["folder"])
        return rows_of(b"".join(files.result(sheet_of(batch), starts_of(batch))))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setitem(CHUNK_ROWS, "form", CHUNK)


@pytest.fixture(params=["sqlite", "mariadb"])
def bench(request, tmp_path):
    made = Bench(tmp_path, request.getfixturevalue("mariadb_url") if request.param == "mariadb" else None)
    yield made
    made.database.engine.dispose()


@pytest.fixture
def on_sqlite(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.database.engine.dispose()


ROWS = [*loans(5), *loans(1, district="Nowhere"), *loans(4, application="mine")]


def test_a_batch_stores_each_good_row_once_and_answers_every_row(bench):
    bench.send(ROWS)
    assert bench.runner.run_next()
    batch, stored = bench.batch(), bench.stored()
    assert (batch.status, batch.rows, batch.done, batch.bad, batch.failure) == ("done", 10, 10, 1, None)
    assert batch.ended_at >= batch.started_at
    assert [each.application for each in stored] == [
        *(f"batch 1, line {line}" for line in (2, 3, 4, 5, 6)), *["mine"] * 4
    ]  # fmt: skip
    assert {(each.source, each.batch_id, each.model.version) for each in stored} == {("batch", 1, metadata().version)}
    answered = [row for row in bench.result() if row["payoff_probability"]]
    assert [float(row["payoff_probability"]) for row in answered] == [each.payoff_probability for each in stored]
    assert [row["line"] for row in bench.result()] == [str(line) for line in range(2, 12)]


def test_the_details_belong_to_their_predictions(bench):
    bench.send(ROWS, explain_all=True)
    bench.runner.run_next()
    with bench.database.session() as session:
        pairs = session.execute(
            select(StoredPrediction, Details).join(Details, Details.prediction_id == StoredPrediction.id)
        ).all()
        assert len(pairs) == 9
        for stored, details in pairs:
            assert details.features["loan_amount_czk"] == stored.amount_czk
            assert details.threshold == 0.8
            assert details.reasons


def test_there_is_nothing_to_run_when_all_is_done(on_sqlite):
    assert not on_sqlite.runner.run_next()
    on_sqlite.send(loans(1))
    assert on_sqlite.runner.run_next()
    assert not on_sqlite.runner.run_next()


def test_the_oldest_batch_comes_first(on_sqlite):
    for _ in range(2):
        on_sqlite.send(loans(1))
    on_sqlite.runner.run_next()
    assert [on_sqlite.batch(number).status for number in (1, 2)] == ["done", "waiting"]


def die_after(monkeypatch, chunks: int, when: str):
    """Let the runner's process die after so many chunks, before or after it has stored the next."""
    left = [chunks]

    def dying(session, batch, rows, scored):
        if left[0] == 0:
            if when == "after storing":
                advance(session, batch, rows, scored)
                session.commit()
            raise SystemExit("killed")
        left[0] -= 1
        return advance(session, batch, rows, scored)

    monkeypatch.setattr(running, "advance", dying)


@pytest.mark.parametrize("when", ["before storing", "after storing"])
def test_another_process_finishes_what_a_killed_one_began_and_stores_nothing_twice(bench, monkeypatch, when):
    bench.send(ROWS)
    with monkeypatch.context() as patched:
        die_after(patched, 1, when)
        with pytest.raises(SystemExit):
            bench.runner.run_next()
    assert bench.batch().status == "running"
    other = bench.another_runner()
    assert not other.run_next(), "its runner may still live"
    bench.change(beats_at=datetime.now(UTC) - SILENCE - timedelta(seconds=1))
    assert other.run_next()
    batch = bench.batch()
    assert (batch.status, batch.done, batch.bad) == ("done", 10, 1)
    assert [each.amount_czk for each in bench.stored()] == [
        row["loan_amount_czk"] for row in ROWS if row["district"] != "Nowhere"
    ]
    assert [row["line"] for row in bench.result()] == [str(line) for line in range(2, 12)]


def test_a_runner_that_was_taken_for_dead_stores_nothing_any_more(bench):
    bench.send(ROWS)
    slow = bench.claim()
    later = datetime.now(UTC) + SILENCE + timedelta(seconds=1)
    taken = bench.claim(at=later)
    assert taken.started_at == later
    with bench.database.session() as session:
        assert not beat(session, slow)
        assert not advance(session, slow, 4, [])
        assert not end(session, slow, "done")
        assert beat(session, taken)
    assert bench.batch().done == 0
    assert bench.stored() == []


def test_of_two_that_claim_at_once_one_gets_the_batch(bench):
    bench.send(ROWS)
    now, got, barrier = datetime.now(UTC), [], threading.Barrier(4)

    def grasp(place):
        barrier.wait()
        got.append(bench.claim(at=now + timedelta(microseconds=place)))

    threads = [threading.Thread(target=grasp, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in got) == 1


def test_a_batch_that_its_runners_die_of_is_ended(on_sqlite):
    on_sqlite.send(ROWS)
    for _ in range(MOST_TRIES):
        assert on_sqlite.claim()
        on_sqlite.change(beats_at=datetime.now(UTC) - 2 * SILENCE)
    assert on_sqlite.claim() is None
    batch = on_sqlite.batch()
    assert (batch.status, batch.failure) == ("failed", f"stopped {MOST_TRIES} times after row 0")


def test_tries_are_counted_anew_after_each_chunk(on_sqlite):
    on_sqlite.send(ROWS)
    for done in range(MOST_TRIES + 2):
        on_sqlite.change(done=done)
        assert on_sqlite.claim()
        on_sqlite.change(beats_at=datetime.now(UTC) - 2 * SILENCE)


def test_what_goes_wrong_is_told_and_the_batch_can_go_on_from_there(on_sqlite, monkeypatch):
    on_sqlite.send(ROWS)
    scored = running.outcomes
    calls = []

    def breaking(*args, **options):
        calls.append(args)
        if len(calls) == 2:
            raise ModelError("the model is worn out")
        return scored(*args, **options)

    monkeypatch.setattr(running, "outcomes", breaking)
    on_sqlite.runner.run_next()
    batch = on_sqlite.batch()
    assert (batch.status, batch.done, batch.failure) == ("failed", 4, "the model is worn out")
    assert not on_sqlite.runner.run_next()
    with on_sqlite.database.session() as session:
        assert try_again(session, 1)
        assert not try_again(session, 1)
        assert not try_again(session, 2)
    on_sqlite.runner.run_next()
    assert (on_sqlite.batch().status, on_sqlite.batch().failure, len(on_sqlite.stored())) == ("done", None, 9)


def test_a_batch_whose_file_is_gone_fails_with_words(on_sqlite):
    on_sqlite.send(ROWS)
    BatchFiles(on_sqlite.lake, on_sqlite.batch().options["folder"]).delete([])
    on_sqlite.runner.run_next()
    assert "holds no batches/" in on_sqlite.batch().failure


def test_the_model_that_a_batch_began_with_finishes_it(on_sqlite):
    on_sqlite.send(ROWS)
    old, new = on_sqlite.models.model, StandIn(metadata("2026-02-01T00-00-00"))
    on_sqlite.models.model, on_sqlite.models.others = new, (old,)
    on_sqlite.runner.run_next()
    assert {each.model.version for each in on_sqlite.stored()} == {old.metadata.version}


def test_a_batch_that_is_deleted_while_it_runs_leaves_no_files(on_sqlite, monkeypatch):
    on_sqlite.send(ROWS)
    keep = BatchFiles.keep

    def deleted_meanwhile(files, *args):
        with on_sqlite.database.session() as session:
            session.execute(Batch.__table__.delete())
        keep(files, *args)

    monkeypatch.setattr(BatchFiles, "keep", deleted_meanwhile)
    on_sqlite.runner.run_next()
    assert on_sqlite.lake.keys("batches/") == []
    assert on_sqlite.stored() == []


def test_a_database_that_is_away_leaves_the_batch_to_be_taken_up_later(on_sqlite, monkeypatch, caplog):
    on_sqlite.send(ROWS)

    def away(*_):
        raise StorageError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(running, "advance", away)
        on_sqlite.runner.wake()
        on_sqlite.runner.rest(10)
    assert "the database is away" in caplog.text
    assert on_sqlite.batch().status == "running"
    on_sqlite.change(beats_at=datetime.now(UTC) - 2 * SILENCE)
    on_sqlite.runner.wake()
    on_sqlite.runner.rest(10)
    assert on_sqlite.batch().status == "done"


def test_the_runner_says_that_it_lives_while_a_chunk_takes_long(on_sqlite, monkeypatch):
    on_sqlite.send(loans(1))
    monkeypatch.setattr(running, "BEAT_SECONDS", 0.02)
    scored, beats = running.outcomes, []

    def slowly(*args, **options):
        beats.append(on_sqlite.batch().beats_at)
        time.sleep(0.3)
        beats.append(on_sqlite.batch().beats_at)
        return scored(*args, **options)

    monkeypatch.setattr(running, "outcomes", slowly)
    on_sqlite.runner.run_next()
    assert beats[0] < beats[1]


def test_a_batch_that_is_sent_while_the_last_one_ends_is_not_overlooked(on_sqlite):
    for _ in range(20):
        on_sqlite.send(loans(1))
        on_sqlite.runner.wake()
    on_sqlite.runner.rest(20)
    assert on_sqlite.batch(20).status == "done"


def test_a_file_that_cannot_be_read_or_has_no_model_leaves_nothing_behind(on_sqlite):
    send = Sent(b"nonsense", "x.csv")
    with pytest.raises(ContractError):
        received(on_sqlite.database, on_sqlite.lake, on_sqlite.models, send, sender="a test")
    accounts = Sent(b"account_id,loan_amount_czk,loan_duration_months,granted_on\n1,2,3,4", "x.csv")
    with pytest.raises(ModelError):
        received(on_sqlite.database, on_sqlite.lake, on_sqlite.models, accounts, sender="a test")
    assert on_sqlite.lake.keys("batches/") == []
    assert on_sqlite.batch() is None


def test_a_batch_that_cannot_be_stored_in_the_lake_is_none(on_sqlite):
    class Full(DirectoryLake):
        def write(self, key, data):
            raise LakeError("no room")

    on_sqlite.lake = Full(on_sqlite.settings.var_dir)
    with pytest.raises(LakeError):
        on_sqlite.send(loans(1))
    assert on_sqlite.batch() is None


def test_sending_is_in_the_audit_log(on_sqlite):
    on_sqlite.send(ROWS)
    with on_sqlite.database.session() as session:
        (entry,) = session.scalars(select(AuditEntry)).all()
    assert (entry.actor, entry.action, entry.subject) == ("a test", "batch.sent", "batch 1")


def test_reasons_are_worded_in_the_language_of_the_sender(tmp_path, monkeypatch):
    app = app_with(tmp_path)
    spoken = []
    scored = running.outcomes
    monkeypatch.setattr(running, "outcomes", lambda *args: spoken.append(str(get_locale())) or scored(*args))
    found = app.extensions
    sent = Sent(as_csv(loans(1)), "loans.csv", language="cs")
    received(found["payoff.database"], found["payoff.lake"], found["payoff.models"], sent, sender="a test")
    found[EXTENSION].run_next()
    assert spoken == ["cs"]
    with found["payoff.database"].session() as session:
        assert session.scalar(select(func.count()).select_from(StoredPrediction)) == 1
