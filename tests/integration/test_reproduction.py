"""The original made again from the real lake, with stand-ins for the training, and its training once for real."""

import numpy as np
import pytest

from payoff import runs
from payoff.metadata import TARGET, Calibration
from training.evaluation import original_recipe, published
from training.evaluation import original_results as results
from training.evaluation.nested import FoldRecord
from training.evaluation.original import reproduce
from training.evaluation.original_page import as_page
from training.evaluation.original_recipe import Answers
from training.evaluation.original_rows import OWN_SEED, joined, shuffled
from training.evaluation.original_trials import by_theirs
from training.loans import read_loans

SEED = 20261121


class StandIns:
    """For both trainings: remember what they were given, and answer by a feature."""

    def __init__(self) -> None:
        self.theirs: list[tuple] = []
        self.ours: list[tuple] = []

    def fit(self, train, test, models) -> Answers:
        self.theirs.append((train, test, models))
        probability = test["transaction_balance_mean"].rank(pct=True, ascending=False).to_numpy()
        return Answers(probability, (probability > 0.9).astype(int), ("KNeighborsUnif",))

    def run_fold(self, loans, recipe, fold) -> FoldRecord:
        self.ours.append((loans, recipe, fold))
        test = loans.table.iloc[fold.test]
        nothing = (0.1,) * len(test)
        return FoldRecord(
            repeat=fold.repeat, number=0, loans=tuple(test["loan_id"]), truth=tuple(test[TARGET].astype(int)),
            amount=nothing, raw=nothing, probability=nothing, inner_truth=(), inner_amount=(), inner_probability=(),
            calibration=Calibration(), features=(), fit_seconds=0.0, row_seconds=0.0, size=0,
        )  # fmt: skip


@pytest.fixture(scope="module")
def made(real_lake, tmp_path_factory):
    stand_ins, steps = StandIns(), []
    directory = tmp_path_factory.mktemp("original")
    found = reproduce(
        real_lake, directory, splits=3, seed=SEED, progress=steps.append, fit=stand_ins.fit, run_fold=stand_ins.run_fold
    )
    return found, stand_ins, steps, directory


def test_its_rows_and_splits_are_those_that_were_published(made):
    found, stand_ins, _, _ = made
    assert (found.rows, found.rows - found.row_defaults, found.row_defaults) == (289, 258, 31)
    assert (found.loans, found.loan_defaults) == (234, 31)
    drawn = [found.results[name].trials for name in (results.OWN, results.DRAWN)]
    sizes = {(trial.train, len(trial.truth)) for trials in drawn for trial in trials}
    assert sizes == {(published.TRAIN_ROWS, published.TEST_ROWS)} == {(202, 87)}
    assert len(stand_ins.theirs) == 1 + len(found.models) + 3 * 3


def test_on_its_own_split_each_kind_of_model_is_trained_alone_too(made):
    found, stand_ins, _, _ = made
    together, *alone = stand_ins.theirs[: 1 + len(found.models)]
    assert [list(models) for _, _, models in alone] == [[kind] for kind in together[2]]
    assert all(train.equals(together[0]) and test.equals(together[1]) for train, test, _ in alone)


def test_its_own_split_starts_as_published_and_tests_the_defaults_that_its_figures_imply(made):
    _, stand_ins, _, _ = made
    train, test, _ = stand_ins.theirs[0]
    first = train[["loan_amount_czk", "loan_duration_months", "account_age_days", TARGET]].head(5).to_numpy().tolist()
    assert first == [
        [299088, 36, "419 days", 1],
        [30276, 12, "498 days", 0],
        [154416, 48, "176 days", 0],
        [92400, 12, "459 days", 0],
        [42900, 12, "646 days", 0],
    ]
    assert 31 - train[TARGET].sum() == published.implied().defaults
    assert len(train.columns) == len(test.columns) + 1 == 14


def test_loans_are_on_both_sides_of_a_random_split_and_of_no_other(made):
    found, _, _, _ = made
    for name, result in found.results.items():
        known = [trial.known for trial in result.trials]
        assert all(known) if name.startswith((results.OWN, results.DRAWN)) else not any(known), name


def test_both_trainings_have_the_same_test_loans_of_one_row_each(made, real_lake):
    found, stand_ins, _, _ = made
    theirs = [set(test.index) for _, test, _ in stand_ins.theirs[-3:]]
    finished = read_loans(real_lake, "seed", "finished").table["loan_id"]
    tested = [set(loans.table["loan_id"].iloc[fold.test]) for loans, _, fold in stand_ins.ours]
    assert tested == [set(finished.loc[list(rows)]) for rows in theirs] * 3
    sizes = {name: {trial.train for trial in found.results[name].trials} for name in found.results}
    assert (sizes[results.ONE_ROW], sizes[results.FULL], sizes[results.RUNNING]) == ({164}, {164}, {612})


def test_a_second_run_reads_every_split_back_and_more_splits_go_on(made, real_lake):
    found, _, steps, directory = made
    own = 1 + len(found.models)
    again = StandIns()
    stand_ins = {"fit": again.fit, "run_fold": again.run_fold}
    back = []
    assert reproduce(real_lake, directory, splits=3, seed=SEED, progress=back.append, **stand_ins) == found
    assert [step.done for step in steps] == [*range(1, own + 6 * 3 + 1)] == [step.done for step in back]
    assert {step.resumed for step in steps} == {False}
    assert {step.resumed for step in back} == {True}
    assert not again.theirs
    assert not again.ours
    reproduce(real_lake, directory, splits=4, seed=SEED, **stand_ins)
    assert (len(again.theirs), len(again.ours)) == (3, 3)
    reproduce(real_lake, directory, splits=1, seed=SEED + 1, **stand_ins)
    assert (len(again.theirs), len(again.ours)) == (3 + own + 3, 3 + 3)


def test_the_page_of_the_real_rows_agrees_with_what_was_published(made):
    page = " ".join(as_page(made[0], command="payoff model reproduce-original").split())
    assert "234 finished loans, 31 of them defaulted, make 289 rows" in page
    assert "puts 10 defaults among the test rows, the 10 that its figures imply" in page
    assert "55 rows repeat a loan, none of them a default" in page


def test_the_originals_training_runs_and_leaves_nothing_behind(real_lake, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    loans = read_loans(real_lake, "seed", "finished")
    rows = joined(loans, runs.read_mart(real_lake, loans.run, "loan_persons").to_pandas())
    models = original_recipe.installed(neural=False)
    trial = by_theirs(rows, list(loans.offered), models, original_recipe.fit_predict, shuffled(len(rows), OWN_SEED))
    assert (len(trial.truth), sum(trial.truth), trial.known) == (87, 10, 19)
    assert np.ptp(trial.probability) > 0
    assert "WeightedEnsemble_L2" in trial.kept
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
