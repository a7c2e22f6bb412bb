"""Two seeds, features that come back, and importance by shuffling, where the answer is known beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from folds import invented_loans, record
from scipy.special import expit
from sklearn.metrics import log_loss

from features.sets import feature_set
from payoff.metadata import TARGET, Calibration, Costs
from training.evaluation import importance as shuffling
from training.evaluation.comparison import Entry, entry
from training.evaluation.importance import Predict, families, importance
from training.evaluation.nested import FoldRecord, Recipe
from training.evaluation.stability import Stability, selection, stability, two_seeds
from training.evaluation.stability_page import as_page, sentences
from training.loans import Loans
from training.select import offered
from training.split import folds

COSTS = Costs()
FORM = Recipe("form", repeats=1)


def of_two_folds(*probabilities: list[float], seed: int | None = None) -> Entry:
    """Two folds of fifty loans, ten of each probability."""
    truth = [0, 0, 1, 0, 1] * 10
    records = [
        record(truth, said * 10, number=fold, first_loan=1 + 50 * fold) for fold, said in enumerate(probabilities)
    ]
    return entry(replace(FORM, model_seed=seed), records, COSTS)


def test_two_seeds_differ_by_what_is_counted_by_hand():
    one = of_two_folds([0.01, 0.10, 0.50, 0.16, 0.90], [0.02, 0.03, 0.70, 0.20, 0.80])
    other = of_two_folds([0.01, 0.12, 0.50, 0.18, 0.90], [0.02, 0.03, 0.70, 0.10, 0.80], seed=7)
    found = two_seeds(one, other)
    assert (found.seeds, found.decisions) == ((None, 7), 100)
    assert found.mean_difference == pytest.approx((0.02 + 0.02 + 0.10) / 10)
    assert found.largest_difference == pytest.approx(0.10)
    assert found.changed == 0.2  # 0.16 to 0.18 and 0.20 to 0.10 cross 0.167
    assert found.roc_auc.value == 0
    ours, theirs = (np.concatenate([each.probability for each in side.records]) for side in (one, other))
    ranks = [pd.Series(said).rank() for said in (ours, theirs)]
    assert found.rank_correlation == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_the_same_seed_twice_differs_by_nothing():
    one = of_two_folds([0.01, 0.10, 0.50, 0.16, 0.90], [0.02, 0.03, 0.70, 0.20, 0.80])
    found = two_seeds(one, one)
    assert (found.mean_difference, found.largest_difference, found.changed) == (0, 0, 0)
    assert found.rank_correlation == pytest.approx(1)


def test_evaluations_of_other_folds_are_not_compared():
    one = of_two_folds([0.01, 0.10, 0.50, 0.16, 0.90], [0.02, 0.03, 0.70, 0.20, 0.80])
    with pytest.raises(ValueError, match="different folds"):
        two_seeds(one, replace(one, records=one.records[::-1]))


def test_how_often_a_feature_comes_back_is_counted():
    found = selection([("a", "b"), ("a", "c"), ("b", "a")], offered=5)
    assert found.times == {"a": 3, "b": 2, "c": 1}
    assert list(found.times) == ["a", "b", "c"]
    assert (found.always, found.in_more_than(0.5), found.sizes) == (1, 2, (2, 2, 2))
    assert found.jaccard == pytest.approx((1 / 3 + 1 + 1 / 3) / 3)
    # Shares 1, 2/3 and 1/3 of three folds, two of five chosen in each.
    variance = 3 / 2 * (0 + 2 / 9 + 2 / 9 + 0 + 0) / 5
    assert found.nogueira == pytest.approx(1 - variance / (2 / 5 * 3 / 5))


def test_of_features_chosen_as_often_the_more_telling_comes_first():
    assert list(selection([("z", "a", "m"), ("z", "m", "a"), ("z", "m", "a")], offered=9).times) == ["z", "m", "a"]


def test_stability_is_one_for_the_same_choice_and_about_nought_for_chance():
    assert selection([("a", "b")] * 4, offered=9).nogueira == pytest.approx(1)
    rng = np.random.default_rng(2)
    at_random = [tuple(map(str, rng.choice(100, 30, replace=False))) for _ in range(60)]
    assert abs(selection(at_random, offered=100).nogueira) < 0.01
    assert selection([("a", "b")] * 4, offered=2).nogueira is None


def test_features_of_one_column_and_operation_make_a_family_in_a_synthesised_set_only():
    names = offered(feature_set("full"))
    found = families("full", names)
    assert sorted(name for members in found.values() for name in members) == sorted(names)
    lowest = found["transaction_balance_min"]
    assert {"transaction_balance_min_180d", "transaction_balance_min_credit_90d_per_income"} <= set(lowest)
    assert all(name.startswith("transaction_balance_min") for name in lowest)
    assert found["card_type"] == ("card_type",)
    assert families("form", ["a_mean_30d", "a_mean"]) == {"a_mean_30d": ("a_mean_30d",), "a_mean": ("a_mean",)}


def by_formula(rows: pd.DataFrame) -> np.ndarray:
    """Relies on ``telling``, and a little on ``noise``."""
    return expit(1.7 * rows["telling"] - 1.7 + 0.2 * rows["noise"]).to_numpy()


class Training:
    """Trains nothing; keeps what it was given, and how many models are open."""

    def __init__(self, predict: Predict = by_formula) -> None:
        self.predict = predict
        self.seen: list[tuple[pd.DataFrame, int]] = []
        self.asked: list[int] = []
        self.open = 0

    @contextmanager
    def __call__(self, rows: pd.DataFrame, seed: int) -> Iterator[Predict]:
        self.seen.append((rows, seed))
        self.open += 1
        yield self._predict
        self.open -= 1

    def _predict(self, rows: pd.DataFrame) -> np.ndarray:
        assert self.open == 1
        self.asked.append(len(rows))
        return self.predict(rows)


@pytest.fixture(scope="module")
def loans() -> Loans:
    return invented_loans(600)


@pytest.fixture(scope="module")
def records(loans) -> list[FoldRecord]:
    """The folds of the invented loans, with their three features and the formula's predictions."""
    found = []
    for fold in folds(loans.table, "cv", repeats=1, seed=0):
        test, truth = loans.table.iloc[fold.test], loans.table[TARGET].iloc[fold.train]
        made = record(test[TARGET].tolist(), by_formula(test).tolist(), number=fold.number)
        inner = {
            "inner_truth": tuple(truth),
            "inner_amount": (1.0,) * len(truth),
            "inner_probability": (0.2,) * len(truth),
        }
        found.append(made.model_copy(update={"loans": tuple(test["loan_id"]), "features": loans.offered, **inner}))
    return found


