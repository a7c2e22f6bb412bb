import numpy as np
import pandas as pd
import pytest

from features.sets import feature_set
from training.select import CHOSEN_BY_HAND, offered, select, without_copies, without_drift


@pytest.fixture
def loans() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    rng = np.random.default_rng(3)
    truth = pd.Series((rng.random(400) < 0.2).astype(int))
    noise = pd.DataFrame(rng.normal(size=(400, 30)), columns=[f"noise_{number}" for number in range(30)])
    helpful = truth * 2 + rng.normal(size=400)
    table = noise.assign(
        helpful=helpful,
        worse_copy=helpful + rng.normal(scale=0.02, size=400),
        scaled_copy=helpful * 1000 - 5,
        constant=1.0,
        empty=np.nan,
        drifting=np.arange(400) + truth * 50 + rng.normal(scale=20, size=400),
        kind=rng.choice(["a", "b"], 400),
    )
    return table, truth, pd.Series(pd.date_range("1993-01-01", periods=400))


def test_what_helps_comes_first_once_and_categories_stay(loans):
    chosen = select(*loans)
    assert len({"helpful", "worse_copy", "scaled_copy"} & set(chosen)) == 1
    assert chosen[0] in {"helpful", "worse_copy", "scaled_copy"}
    assert chosen[-1] == "kind"
    assert not {"constant", "empty", "drifting"} & set(chosen)
    assert {f"noise_{number}" for number in range(30)} <= set(chosen)


def test_of_copies_the_better_one_is_kept(loans):
    table, truth, _ = loans
    worse = table["helpful"] + np.random.default_rng(1).normal(scale=0.4, size=400)
    assert abs(np.corrcoef(worse.rank(), table["helpful"].rank())[0, 1]) > 0.9
    assert without_copies(table[["helpful"]].assign(worse=worse), truth) == ["helpful"]


def test_a_missing_value_is_neither_high_nor_low(loans):
    table, truth, _ = loans
    holed = table["helpful"].where(np.arange(400) % 2 == 0)
    assert without_copies(pd.DataFrame({"holed": holed, "helpful": table["helpful"]}), truth) == ["helpful", "holed"]


def test_what_follows_the_calendar_is_left_out_in_either_direction(loans):
    table, _, dates = loans
    both = table[["helpful", "drifting"]].assign(backwards=-table["drifting"])
    assert list(without_drift(both, dates)) == ["helpful"]


def test_the_same_rows_choose_the_same_and_other_rows_change_nothing(loans):
    table, truth, dates = loans
    chosen = select(table.iloc[:300], truth.iloc[:300], dates.iloc[:300])
    changed = table.copy()
    changed.iloc[300:, changed.columns.get_indexer(["helpful"])] = 0.0
    assert select(changed.iloc[:300], truth.iloc[:300], dates.iloc[:300]) == chosen


def test_features_chosen_by_hand_are_all_trained_on(loans):
    table, truth, dates = loans
    few = table[["helpful", "scaled_copy", "constant", "kind"]]
    assert select(few, truth, dates) == list(few.columns)
    for name in ("seed", "form"):
        assert len(feature_set(name)) <= CHOSEN_BY_HAND
        assert offered(feature_set(name)) == [feature.name for feature in feature_set(name)]


def test_of_the_synthesised_features_whole_kinds_are_not_offered():
    full = feature_set("full")
    names = set(offered(full))
    assert 500 < len(names) < len(full)
    assert not [each.name for each in full if each.known == "snapshot" and each.name in names]
    assert {"transaction_balance_mean_cash_withdrawal_90d", "transaction_amount_max_per_income"} <= names
    assert (
        not {"transaction_balance_median", "transaction_amount_sum", "transaction_balance_min_per_instalment"} & names
    )
