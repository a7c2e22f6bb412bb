"""Statistics on both databases, against pandas on the same rows."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from predicted import NOON, keep, predictions
from sklearn.metrics import brier_score_loss, log_loss

from webapp.scores import difference_of, log_losses, mean_of, outcomes_needed, share_of
from webapp.storage import Database
from webapp.storage.samples import newest_features, newest_scores
from webapp.storage.statistics import BINS, overview

SINCE, UNTIL = NOON - timedelta(days=10), NOON - timedelta(days=1)


@pytest.fixture
def rows(tables: Database) -> pd.DataFrame:
    """Two thousand predictions, of which those of the window are returned."""
    made = predictions(2_000)
    # Both ends of the probabilities, and a prediction at either end of the window.
    made.loc[:1, "payoff_probability"] = [0.0, 1.0]
    made.loc[:1, "made_at"] = [SINCE, SINCE + timedelta(hours=3)]
    made.loc[2, "made_at"] = UNTIL
    with tables.session() as session:
        keep(session, made)
    return made[(made["made_at"] >= SINCE) & (made["made_at"] < UNTIL)]


def test_counts_and_means_are_those_of_the_window(tables: Database, rows: pd.DataFrame) -> None:
    with tables.session() as session:
        found = overview(session, SINCE, UNTIL)
    assert found.predictions == len(rows)
    assert found.granted == (rows["verdict"] == "paid_off").sum()
    assert found.share_granted == pytest.approx((rows["verdict"] == "paid_off").mean())
    assert found.mean_probability == pytest.approx(rows["payoff_probability"].mean())
    assert found.sources == rows["source"].value_counts().to_dict()
    assert found.models == rows["version"].value_counts().to_dict()


def test_each_day_has_its_own_figures(tables: Database, rows: pd.DataFrame) -> None:
    with tables.session() as session:
        found = overview(session, SINCE, UNTIL)
    by_day = rows.groupby(rows["made_at"].dt.date)
    assert [each.day for each in found.days] == sorted(by_day.groups)
    for each in found.days:
        that = by_day.get_group(each.day)
        assert (each.predictions, each.granted) == (len(that), (that["verdict"] == "paid_off").sum())
        assert each.mean_probability == pytest.approx(that["payoff_probability"].mean())


def test_the_histogram_holds_every_score_and_both_ends(tables: Database, rows: pd.DataFrame) -> None:
    with tables.session() as session:
        found = overview(session, SINCE, UNTIL)
    expected, _ = np.histogram(rows["payoff_probability"], BINS, (0, 1))
    assert list(found.histogram) == expected.tolist()


def test_latency_is_told_by_source_and_without_batches(tables: Database, rows: pd.DataFrame) -> None:
    with tables.session() as session:
        found = overview(session, SINCE, UNTIL)
    assert set(found.latency) == {"form", "lookup", "api"}
    for source, each in found.latency.items():
        times = rows.loc[rows["source"] == source, "milliseconds"]
        assert each.predictions == len(times)
        told = (each.median_ms, each.p95_ms, each.p99_ms)
        expected = np.quantile(times, [0.5, 0.95, 0.99], method="inverted_cdf")
        assert told == pytest.approx(np.floor(expected * 10) / 10)


def test_nobody_waits_for_a_batch_and_the_most_frequent_stand_first(tables: Database) -> None:
    made = predictions(60).assign(source=["api"] * 10 + ["batch"] * 20 + ["lookup"] * 30, milliseconds=5.0)
    made["version"] = np.where(made.index < 15, "one", "two")
    with tables.session() as session:
        keep(session, made.assign(made_at=SINCE))
        found = overview(session, SINCE, UNTIL)
    assert {source: each.predictions for source, each in found.latency.items()} == {"api": 10, "lookup": 30}
    assert list(found.sources.items()) == [("lookup", 30), ("batch", 20), ("api", 10)]
    assert list(found.models.items()) == [("two", 45), ("one", 15)]


def test_recorded_outcomes_are_held_against_the_probabilities(tables: Database, rows: pd.DataFrame) -> None:
    with tables.session() as session:
        found = overview(session, SINCE, UNTIL).outcomes
    ended = rows[rows["outcome"].notna()]
    truth, payoff = (ended["outcome"] == "paid_off").astype(int), ended["payoff_probability"]
    assert found is not None
    assert (found.recorded, found.paid_off, found.judged) == (len(ended), truth.sum(), len(ended))
    assert found.payoff_share.value == pytest.approx(truth.mean())
    assert found.brier.value == pytest.approx(brier_score_loss(truth, payoff))
    assert found.log_loss.value == pytest.approx(log_loss(truth, payoff))
    for figure in (found.payoff_share, found.brier, found.log_loss):
        assert figure.low < figure.value < figure.high


def test_a_window_without_predictions_is_empty_and_not_wrong(tables: Database, rows: pd.DataFrame) -> None:
    with tables.session() as session:
        found = overview(session, NOON + timedelta(days=1), NOON + timedelta(days=2))
    assert (found.predictions, found.share_granted, found.mean_probability) == (0, None, None)
    assert (found.days, sum(found.histogram), found.latency, found.outcomes) == ((), 0, {}, None)
    assert json.loads(json.dumps(found.as_json()))["outcomes"] is None


def test_programs_are_told_the_same(tables: Database, rows: pd.DataFrame) -> None:
    with tables.session() as session:
        found = overview(session, SINCE, UNTIL)
    told = json.loads(json.dumps(found.as_json()))
    assert told["since"] == "2026-02-28T12:00:00+00:00"
    assert told["predictions"] == len(rows)
    assert date.fromisoformat(told["days"][0]["day"]) == found.days[0].day
    assert len(told["histogram"]) == BINS
    assert told["latency"]["form"]["p95_ms"] == found.latency["form"].p95_ms
    assert found.outcomes is not None
    assert told["outcomes"]["brier"]["low"] == found.outcomes.brier.low
    assert told["outcomes"]["recorded"] == found.outcomes.recorded


def test_the_newest_scores_are_those_of_the_version_and_the_window(tables: Database, rows: pd.DataFrame) -> None:
    with tables.session() as session:
        scores = newest_scores(session, "form", "two", SINCE, UNTIL)
        others = newest_features(session, "form", ["age"], SINCE, UNTIL)
    newest_first = rows[rows["version"] == "two"].sort_values("made_at", ascending=False)
    assert scores.tolist() == newest_first["payoff_probability"].tolist()
    assert others == {"age": []}


def test_the_mean_of_losses_has_an_interval_like_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(4).exponential(0.3, 2_000)
    found = mean_of(values)
    half = 1.96 * values.std() / np.sqrt(values.size)
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_a_difference_between_other_loans_is_less_sure_than_one_on_the_same() -> None:
    rng = np.random.default_rng(5)
    first = rng.exponential(0.3, 1_000)
    second = first + rng.normal(0.01, 0.01, 1_000)
    paired, unpaired = mean_of(second - first), difference_of(second, first)
    assert paired.value == pytest.approx(unpaired.value)
    assert paired.high - paired.low < 0.1 * (unpaired.high - unpaired.low)


def test_outcomes_that_are_needed_give_the_power_that_was_asked_for() -> None:
    rng = np.random.default_rng(6)
    needed = outcomes_needed(0.3**2, 0.02)
    drawn = rng.normal(0.02, 0.3, (2_000, needed))
    found = np.abs(drawn.mean(axis=1)) > 1.96 * drawn.std(axis=1, ddof=1) / np.sqrt(needed)
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_a_certain_probability_that_was_wrong_costs_much_but_not_infinitely_much() -> None:
    assert np.isfinite(log_losses(np.array([0.0, 1.0]), np.array([1, 0]))).all()


def test_a_share_of_all_has_an_interval_below_it() -> None:
    found = share_of(20, 20)
    assert found.low == pytest.approx(0.8389, abs=1e-3)
    assert found.high == pytest.approx(1)
