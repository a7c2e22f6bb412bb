"""The curves of one version and the groups of its reliability, against scikit-learn and SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from webapp.curves import MOST_POINTS, Line, curves, reliability

RNG = np.random.default_rng(5)
PROBABILITY = RNG.beta(1, 6, 400).round(2)
TRUTH = (RNG.random(400) < PROBABILITY).astype(int)
SAID = pd.DataFrame({"defaulted": TRUTH, "probability": PROBABILITY})


def area(line: Line) -> float:
    x, y = np.array(line.points).T
    return float(auc(x, y))


def test_the_area_under_the_roc_curve_is_the_roc_auc():
    found = curves(SAID, 0.2)
    assert area(found.roc) == pytest.approx(roc_auc_score(TRUTH, PROBABILITY))
    assert (found.roc.points[0], found.roc.points[-1]) == ((0, 0), (1, 1))
    refused = PROBABILITY >= 0.2
    assert found.roc.at == pytest.approx((refused[TRUTH == 0].mean(), refused[TRUTH == 1].mean()))


def test_the_area_under_the_drawn_steps_is_the_average_precision():
    line = curves(SAID, 0.2).precision_recall
    corners = np.array([point.split(",") for point in line.drawn.split()], dtype=float)
    drawn = float(np.trapezoid(100 - corners[:, 1], corners[:, 0])) / 1e4
    assert drawn == pytest.approx(average_precision_score(TRUTH, PROBABILITY), abs=5e-4)
    refused = PROBABILITY >= 0.2
    assert line.at == pytest.approx((refused[TRUTH == 1].mean(), TRUTH[refused].mean()))
    assert curves(SAID, 1.1).precision_recall.at is None


def test_groups_hold_every_loan_once_and_like_scores_together():
    found = reliability(TRUTH, PROBABILITY)
    assert sum(group.loans for group in found) == 400
    assert sum(group.observed * group.loans for group in found) == pytest.approx(TRUTH.sum())
    assert [group.predicted for group in found] == sorted(group.predicted for group in found)
    assert 8 <= len(found) <= 10
    for group in found:
        expected = binomtest(round(group.observed * group.loans), group.loans).proportion_ci(0.95, method="wilson")
        assert (group.low, group.high) == pytest.approx((expected.low, expected.high))
    shuffled = np.random.default_rng(1).permutation(400)
    assert [each.loans for each in reliability(TRUTH[shuffled], PROBABILITY[shuffled])] == [
        each.loans for each in found
    ]
    assert len(reliability(TRUTH, np.full(400, 0.1))) == 1


def test_curves_of_many_loans_are_thinned_and_keep_their_ends():
    probability = RNG.random(5_000)
    truth = (RNG.random(5_000) < probability).astype(int)
    found = curves(pd.DataFrame({"defaulted": truth, "probability": probability}), 0.5)
    for line in (found.roc, found.precision_recall):
        assert len(line.points) == MOST_POINTS
        assert (line.points[0][0], line.points[-1][0]) == (0, 1)
    assert area(found.roc) == pytest.approx(roc_auc_score(truth, probability), abs=0.002)


@pytest.mark.parametrize("truth", [[], [0, 0], [1, 1, 1]])
def test_loans_that_all_ended_alike_give_no_curve(truth):
    assert curves(pd.DataFrame({"defaulted": truth, "probability": [0.3] * len(truth)}, dtype=float), 0.2) is None
