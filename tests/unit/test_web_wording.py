"""Numbers and chances in words."""

from datetime import UTC, datetime

import pytest
from web import metadata

from payoff.metadata import Band
from webapp import wording
from webapp.predictions import _band, band_interval


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (12300, "12,300"), (-1234567.891, "−1,234,567.89"), (12.5, "12.50"), (999, "999")],
)
def test_numbers_are_grouped_and_keep_their_decimals(value: float, shown: str) -> None:
    assert wording.number(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0.0"),
        (1, "100.0"),
        (0.5, "50.0"),
        (0.9999, "more than 99.9"),
        (0.0001, "less than 0.1"),
        (0.99901, "more than 99.9"),
    ],
)
def test_no_probability_is_rounded_to_a_certainty(share: float, shown: str) -> None:
    assert wording.percent(share) == f"{shown}\u00a0%"


def test_computed_quantities_lose_the_digits_that_say_nothing() -> None:
    assert wording.rounded(16666.67, "CZK") == "16,667\u00a0CZK"
    assert wording.rounded(15.34, "years") == "15.3\u00a0years"
    assert wording.rounded(3.0) == "3"


def test_a_score_lies_in_the_band_that_begins_with_it() -> None:
    bands = metadata().bands
    assert _band(bands, 0.8) == bands[2]
    assert _band(bands, 0.0) == bands[0]
    assert _band(bands, 1.0) == bands[-1]
    assert _band((), 0.5) is None


def test_the_interval_is_wilsons() -> None:
    low, high = band_interval(Band(low=0, high=1, loans=10, paid_off=5))
    assert (low, high) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_a_moment_in_a_column_names_day_and_minute() -> None:
    assert wording.short_moment(datetime(2026, 3, 1, 7, 5, tzinfo=UTC)) == "1 Mar 2026, 07:05"


@pytest.mark.parametrize(("effect", "shown"), [(0.031, "+3.1"), (-0.2, "−20.0"), (0.0001, "0.0"), (0.0, "0.0")])
def test_an_effect_has_its_sign_unless_it_is_none(effect: float, shown: str) -> None:
    assert wording.points(effect) == f"{shown}\u00a0points"
