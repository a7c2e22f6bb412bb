"""How champion and challenger compare by what was stored of both, on both databases, against pandas."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from predicted import NOON, keep, keep_shadows, predictions

from payoff.comparison import log_loss_excess
from webapp.storage import Database
from webapp.storage.trials import FEWEST_OUTCOMES, Trial, trials


def compared(tables: Database) -> list[Trial]:
    with tables.session() as session:
        return trials(session, NOON - timedelta(days=15), NOON)


def test_shadow_scores_are_set_beside_the_champions(tables: Database) -> None:
    rows = predictions(600).assign(version="one")
    shadow = np.clip(rows["payoff_probability"] + np.random.default_rng(2).normal(0, 0.05, 600), 0.01, 0.99)
    with tables.session() as session:
        numbers = keep(session, rows)
        keep_shadows(session, numbers[:500], shadow[:500])
    (found,) = compared(tables)
    within = (rows["made_at"] >= NOON - timedelta(days=15)) & (rows.index < 500)
    ours, theirs = rows["payoff_probability"][within], shadow[within]
    assert (found.kind, found.feature_set) == ("shadow", "form")
    assert (found.champion.version, found.challenger.version) == ("one", "shadow")
    assert found.champion.predictions == found.challenger.predictions == within.sum()
    assert found.champion.share_granted == pytest.approx((ours > 0.8).mean())
    assert found.challenger.share_granted == pytest.approx((theirs > 0.8).mean())
    assert found.challenger.mean_probability == pytest.approx(theirs.mean())
    assert found.agreement == pytest.approx(((ours > 0.8) == (theirs > 0.8)).mean())
    assert found.mean_difference == pytest.approx((ours - theirs).abs().mean())
    _holds_paired_figures(found, rows[within], ours, theirs)


def _holds_paired_figures(found: Trial, rows: pd.DataFrame, ours: pd.Series, theirs: pd.Series) -> None:
    ended = rows["outcome"].notna()
    defaulted = (rows["outcome"][ended] == "default").to_numpy(dtype=int)
    expected = log_loss_excess(defaulted, 1 - theirs[ended].to_numpy(), 1 - ours[ended].to_numpy())
    assert found.champion.outcomes == found.challenger.outcomes == ended.sum() >= FEWEST_OUTCOMES
    assert found.log_loss_excess is not None
    assert found.log_loss_excess.value == pytest.approx(expected.value)
    assert found.log_loss_excess.low == pytest.approx(expected.low, abs=0.01)
    assert found.champion.log_loss is not None
    assert found.challenger.log_loss is not None
    assert found.challenger.log_loss.value - found.champion.log_loss.value == pytest.approx(expected.value)
    assert found.needed is not None
    assert found.needed > 1


def test_the_arms_of_a_split_are_compared_from_when_both_answered(tables: Database) -> None:
    rows = predictions(3_000)
    early = rows["made_at"] < NOON - timedelta(days=10)
    split = np.random.default_rng(3).random(3_000) < 0.4
    rows["arm"] = np.where(split & ~early, "challenger", "champion")
    rows["version"] = np.where(rows["arm"] == "challenger", "two", "one")
    with tables.session() as session:
        keep(session, rows)
    (found,) = compared(tables)
    began = rows.loc[rows["arm"] == "challenger", "made_at"].min()
    since = rows[rows["made_at"] >= began]
    for side, arm in ((found.champion, "champion"), (found.challenger, "challenger")):
        own = since[since["arm"] == arm]
        assert side.predictions == len(own)
        assert side.mean_probability == pytest.approx(own["payoff_probability"].mean())
        assert side.outcomes == own["outcome"].notna().sum()
    assert (found.kind, found.agreement, found.mean_difference) == ("split", None, None)
    assert found.log_loss_excess is not None
    assert found.champion.log_loss is not None
    assert found.challenger.log_loss is not None
    apart = found.challenger.log_loss.value - found.champion.log_loss.value
    assert found.log_loss_excess.value == pytest.approx(apart)
    assert found.log_loss_excess.low < apart < found.log_loss_excess.high


def test_the_newest_pair_of_a_set_is_the_one_compared(tables: Database) -> None:
    rows = predictions(200).assign(version="one").sort_values("made_at", ignore_index=True)
    with tables.session() as session:
        numbers = keep(session, rows)
        keep_shadows(session, numbers[:100], rows["payoff_probability"][:100], "older")
        keep_shadows(session, numbers[100:], rows["payoff_probability"][100:], "newer")
    (found,) = compared(tables)
    assert found.challenger.version == "newer"
    assert found.agreement == 1


def test_few_outcomes_give_no_error_and_no_trial_gives_none(tables: Database) -> None:
    rows = predictions(40).assign(version="one")
    with tables.session() as session:
        numbers = keep(session, rows)
    assert compared(tables) == []
    with tables.session() as session:
        keep_shadows(session, numbers, rows["payoff_probability"])
    (found,) = compared(tables)
    assert found.champion.outcomes < FEWEST_OUTCOMES
    assert (found.champion.brier, found.log_loss_excess, found.needed) == (None, None, None)


def test_a_split_that_only_one_arm_answered_is_none(tables: Database) -> None:
    with tables.session() as session:
        keep(session, predictions(40).assign(version="one", arm="champion"))
    assert compared(tables) == []


def test_arms_that_never_answered_at_one_time_are_not_compared(tables: Database) -> None:
    rows = predictions(200)
    old = rows["made_at"] < NOON - timedelta(days=7)
    rows = rows.assign(version=np.where(old, "one", "two"), arm=np.where(old, "champion", "challenger"))
    with tables.session() as session:
        keep(session, rows)
    assert compared(tables) == []
