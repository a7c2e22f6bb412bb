"""The interval of a share, and constants of distributions, beside scipy's."""

import pytest
from scipy.stats import binomtest, kstwobign

from webapp.drift import KOLMOGOROV_95
from webapp.intervals import wilson


@pytest.mark.parametrize(("part", "whole"), [(0, 1), (1, 1), (0, 12), (3, 12), (50, 51), (260, 260), (76, 682)])
def test_the_interval_is_that_of_scipy(part: int, whole: int) -> None:
    expected = binomtest(part, whole).proportion_ci(0.95, method="wilson")
    assert wilson(part, whole) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_the_limit_of_kolmogorovs_distance_is_that_of_scipy() -> None:
    assert pytest.approx(float(kstwobign.ppf(0.95)), rel=1e-12) == KOLMOGOROV_95
