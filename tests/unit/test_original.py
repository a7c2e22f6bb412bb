"""The published figures, their intervals, the original's rows and splits, and the page about them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from payoff.errors import SettingsError
from payoff.metadata import TARGET
from training.evaluation import original_recipe, published
from training.evaluation import original_results as results
from training.evaluation.original_page import as_page
from training.evaluation.original_results import Reproduction, Result, alone
from training.evaluation.original_rows import joined, kept_together, shuffled, train_rows
from training.evaluation.original_trials import METRICS, Trial
from training.loans import Loans


def test_the_interval_of_an_area_is_hanley_and_mcneils_by_hand():
    # Q1 = 0.75 / 1.25 = 0.6 and Q2 = 1.125 / 1.75; the squared area is 0.5625.
    variance = (0.75 * 0.25 + 9 * (0.6 - 0.5625) + 19 * (1.125 / 1.75 - 0.5625)) / 200
    assert variance == pytest.approx(0.01025893, abs=1e-8)
    found = published.hanley_mcneil(0.75, 10, 20)
    assert (found.value, found.low, found.high) == (0.75, pytest.approx(0.551482), pytest.approx(0.948518))


def test_an_area_of_few_rows_has_an_interval_within_0_and_1():
    assert published.hanley_mcneil(0.95, 2, 3).high == 1
    assert published.hanley_mcneil(0.05, 2, 3).low == 0
    assert published.hanley_mcneil(1.0, 5, 5).low == 1


def test_the_interval_of_a_share_is_wilsons():
    found = published.wilson(8, 10)
    assert (found.value, found.low, found.high) == (
        0.8,
        pytest.approx(0.49016, abs=1e-5),
        pytest.approx(0.94332, abs=1e-5),
    )


def test_the_implied_counts_give_every_published_figure_but_the_area():
    counts = published.implied()
    truth = np.repeat([1, 1, 0, 0], ends := [counts.found, counts.defaults - counts.found, counts.false_alarms, 76])
    said = np.repeat([1, 0, 1, 0], ends)
    assert truth.size == counts.rows == published.TEST_ROWS
    again = {
        "accuracy": metrics.accuracy_score(truth, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, said),
        "mcc": metrics.matthews_corrcoef(truth, said),
        "f1": metrics.f1_score(truth, said),
        "precision": metrics.precision_score(truth, said),
        "recall": metrics.recall_score(truth, said),
    }
    assert {name: round(value, 3) for name, value in again.items()} == {name: published.FIGURES[name] for name in again}
    assert counts.right == (truth == said).sum()


def test_the_shuffle_is_pandas_own():
    table = pd.DataFrame({"row": range(289)}).sample(frac=1, random_state=42)
    fold = shuffled(289, 42)
    assert (fold.train.size, fold.test.size) == (published.TRAIN_ROWS, published.TEST_ROWS)
    assert [*fold.train, *fold.test] == table["row"].to_list()


@pytest.mark.parametrize("seed", range(20))
def test_loans_kept_together_are_never_on_both_sides(seed):
    rng = np.random.default_rng(seed)
    loans = pd.Series(np.repeat(np.arange(200), rng.integers(1, 4, size=200)))
    fold = kept_together(loans, seed)
    assert sorted([*fold.train, *fold.test]) == list(range(len(loans)))
    assert not set(loans[fold.train]) & set(loans[fold.test])
    assert train_rows(len(loans)) - 3 < fold.train.size <= train_rows(len(loans))


def made_up_loans() -> tuple[Loans, pd.DataFrame]:
    table = pd.DataFrame(
        {"loan_id": [7, 9], "transaction_count": [10.0, 20.0], "account_age_days": [300.0, 400.0], TARGET: [0, 1]}
    )
    persons = pd.DataFrame({"loan_id": [9, 7, 8, 7], "disposition_id": [4, 3, 2, 1]})
    return Loans("run", table, ("transaction_count", "account_age_days"), table[["loan_id"]]), persons


def test_the_original_counts_a_transaction_once_for_each_person_and_reads_days_as_text():
    loans, persons = made_up_loans()
    rows = joined(loans, persons)
    assert rows["loan_id"].to_list() == [7, 7, 9]
    assert rows["transaction_count"].to_list() == [20, 20, 20]
    assert rows["account_age_days"].to_list() == ["300 days", "300 days", "400 days"]
    assert loans.table["transaction_count"].to_list() == [10, 20]


def test_models_that_are_not_installed_are_left_out_and_neural_ones_unless_asked_for(monkeypatch):
    monkeypatch.setattr(original_recipe, "find_spec", lambda package: package != "catboost")
    assert set(original_recipe.installed(neural=False)) == {"RF", "XT", "KNN"}
    assert set(original_recipe.installed(neural=True)) == set(original_recipe.MODELS) - {"CAT"}
    monkeypatch.setattr(original_recipe, "find_spec", lambda package: None)
    with pytest.raises(SettingsError, match=r"payoff\[neural\]"):
        original_recipe.installed(neural=True)


def trial(seed: int, defaults: int = 10, kept: tuple[str, ...] = ()) -> Trial:
    rng = np.random.default_rng(seed)
    truth = np.repeat([1, 0], [defaults, 87 - defaults])
    probability = rng.random(87)
    said = (probability > 0.9).astype(int)
    return Trial(
        train=202, known=19, truth=tuple(truth.tolist()), probability=tuple(probability.tolist()),
        said=tuple(said.tolist()), kept=kept, seconds=1.0,
    )  # fmt: skip


def right_of(result: Result) -> int:
    (only,) = result.trials
    return sum(said == truth for said, truth in zip(only.said, only.truth, strict=True))


@pytest.fixture
def found() -> Reproduction:
    several = Result(tuple(trial(seed, kept=("KNeighborsUnif", "WeightedEnsemble_L2")) for seed in range(4)))
    own = Result((trial(9, kept=("CatBoost", "WeightedEnsemble_L2")),))
    by_kind = dict.fromkeys(map(alone, original_recipe.MODELS), own)
    names = (results.DRAWN, results.TOGETHER, results.ONE_ROW, results.FORM, results.FULL, results.RUNNING)
    return Reproduction(
        run="run", splits=4, seed=5, rows=289, row_defaults=31, loans=234, loan_defaults=31,
        models=("RF", "XT", "KNN"), results={results.OWN: own, **by_kind, **dict.fromkeys(names, several)},
    )  # fmt: skip


def test_always_paid_off_is_right_for_whoever_paid_and_ranks_by_chance():
    figures = Result((trial(1), trial(2))).always_paid_off().figures()
    assert figures["accuracy"].value == pytest.approx(77 / 87)
    assert (figures["balanced_accuracy"].value, figures["roc_auc"].value) == (0.5, 0.5)
    assert figures["mcc"].value == figures["f1"].value == figures["recall"].value == 0


def test_an_area_of_ties_alone_has_no_interval():
    figures = Result((trial(1),)).always_paid_off().figures()
    assert figures["roc_auc"].low == figures["roc_auc"].high == 0.5
    assert figures["accuracy"].low < figures["accuracy"].value


def test_of_several_splits_the_mean_and_the_percentiles_are_told_and_of_one_the_interval_of_its_rows():
    several = Result(tuple(trial(seed) for seed in range(9)))
    areas = [metrics.roc_auc_score(each.truth, each.probability) for each in several.trials]
    figure = several.figures()["roc_auc"]
    assert figure.value == pytest.approx(np.mean(areas))
    assert (figure.low, figure.high) == pytest.approx(tuple(np.percentile(areas, [2.5, 97.5])))
    one = Result(several.trials[:1]).figures()
    assert one["roc_auc"] == published.hanley_mcneil(one["roc_auc"].value, 10, 77)
    assert one["accuracy"].low < one["accuracy"].value < one["accuracy"].high
    assert one["f1"].low == one["f1"].value == one["f1"].high


def test_the_page_tells_every_case_in_one_table_and_what_follows(found):
    page = as_page(found, command="payoff model reproduce-original")
    flat = " ".join(page.split())
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 11
    assert {line.count("|") for line in table} == {3 + len(METRICS) + 1}
    assert table[2].startswith(
        "| as published | 202 / 87 |  | 0.885 (0.801 to 0.936) | 0.544 | 0.185 | 0.570 (0.374 to"
    )
    assert "always saying “paid off” is right exactly as often" in flat
    assert "a coin's 0.5 included" in flat
    assert "puts 10 defaults among the test rows, the 10 that its figures imply" in flat
    assert "55 rows repeat a loan, none of them a default, which raises the share that was paid off from 86.8%" in flat
    assert "Left out, because not installed or not asked for: a neural network of torch, CatBoost" in flat
    assert "KNeighborsUnif 12, CatBoost 1" in flat
    assert f"3 of 3 kinds are right for {right_of(found.results[results.OWN])} rows there, while" in flat
    assert "nan" not in flat
    assert "`payoff model reproduce-original`" in flat


def test_the_page_says_where_what_was_found_does_not_fit_what_was_published(found):
    other = {**found.results, results.OWN: Result((trial(9, defaults=12),))}
    page = as_page(replace(found, results=other, row_defaults=33, models=tuple(original_recipe.MODELS)), command="it")
    flat = " ".join(page.split())
    assert "puts 12 defaults among the test rows, where its figures imply 10" in flat
    assert "55 rows repeat a loan, 2 of them a default" in flat
    assert "Left out" not in flat
    assert "Payoff's own training has it too" in flat