def test_shuffling_shows_what_the_model_relies_on_and_what_it_does_not(loans, records):
    first, *others = importance(loans, FORM, records, Training())
    assert (first.name, first.features) == ("telling", ("telling",))
    assert first.increase.low > 0.05
    assert first.increase.p < 0.01
    by_name = {each.name: each.increase for each in others}
    assert by_name["noise"].low < 0 < by_name["noise"].high
    assert by_name["noise"].value != 0
    unused = by_name["constant_ish"]
    assert (unused.value, unused.low, unused.high, unused.p) == (0, 0, 0, 1)


def test_a_shuffle_adds_what_scikit_learn_measures(loans, records, monkeypatch):
    monkeypatch.setattr(shuffling, "PERMUTATIONS", 50)
    (each,) = (each for each in importance(loans, FORM, records, Training()) if each.name == "telling")
    added = []
    for fold in records:
        test = loans.table[loans.table["loan_id"].isin(fold.loans)]
        # Every loan with every loan's value: what shuffles come to in the long run.
        crossed = test[["noise"]].merge(test[["telling"]], how="cross")
        truth = np.repeat(test[TARGET].to_numpy(), len(test))
        added.append(log_loss(truth, by_formula(crossed)) - log_loss(test[TARGET], by_formula(test)))
    assert each.increase.value == pytest.approx(np.mean(added), rel=0.05)


def test_a_model_is_trained_on_the_folds_own_training_loans_and_seed(loans, records):
    training = Training()
    importance(loans, replace(FORM, seed=3), records, training)
    assert len(training.seen) == len(records)
    for (rows, seed), fold in zip(training.seen, records, strict=True):
        assert list(rows.columns) == [*loans.offered, TARGET]
        trained_on = set(loans.table.loc[rows.index, "loan_id"])
        assert trained_on == set(loans.table["loan_id"]) - set(fold.loans)
        assert seed == 3
    assert training.open == 0
    importance(loans, replace(FORM, model_seed=9), records, training)
    assert training.seen[-1][1] == 9


