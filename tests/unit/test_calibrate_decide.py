"""Calibration pulls probabilities to what happened; stated costs give the threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payoff.metadata import Calibration, Costs, log_odds
from training.calibrate import calibrated
from training.decide import break_even, cheapest_threshold, cost_of, policies
from training.evaluation.reliability import calibration_error


def sample(slope: float, intercept: float, size: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Ends that follow ``intercept + slope * log-odds`` of the probabilities."""
    rng = np.random.default_rng(5)
    probability = rng.beta(1, 6, size)
    line = Calibration(slope=slope, intercept=intercept)
    return (rng.random(size) < line(probability)).astype(int), probability


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (1.6, 0.4), (0.6, -0.3)])
def test_with_many_loans_the_line_that_made_them_is_found(slope, intercept):
    found = calibrated(*sample(slope, intercept))
    assert found.slope == pytest.approx(slope, abs=0.08)
    assert found.intercept == pytest.approx(intercept, abs=0.12)


def test_with_few_loans_the_line_stays_near_the_identity():
    truth, probability = sample(3.0, 1.0, size=60)
    found = calibrated(truth, probability)
    assert 1 < found.slope < 2
    assert calibrated(np.array([0, 1]), np.array([0.0, 1.0])).slope < 2


def test_calibration_brings_the_error_down_and_keeps_the_order():
    truth, probability = sample(1.8, 0.5)
    line = calibrated(truth, probability)
    assert calibration_error(truth, line(probability)) < 0.02 < calibration_error(truth, probability)
    assert (np.argsort(line(probability)) == np.argsort(probability)).all()


def test_certainties_stay_finite():
    said = Calibration(slope=1.3, intercept=0.2)(np.array([0.0, 0.5, 1.0]))
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
    assert 0 < said[0] < said[1] < said[2] < 1


def test_the_error_is_the_mean_gap_of_the_bins():
    truth = np.array([0, 0, 0, 1] * 5)
    assert calibration_error(truth, np.full(20, 0.25), groups=5) == pytest.approx(0)
    assert calibration_error(np.sort(truth), np.full(20, 0.25), groups=5) == pytest.approx(0)
    assert calibration_error(np.array([0, 1]), np.array([0.1, 0.6]), groups=2) == pytest.approx((0.1 + 0.4) / 2)
    assert calibration_error(np.array([0, 1]), np.array([0.1, 0.6]), groups=10) == pytest.approx((0.1 + 0.4) / 2)
    uneven = calibration_error(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.6]), groups=2)
    assert uneven == pytest.approx((2 * 0.15 + 1 * 0.4) / 3)


def test_at_the_threshold_granting_and_refusing_cost_the_same():
    costs = Costs(default=0.6, refusal=0.2)
    assert break_even(costs) == pytest.approx(0.25)
    threshold = break_even(costs)
    assert threshold * costs.default == pytest.approx((1 - threshold) * costs.refusal)


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.2, 0.5, 0.9]), st.integers(1, 9)),
        min_size=1,
        max_size=30,
    )
)
def test_no_threshold_between_the_loans_is_cheaper_than_the_cheapest(rows):
    truth, probability, amount = (np.array(column) for column in zip(*rows, strict=True))
    costs = Costs()

    def spent(threshold: float) -> float:
        return float(cost_of(truth, probability >= threshold, amount, costs).sum())

    found = spent(cheapest_threshold(truth, probability, amount, costs))
    # Somebody is always refused: where nobody should be, the riskiest group is the least harm.
    assert found == pytest.approx(min(spent(threshold) for threshold in np.unique(probability)))


def test_the_cheapest_threshold_lies_halfway_to_the_next_loan():
    truth, probability = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])
    assert cheapest_threshold(truth, probability, np.ones(4), Costs()) == pytest.approx(0.4)


def test_each_wrong_decision_costs_its_share_of_the_amount_and_a_right_one_nothing():
    truth, amount = np.array([1, 1, 0, 0]), np.array([100.0, 200.0, 300.0, 400.0])
    refused = np.array([False, True, False, True])
    assert cost_of(truth, refused, amount, Costs(default=0.5, refusal=0.1)).tolist() == [50, 0, 0, 40]


def test_granting_all_refuses_nobody_and_granting_none_everybody():
    decided = policies(np.array([0.1, 0.2, 0.3]), 0.2)
    assert {who: refused.tolist() for who, refused in decided.items()} == {
        "the model": [False, True, True],
        "grant all": [False] * 3,
        "grant none": [True] * 3,
    }


@pytest.mark.parametrize("wrong", [{"default": 0.0}, {"refusal": -1.0}])
def test_costs_are_positive(wrong):
    with pytest.raises(ValueError, match="greater than 0"):
        Costs(**wrong)
