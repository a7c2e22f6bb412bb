"""Figures over outer folds, and when one contender is better than another."""

import numpy as np
import pytest
from folds import record
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from payoff.metadata import Costs
from training.evaluation import comparison_page, presets_page
from training.evaluation.comparison import difference, entry, pairs, recalibrated
from training.evaluation.contenders import AUTOGLUON
from training.evaluation.judged import SEARCHED, judge
from training.evaluation.nested import FoldRecord, Recipe
from training.evaluation.tables import difference_words, money

COSTS = Costs()
#: The fields of a fold with one value for each test loan.
LISTS = ("loans", "truth", "amount", "raw", "probability")


def simulated(
    noise: float, *, seed: int = 0, folds: int = 5, repeats: int = 1, loans: int = 120, **fields: object
) -> list[FoldRecord]:
    """Folds of a contender that sees through so much noise; the loans and their ends are always the same."""
    world, own = np.random.default_rng(42), np.random.default_rng(seed)
    found = []
    for repeat in range(repeats):
        for number in range(folds):
            truth = (world.random(loans) < 0.15).astype(int)
            score = truth * 2.0 - 2.5 + own.normal(0, noise, loans)
            made = record(
                truth.tolist(), (1 / (1 + np.exp(-score))).tolist(), repeat=repeat, number=number,
                first_loan=1 + number * loans,
            )  # fmt: skip
            found.append(made.model_copy(update={"inner_truth": tuple(np.tile(truth, 4).tolist()), **fields}))
    return found


def made(noise: float, **how: object) -> comparison_page.Entry:
    records = [
        each.model_copy(
            update={"inner_truth": each.truth, "inner_probability": each.probability, "inner_amount": each.amount}
        )
        for each in simulated(noise, **how)
    ]
    return entry(Recipe("form", contender="logistic regression"), records, COSTS)


def test_a_figure_is_the_mean_over_folds_of_scikit_learns():
    records = simulated(1.5)
    judged = made(1.5).judged
    areas = [metrics.roc_auc_score(each.truth, each.probability) for each in records]
    assert judged.metrics["roc_auc"].value == pytest.approx(np.mean(areas))
    assert judged.spread["roc_auc"] == pytest.approx(np.std(areas, ddof=1))
    assert judged.by_fold["roc_auc"] == pytest.approx(areas)
    said = [np.array(each.probability) >= 1 / 6 for each in records]
    accuracy = [metrics.accuracy_score(each.truth, each_said) for each, each_said in zip(records, said, strict=True)]
    assert judged.metrics["accuracy"].value == pytest.approx(np.mean(accuracy))
    assert all(found.low <= found.value <= found.high for found in judged.metrics.values())


def test_costs_are_those_of_the_stated_policies():
    judged = judge([record([1, 0, 0, 0, 1], [0.9, 0.05, 0.2, 0.1, 0.1])], COSTS)
    assert judged.threshold == pytest.approx(1 / 6)
    # One default of 1,000 CZK granted, one paid loan refused.
    assert judged.cost["the model"].value == pytest.approx((500 + 100) / 5)
    assert judged.cost["grant all"].value == pytest.approx(2 * 500 / 5)
    assert judged.cost["grant none"].value == pytest.approx(3 * 100 / 5)
    assert judged.cost[SEARCHED].value <= judged.cost["the model"].value


def test_the_interval_of_a_figure_resamples_a_loan_in_all_repeats_at_once():
    once, twice = (judge(simulated(1.5, repeats=repeats), COSTS) for repeats in (1, 2))
    doubled = judge([*simulated(1.5), *simulated(1.5)], COSTS).metrics["roc_auc"]
    single = once.metrics["roc_auc"]
    # The same folds twice say nothing more.
    assert (doubled.low, doubled.high) == pytest.approx((single.low, single.high))
    assert twice.folds == 10


def test_an_interval_does_not_hang_on_the_order_of_a_folds_loans():
    folds = simulated(1.5)
    turned = [each.model_copy(update={name: getattr(each, name)[::-1] for name in LISTS}) for each in folds]
    one, other = judge(folds, COSTS), judge(turned, COSTS)
    for name, figure in one.metrics.items():
        assert other.metrics[name].low == pytest.approx(figure.low), name
        assert other.metrics[name].high == pytest.approx(figure.high), name