def test_predicting_in_smaller_parts_changes_nothing(loans, records, monkeypatch):
    whole, parts = Training(), Training()
    at_once = importance(loans, FORM, records, whole)
    monkeypatch.setattr(shuffling, "_ROWS", 300)
    assert importance(loans, FORM, records, parts) == at_once
    assert max(parts.asked) <= 300 < max(whole.asked)


def test_a_feature_that_a_fold_did_not_choose_adds_nothing_there(loans, records):
    without = records[0].model_copy(update={"features": ("noise",)})
    training = Training(lambda rows: by_formula(rows.assign(telling=rows.get("telling", 0.0))))
    found = {each.name: each.increase.value for each in importance(loans, FORM, [without, *records[1:]], training)}
    every = {each.name: each.increase.value for each in importance(loans, FORM, records, training)}
    assert found["telling"] < every["telling"]
    others = [each.name for each in importance(loans, FORM, [without, without], training)]
    assert others == ["noise"]


def test_predictions_are_calibrated_as_they_were_in_the_fold(loans, records):
    sure = [each.model_copy(update={"calibration": Calibration(slope=3.0)}) for each in records]
    added, before = (importance(loans, FORM, each, Training())[0].increase.value for each in (sure, records))
    assert added > 1.5 * before


def test_a_family_is_shuffled_together(loans):
    names = ("transaction_balance_min_30d", "transaction_balance_min_60d")
    table = loans.table.assign(**dict.fromkeys(names, loans.table["telling"]))
    both = replace(loans, table=table, offered=names)
    fold = [
        record(part[TARGET].tolist(), [0.2] * len(part)).model_copy(
            update={"loans": tuple(part["loan_id"]), "features": names}
        )
        for part in (table.iloc[:300], table.iloc[300:])
    ]
    apart = Training(lambda rows: expit(5 * (rows[names[0]] - rows[names[1]]) - 1).to_numpy())
    (family,) = importance(both, Recipe("full"), fold, apart)
    assert (family.name, family.features) == ("transaction_balance_min", names)
    assert family.increase.value == pytest.approx(0)
    assert importance(both, FORM, fold, apart)[0].increase.low > 0.5


def test_the_whole_of_it_reads_as_a_page_and_survives_json(loans, records):
    one, other = (entry(replace(FORM, model_seed=seed), records, COSTS) for seed in (None, 1))
    found = stability(one, other, loans, Training())
    assert Stability.model_validate_json(found.model_dump_json()) == found
    page = as_page(found, FORM, command="payoff model stability")
    for words in (
        "`payoff model stability`", "set `form`", "the seed of the folds and with seed 1", "0.0 % of 600",
        "all 3 were chosen by a person", "| `telling` | 1 | +0.", "The interval of importance lies above 0 for 1 of 3;",
        f"the log-loss is {found.log_loss:.3f}",
    ):  # fmt: skip
        assert words in page, words
    mean = np.mean([log_loss(each.truth, each.probability) for each in records])
    assert found.log_loss == pytest.approx(mean)


def test_a_page_about_a_choice_says_how_often_each_came_back(loans, records):
    chosen = [("telling", "noise"), ("telling", "constant_ish"), ("telling", "noise"), ("telling",), ("telling",)]
    fewer = [each.model_copy(update={"features": names}) for each, names in zip(records, chosen, strict=True)]
    one = entry(FORM, fewer, COSTS)
    training = Training(lambda rows: by_formula(rows.assign(noise=rows.get("noise", 0.0))))
    found = stability(one, one, loans, training)
    page = as_page(found, FORM, command="x")
    for words in (
        "Each of the 5 folds chose 1 to 2 of 3 features.", "| in every fold | 1 |", "| in more than half | 1 |",
        "| in any | 3 |", "| `telling` | 5 of 5 |", "| `noise` | 2 of 5 |", "| `constant_ish` | 1 of 5 |",
    ):  # fmt: skip
        assert words in page, words
    assert "Of 3 features that any fold chose, 33 % came back in every one" in sentences(found)[1]


def test_only_the_first_repeat_is_trained_again(loans, records):
    again = [each.model_copy(update={"repeat": 1}) for each in records]
    training = Training()
    one = entry(replace(FORM, repeats=2), [*records, *again], COSTS)
    stability(one, one, loans, training)
    assert len(training.seen) == len(records)


def test_one_fold_tells_no_interval(loans, records):
    with pytest.raises(ValueError, match="at least two"):
        importance(loans, FORM, records[:1], Training())
