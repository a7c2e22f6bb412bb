"""The points of the report's pictures, where they are known."""

import numpy as np
import pytest
from evaluations import COSTS, evaluated, fold, simulated
from sklearn.metrics import average_precision_score, roc_auc_score

from training.evaluation import curves
from training.evaluation.judged import pooled

TRUTH = [0] * 16 + [1] * 4
PERFECT = [fold(TRUTH, np.linspace(0.01, 0.9, 20))]
CONSTANT = [fold(TRUTH, np.full(20, 0.2))]


def test_right_probabilities_lie_within_their_bars_and_wrong_ones_do_not():
    met = {"probability": 0, "raw": 0}
    for seed in range(20):
        records = simulated(2_000, folds=1, repeats=1, seed=seed)
        for field in met:
            bins = curves.reliability(records, field)
            assert len(bins) == 10
            assert [each.predicted for each in bins] == sorted(each.predicted for each in bins)
            met[field] += sum(each.low <= each.predicted <= each.high for each in bins)
    assert 185 <= met["probability"] <= 198, "95 % of 200"
    assert met["raw"] < 20


def test_the_bars_are_wilsons():
    (only,) = curves.reliability([fold([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], np.full(10, 0.1))], bins=1)
    assert (only.predicted, only.observed) == pytest.approx((0.1, 0.1))
    assert (only.low, only.high) == pytest.approx((0.0179, 0.4042), abs=1e-4)


def test_the_same_loans_in_more_repeats_make_no_bar_shorter():
    once, again = simulated(repeats=1), simulated(repeats=1)
    more = [*once, *(each.model_copy(update={"repeat": 1}) for each in again)]
    assert curves.reliability(more) == curves.reliability(once)


def test_the_order_of_loans_with_one_probability_does_not_matter():
    backwards = [fold(TRUTH[::-1], np.full(20, 0.2))]
    assert curves.reliability(CONSTANT) == curves.reliability(backwards)
    assert {each.observed for each in curves.reliability(CONSTANT)} == {0.2}


def test_a_perfect_order_refuses_every_default_first():
    roc, precision, gain = curves.roc(PERFECT), curves.precision_recall(PERFECT), curves.gain(PERFECT)
    assert roc.mean[0] == 0
    assert roc.mean[1:] == pytest.approx(1)
    assert precision.mean == pytest.approx(1)
    assert gain.at(0.1) == pytest.approx(0.5)
    assert gain.at(0.2) == pytest.approx(1)


def test_one_probability_for_all_loans_is_chance():
    assert curves.roc(CONSTANT).mean == pytest.approx(curves.GRID)
    assert curves.precision_recall(CONSTANT).mean == pytest.approx(0.2)
    assert curves.gain(CONSTANT).mean == pytest.approx(curves.GRID)


def test_the_areas_below_the_curves_are_scikit_learns():
    records = simulated(repeats=2)
    roc, precision = curves.roc(records), curves.precision_recall(records)
    for repeat, (truth, probability) in enumerate(pooled(records)):
        area = np.trapezoid(roc.repeats[repeat], roc.x)
        assert area == pytest.approx(roc_auc_score(truth, probability), abs=0.002)
        average = precision.repeats[repeat].mean()
        assert average == pytest.approx(average_precision_score(truth, probability), abs=0.005)


def test_the_strong_line_is_the_mean_of_the_repeats():
    records = simulated(repeats=2)
    each = [curves.roc([record for record in records if record.repeat == repeat]).mean for repeat in (0, 1)]
    assert curves.roc(records).repeats == pytest.approx(np.array(each))
    assert curves.roc(records).mean == pytest.approx(np.mean(each, axis=0))


def test_the_cost_is_that_of_granting_none_at_0_of_granting_all_at_1_and_of_the_model_at_its_threshold():
    entry = evaluated()
    cost = curves.expected_cost(entry.records, COSTS)
    for policy, threshold in (("grant none", 0), ("grant all", 1), ("the model", entry.judged.threshold)):
        assert cost.at(threshold) == pytest.approx(entry.judged.cost[policy].value, rel=1e-9), policy


def test_the_cost_of_a_threshold_is_what_its_mistakes_cost():
    records = [fold([1, 0, 1, 0], [0.9, 0.6, 0.3, 0.1], amount=[100, 200, 400, 800])]
    cost = curves.expected_cost(records, COSTS)
    assert cost.at(0.2) == pytest.approx(0.1 * 200 / 4)
    assert cost.at(0.5) == pytest.approx((0.1 * 200 + 0.4 * 400) / 4)
    assert cost.at(0.7) == pytest.approx(0.4 * 400 / 4)


def test_the_dot_lies_where_the_threshold_decides():
    decided = curves.decided([fold([1, 0, 1, 0, 0], [0.9, 0.6, 0.3, 0.1, 0.2])], 0.5)
    assert decided == curves.Decided(recall=0.5, false_alarms=pytest.approx(1 / 3), refused=0.4, precision=0.5)


def test_without_a_refusal_there_is_no_precision():
    assert np.isnan(curves.decided(CONSTANT, 0.5).precision)
