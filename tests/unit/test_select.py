import numpy as np
import pandas as pd
import pytest

from training.select import select, without_copies


@pytest.fixture
def loans() -> tuple[pd.DataFrame, pd.Series]:
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
        sometimes=np.where(truth == 1, np.nan, rng.normal(size=400)),
        kind=rng.choice(["a", "b"], 400),
    )
    return table, truth


def test_what_helps_comes_first_once_and_categories_stay(loans):
    table, truth = loans
    chosen = select(table, truth, keep=8, seed=1)
    assert len(chosen) == 8
    assert len({"helpful", "worse_copy", "scaled_copy"} & set(chosen[:2])) == 1
    assert "sometimes" in chosen[:2]
    assert "kind" in chosen
    assert not {"constant", "empty"} & set(chosen)


def test_of_copies_the_better_one_is_kept(loans):
    table, truth = loans
    kept = without_copies(table.drop(columns="kind"), truth)
    assert len({"helpful", "worse_copy", "scaled_copy"} & set(kept)) == 1


def test_the_same_rows_and_seed_choose_the_same(loans):
    table, truth = loans
    assert select(table, truth, keep=8, seed=1) == select(table, truth, keep=8, seed=1)


def test_few_features_are_all_kept(loans):
    table, truth = loans
    assert select(table[["helpful", "kind"]], truth, keep=8, seed=1) == ["helpful", "kind"]


def test_other_rows_cannot_change_the_choice(loans):
    table, truth = loans
    chosen = select(table.iloc[:300], truth.iloc[:300], keep=8, seed=1)
    changed = table.copy()
    changed.iloc[300:, changed.columns.get_indexer(["helpful"])] = 0.0
    assert select(changed.iloc[:300], truth.iloc[:300], keep=8, seed=1) == chosen
