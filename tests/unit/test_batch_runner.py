"""Batches are run to their end, row by row, and what goes wrong with one is told."""

from batches import loans
from bench import ROWS
from sqlalchemy import select
from web import StandIn, metadata

from payoff.errors import ModelError
from webapp.batch import runner as running
from webapp.batch.files import BatchFiles
from webapp.storage.batches import try_again
from webapp.storage.tables import Batch, Details, StoredPrediction


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


def test_a_batch_that_is_sent_while_the_last_one_ends_is_not_overlooked(on_sqlite):
    for _ in range(20):
        on_sqlite.send(loans(1))
        on_sqlite.runner.wake()
    on_sqlite.runner.rest(20)
    assert on_sqlite.batch(20).status == "done"