def test_a_clearly_better_contender_is_told_from_a_worse_one_and_an_equal_one_is_not():
    good, bad, equal = made(0.5, repeats=3), made(4.0, seed=1, repeats=3), made(0.5, seed=2, repeats=3)
    better = difference(good, bad, "roc_auc")
    assert better.low > 0
    assert better.p < 0.01
    same = difference(good, equal, "roc_auc")
    assert same.low < 0 < same.high
    assert same.p > 0.05
    mirrored = difference(bad, good, "roc_auc")
    assert (mirrored.value, mirrored.low) == pytest.approx((-better.value, -better.high))


def test_the_test_is_nadeau_and_bengios():
    ours, theirs = made(0.5, repeats=2), made(2.0, seed=1, repeats=2)
    gap = ours.judged.by_fold["roc_auc"] - theirs.judged.by_fold["roc_auc"]
    ratio = len(ours.records[0].loans) / len(ours.records[0].inner_truth)
    statistic = gap.mean() / np.sqrt((1 / gap.size + ratio) * gap.var(ddof=1))
    found = difference(ours, theirs, "roc_auc")
    from scipy.stats import t

    assert found.p == pytest.approx(2 * (1 - t.cdf(abs(statistic), gap.size - 1)))


def test_what_calibration_did_to_the_brier_score_is_told_with_an_interval():
    entry_ = made(1.0, repeats=2)
    halved = [each.model_copy(update={"raw": tuple(p / 2 for p in each.probability)}) for each in entry_.records]
    found = recalibrated(entry(entry_.recipe, halved, COSTS))
    before = np.mean([metrics.brier_score_loss(each.truth, each.raw) for each in halved])
    after = np.mean([metrics.brier_score_loss(each.truth, each.probability) for each in halved])
    assert found.value == pytest.approx(after - before)
    assert found.low < found.value < found.high
    assert recalibrated(entry_).value == pytest.approx(0, abs=1e-12)


def test_other_folds_or_a_single_one_are_not_compared():
    with pytest.raises(ValueError, match="different folds"):
        difference(made(0.5), made(0.5, loans=100), "roc_auc")
    with pytest.raises(ValueError, match="at least two"):
        difference(made(0.5, folds=1), made(0.6, folds=1), "roc_auc")


def test_a_contender_does_not_differ_from_itself():
    found = difference(made(1.0), made(1.0), "roc_auc")
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


@given(st.permutations(["majority class", "random forest", AUTOGLUON]))
def test_the_majority_class_is_compared_once_and_the_others_on_each_set(contenders):
    made_pairs = pairs(contenders, ["seed", "form"])
    assert made_pairs.count(("majority class", "seed")) == 1
    assert len(made_pairs) == len(set(made_pairs)) == 5


def test_the_page_shows_the_figures_that_were_judged():
    plain, ours = made(2.0, repeats=3), made(0.5, repeats=3)
    ours = comparison_page.Entry(Recipe("full", contender=AUTOGLUON), ours.records, ours.judged)
    late = [made(2.0, folds=1), made(0.5, folds=1)]
    page = comparison_page.as_page([plain, ours], late, "payoff model compare")
    for each in (plain, ours):
        for name in ("roc_auc", "pr_auc", "brier", "log_loss"):
            assert comparison_page.spread_figure(each, name) in page
        assert money(each.judged.cost["the model"]) in page
    assert difference_words(difference(plain, ours, "roc_auc")) in page
    assert "`payoff model compare`" in page
    for table in page.split("\n\n"):
        if table.startswith("|"):
            assert len({line.count("|") for line in table.splitlines()}) == 1


def test_the_page_of_presets_judges_both_populations_on_finished_loans_only():
    entries = [
        comparison_page.Entry(Recipe("full", preset=preset), each.records, each.judged)
        for preset, each in zip(("fast", "good", "best"), (made(2.0), made(1.0), made(1.0, seed=1)), strict=True)
    ]
    settled = set(range(1, 601, 2))
    page = presets_page.as_page(entries, entries[1], settled, "payoff model presets")
    assert "of the 600 loans 300 are finished" in page
    assert "| all | 120 |" in page
    of_settled = [
        each.model_copy(
            update={
                name: tuple(
                    value for loan, value in zip(each.loans, getattr(each, name), strict=True) if loan in settled
                )
                for name in LISTS
            }
        )
        for each in entries[1].records
    ]
    rows = {
        words: line for line in page.splitlines() for words in ("all", "finished") if line.startswith(f"| {words} |")
    }
    for words, records in (("all", of_settled), ("finished", entries[1].records)):
        area = judge(records, COSTS).metrics["roc_auc"]
        assert f"{area.value:.3f} ({area.low:.3f} to {area.high:.3f})" in rows[words]
