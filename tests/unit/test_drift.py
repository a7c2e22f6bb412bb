"""PSI and KS against values computed by hand and by scipy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from features.sets import feature_set
from payoff.metadata import deciles_of
from training.publish import _deciles, _shares
from webapp.drift import (
    ALARM,
    FEWEST,
    MISSING,
    WARN,
    Distance,
    Drift,
    Level,
    category_drift,
    ks_distance,
    level,
    number_drift,
    psi_distance,
)
from webapp.staff.drifting import FeatureDrift, _gravity

RNG = np.random.default_rng(11)
counts = st.lists(st.integers(1, 500), min_size=2, max_size=12)


def trained(values: object) -> tuple[tuple[float, ...], dict[str, float], int]:
    """Deciles, shares and number of training loans with these values."""
    frame = pd.DataFrame({"it": values})
    return _deciles(frame)["it"], _shares(frame)["it"], len(frame)


def test_psi_is_the_sum_that_the_textbook_gives() -> None:
    found = psi_distance(np.array([499.5, 499.5]), np.array([249.5, 749.5]))
    # Half a case in each bin: shares of a half and a half, a quarter and three quarters.
    assert found.value == pytest.approx(-0.25 * np.log(0.5) + 0.25 * np.log(1.5))
    assert found.by_chance == pytest.approx(1 * (1 / 999 + 1 / 999))
    assert found.limit == pytest.approx(3.841 * (2 / 999), rel=1e-3)


@given(counts)
def test_psi_of_equal_shares_is_nothing(training: list[int]) -> None:
    assert psi_distance(np.array(training), np.array(training)).value == pytest.approx(0, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12))
def test_psi_is_symmetric_never_negative_and_always_finite(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs, dtype=float).T + 1
    one, other = psi_distance(first, second).value, psi_distance(second, first).value
    assert one == pytest.approx(other)
    assert 0 <= one < np.inf


def test_without_drift_psi_is_on_average_what_chance_gives() -> None:
    training, sample = 477, 400
    drawn = [
        psi_distance(RNG.multinomial(training, [0.1] * 10), RNG.multinomial(sample, [0.1] * 10)) for _ in range(400)
    ]
    values = np.array([each.value for each in drawn])
    assert values.mean() == pytest.approx(drawn[0].by_chance, rel=0.1)
    assert (values > drawn[0].limit).mean() == pytest.approx(0.05, abs=0.035)


def test_ks_is_scipys_to_within_the_tenths_that_deciles_leave_open() -> None:
    training = RNG.normal(0, 1, 2_000)
    for shift, spread in ((0, 1), (0.3, 1), (1, 1), (0, 3), (-4, 1)):
        sample = RNG.normal(shift, spread, 700)
        found = ks_distance(sample, trained(training)[0], training.size).value
        exact = ks_2samp(training, sample).statistic
        assert exact - 0.1 < found < exact + 1e-3


def test_ks_of_values_that_are_tied_proves_no_more_than_there_is() -> None:
    training = np.repeat([12.0, 24.0, 36.0, 48.0, 60.0], [25, 20, 20, 20, 15])
    deciles, _, loans = trained(training)
    assert ks_distance(training, deciles, loans).value == pytest.approx(0, abs=0.011)
    moved = np.repeat([12.0, 24.0, 36.0, 48.0, 60.0], [70, 20, 5, 5, 0])
    exact = ks_2samp(training, moved).statistic
    assert exact - 0.1 < ks_distance(moved, deciles, loans).value <= exact + 0.011


def test_values_beyond_those_of_training_are_a_distance() -> None:
    deciles, _, loans = trained(np.arange(100.0))
    assert ks_distance(np.full(60, 1_000.0), deciles, loans).value == 1
    assert ks_distance(np.full(60, -1_000.0), deciles, loans).value == 1


@pytest.mark.parametrize(
    ("value", "limit", "predictions", "expected"),
    [
        (0.0999, 0.05, FEWEST, "steady"),
        (WARN, 0.05, FEWEST, "warn"),
        (0.2499, 0.05, FEWEST, "warn"),
        (ALARM, 0.05, FEWEST, "alarm"),
        (0.9, 0.05, FEWEST - 1, "few"),
        (0.0, 0.05, FEWEST - 1, "few"),
        (0.2, 0.3, FEWEST, "few"),
        (0.31, 0.3, FEWEST, "alarm"),
    ],
)
def test_levels_follow_the_distance_unless_chance_could_bring_it_about(
    value: float, limit: float, predictions: int, expected: str
) -> None:
    assert level(value, limit, predictions) == expected


def test_a_number_that_moved_alarms_and_one_that_did_not_is_steady() -> None:
    training = RNG.normal(0, 1, 500)
    same = number_drift(RNG.normal(0, 1, 2_000), *trained(training))
    moved = number_drift(RNG.normal(1, 1, 2_000), *trained(training))
    assert same is not None
    assert moved is not None
    assert (same.level, moved.level) == ("steady", "alarm")
    assert moved.most_changed[0] == "10"
    assert moved.most_changed[2] > 2 * moved.most_changed[1]


def test_a_few_predictions_raise_no_alarm_whatever_they_say() -> None:
    found = number_drift(np.full(FEWEST - 1, 99.0), *trained(RNG.normal(0, 1, 500)))
    assert found is not None
    assert found.psi.value > ALARM
    assert found.level == "few"


def test_a_number_of_few_values_is_held_against_their_own_shares() -> None:
    training = RNG.choice([0.0, 0.0, 0.0, 1.0, 2.0], 500)
    found = number_drift(training, *trained(training))
    assert found is not None
    assert found.psi.value == pytest.approx(0, abs=1e-9)
    assert sum(share for _, share, _ in found.bins) == pytest.approx(1)


def test_missing_values_that_training_had_none_of_are_a_bin_of_their_own() -> None:
    training = RNG.normal(0, 1, 500)
    values = np.where(RNG.random(1_000) < 0.3, np.nan, RNG.normal(0, 1, 1_000))
    found = number_drift(values, *trained(training))
    assert found is not None
    assert found.bins[-1] == (MISSING, 0.0, pytest.approx(0.3, abs=0.05))
    assert found.level == "alarm"
    assert found.ks is not None
    assert found.ks.level == "steady"


def test_values_that_all_are_missing_leave_nothing_for_ks() -> None:
    found = number_drift(np.full(80, np.nan), *trained(RNG.normal(0, 1, 500)))
    assert found is not None
    assert found.ks is None
    assert found.level == "alarm"


def test_missing_values_of_training_are_remembered() -> None:
    training = np.where(RNG.random(500) < 0.4, np.nan, RNG.normal(0, 1, 500))
    deciles, shares, loans = trained(training)
    assert shares[MISSING] == pytest.approx(np.isnan(training).mean())
    again = number_drift(training, deciles, shares, loans)
    assert again is not None
    assert again.psi.value == pytest.approx(0, abs=1e-9)


def test_an_earlier_model_without_shares_is_measured_by_its_deciles_and_without_missing_values() -> None:
    deciles, _, loans = trained(RNG.normal(0, 1, 500))
    values = np.append(RNG.normal(0, 1, 1_000), np.full(300, np.nan))
    found = number_drift(values, deciles, None, loans)
    assert found is not None
    assert (found.predictions, found.level) == (1_000, "steady")
    assert len(found.bins) == 10


def test_an_earlier_model_without_shares_says_nothing_of_deciles_that_are_tied() -> None:
    training = RNG.choice([0.0, 0.0, 0.0, 1.0, 2.0], 500)
    deciles, _, loans = trained(training)
    assert number_drift(training, deciles, None, loans) is None


def test_nothing_is_said_of_no_values() -> None:
    assert number_drift(np.array([]), *trained(RNG.normal(0, 1, 500))) is None
    assert category_drift([], {"a": 1.0}, 500) is None


def test_categories_are_compared_by_name_new_and_missing_ones_included() -> None:
    shares = {"monthly": 0.9, "weekly": 0.1}
    same = category_drift(["monthly"] * 900 + ["weekly"] * 100, shares, 500)
    moved = category_drift(["monthly"] * 500 + ["daily"] * 400 + [None] * 100, shares, 500)
    assert same is not None
    assert moved is not None
    assert (same.level, moved.level) == ("steady", "alarm")
    assert [name for name, _, _ in moved.bins] == ["daily", "monthly", "weekly", MISSING]
    assert moved.ks is None
    assert moved.most_changed == ("daily", 0, 0.4) or moved.most_changed == ("monthly", 0.9, 0.5)


def test_a_single_bin_is_steady() -> None:
    found = category_drift(["monthly"] * 100, {"monthly": 1.0}, 500)
    assert found is not None
    assert (found.psi.value, found.psi.limit, found.level) == (0, 0, "steady")


def test_values_lie_in_the_first_of_tied_deciles_and_beyond_the_ends_in_the_outer_ones() -> None:
    deciles = (0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7)
    assert deciles_of(np.array([-5, 0, 0.5, 1, 6, 6.5, 99]), deciles).tolist() == [1, 1, 4, 4, 9, 10, 10]


def test_training_keeps_the_shares_of_categories_and_of_numbers() -> None:
    table = pd.DataFrame({"card": ["gold", "none", None, "none"], "age": [20.0, 30.0, 40.0, np.nan]})
    shares = _shares(table)
    assert shares["card"] == {MISSING: 0.25, "gold": 0.25, "none": 0.5}
    assert sum(shares["age"].values()) == pytest.approx(1)
    assert shares["age"][MISSING] == 0.25


def test_features_of_one_level_are_ordered_by_the_distance_that_is_the_wider_and_can_be_told() -> None:
    def drifted(psi: float, ks: float | None, told: Level = "warn") -> FeatureDrift:
        by_ks = None if ks is None else Distance(ks, None, 0.05, told)
        return FeatureDrift(feature_set("form")[0], Drift(500, (), Distance(psi, 0.01, 0.05, "warn"), by_ks))

    rising = [drifted(0.11, None), drifted(0.12, 0.9, "few"), drifted(0.13, 0.11), drifted(0.1, 0.14)]
    assert sorted((rising[at] for at in (2, 0, 3, 1)), key=_gravity) == rising
