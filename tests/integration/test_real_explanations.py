"""Explanations of the real model: they add up, and the quick ones say what the thorough ones say."""

import numpy as np
import pandas as pd
import pytest
from bank import SEED

from payoff import runs
from payoff.lake import Lake
from payoff.metadata import Metadata
from payoff.model import Model, load_model
from training.split import holdout
from webapp.explaining import Explanation, explain, explain_many, quick_reasons

LOANS = 8


@pytest.fixture(scope="module")
def split(real_lake: Lake) -> tuple[pd.DataFrame, pd.DataFrame]:
    return holdout(runs.read_features(real_lake, runs.current_run(real_lake), "form").to_pandas(), SEED)


@pytest.fixture(scope="module")
def model(real_lake: Lake, trained: Metadata, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(real_lake, trained.version, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def loans(model: Model, split: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """Held-out loans, from the safest to the most doubtful."""
    _, test = split
    order = np.argsort(model.default_probabilities(test))
    return test.iloc[order[np.linspace(0, len(test) - 1, LOANS).astype(int)]].reset_index(drop=True)


def whole(explanation: Explanation) -> float:
    return explanation.base + sum(reason.effect for reason in explanation.reasons)


def test_the_background_is_fifty_loans_of_the_training_without_their_names_and_ends(model, split):
    train, test = split
    features = list(model.metadata.features)
    assert list(model.background.columns) == features
    assert len(model.background) == 50
    numbers = model.background.select_dtypes("number").columns.to_list()
    known = set(map(tuple, train[numbers].to_numpy()))
    assert all(tuple(row) in known for row in model.background[numbers].to_numpy())
    assert not known & set(map(tuple, test[numbers].to_numpy()))


def test_the_base_is_close_to_what_the_training_loans_are_given_on_average(model, split):
    train, _ = split
    base = explain(model, train.head(1)).base
    assert base == pytest.approx(1 - model.default_probabilities(train).mean(), abs=0.03)


def test_every_kind_of_explanation_adds_up_to_the_prediction_and_starts_from_the_same_base(model, loans):
    payoff = 1 - model.default_probabilities(loans)
    in_batch = list(explain_many(model, loans))
    for place in range(LOANS):
        loan = loans.iloc[[place]]
        quick, thorough = explain(model, loan), explain(model, loan, thorough=True)
        assert quick.base == pytest.approx(thorough.base, abs=1e-9)
        assert whole(quick) == pytest.approx(payoff[place], abs=1e-6)
        assert whole(thorough) == pytest.approx(payoff[place], abs=1e-6)
        assert in_batch[place].base == pytest.approx(thorough.base, abs=1e-9)
        assert whole(in_batch[place]) == pytest.approx(payoff[place], abs=1e-6)


def test_the_quick_explanation_says_nearly_what_the_thorough_one_says(model, loans):
    apart = []
    for place in range(LOANS):
        loan = loans.iloc[[place]]
        quick, thorough = explain(model, loan), explain(model, loan, thorough=True)
        effects = {reason.key: reason.effect for reason in thorough.reasons}
        apart += [abs(reason.effect - effects[reason.key]) for reason in quick.reasons]
        strong = abs(thorough.reasons[0].effect) - abs(thorough.reasons[1].effect) > 0.03
        assert quick.reasons[0].key == thorough.reasons[0].key or not strong
    assert np.mean(apart) < 0.01


def test_the_most_doubtful_loan_is_refused_for_reasons_that_lowered_its_probability(model, loans):
    (explanation,) = quick_reasons(model, loans.tail(1), 4)
    assert 1 <= len(explanation.reasons) <= 4
    assert all(reason.effect < 0 for reason in explanation.reasons)
