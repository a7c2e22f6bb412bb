"""A batch is run once, whoever claims it and whoever dies of it."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from batches import loans
from bench import ROWS

from payoff.errors import StorageError
from webapp.batch import runner as running
from webapp.storage.batches import MOST_TRIES, SILENCE, advance, beat, end


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
