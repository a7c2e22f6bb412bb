"""The interval of a share, beside scipy's."""

import pytest
from scipy.stats import binomtest

from webapp.intervals import wilson


@pytest.mark.parametrize(("part", "whole"), [(0, 1), (1, 1), (0, 12), (3, 12), (50, 51), (260, 260), (76, 682)])
def test_the_interval_is_that_of_scipy(part: int, whole: int) -> None:
    expected = binomtest(part, whole).proportion_ci(0.95, method="wilson")
    assert wilson(part, whole) == pytest.approx((expected.low, expected.high), rel=1e-12)
