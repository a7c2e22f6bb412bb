"""Nested evaluation: nothing of a test row reaches training, a stopped run goes on, other code or data starts anew."""

import dataclasses

import numpy as np
import pytest
from folds import invented_loans, records

from payoff.errors import ContractError
from payoff.model import load_directory
from training.evaluation import nested
from training.evaluation.contenders import PLAIN, Said
from training.evaluation.nested import Recipe, evaluation
from training.fit import fit
from training.split import folds

RECIPE = Recipe("form", repeats=2, seed=3, contender="logistic regression")


def test_each_repeat_tests_every_loan_once_and_never_one_it_was_trained_on(tmp_path):
    loans = invented_loans()
    found = records(loans, RECIPE, tmp_path)
    assert [(each.repeat, each.number) for each in found] == [(r, f) for r in range(2) for f in range(5)]
    for repeat in range(2):
        tested = [loan for each in found if each.repeat == repeat for loan in each.loans]
        assert sorted(tested) == loans.table["loan_id"].tolist()
    for each in found:
        assert len(each.loans) + len(each.inner_truth) == len(loans.table)
        assert set(each.truth) == {0, 1}
        assert list(each.amount) == loans.about.loc[list(each.loans), "amount_czk"].tolist()
        assert list(each.truth) == loans.table.set_index("loan_id").loc[list(each.loans), "defaulted"].tolist()
        assert sum(each.amount) + sum(each.inner_amount) == loans.about["amount_czk"].sum()


@pytest.mark.parametrize("contender", [name for name in PLAIN if name != "majority class"])
def test_every_plain_model_learns_what_there_is_to_learn(tmp_path, contender):
    from sklearn.metrics import roc_auc_score

    (found,) = records(invented_loans(600), Recipe("form", "holdout", 1, 0, contender), tmp_path)
    assert roc_auc_score(found.truth, found.probability) > 0.75
    assert found.size > 0
    assert found.fit_seconds > 0
    assert all(0 < each < 1 for each in found.probability)


def test_autogluon_is_judged_by_what_its_deployment_clone_says(tmp_path):
    loans = invented_loans(300)
    recipe = Recipe("form", "holdout", 1, 0, preset="fast")
    (fold,) = folds(loans.table, "holdout", repeats=1, seed=0)
    found = nested.run_fold(loans, recipe, fold)
    train = loans.table.iloc[fold.train][[*found.features, "defaulted"]]
    fitted = fit(train, tmp_path, seed=0, preset="fast")
    said = load_directory(fitted.directory, found.features)(loans.table.iloc[fold.test])
    np.testing.assert_allclose(found.raw, said, rtol=1e-9)
    np.testing.assert_allclose(found.probability, found.calibration(said), rtol=1e-9)
    assert 10_000 < found.size < 10_000_000
    assert found.row_seconds > 0


@pytest.mark.parametrize("features", [3, 60])
def test_changing_the_ends_of_test_rows_changes_no_prediction_of_theirs(features):
    """Of few features all are trained on, of many a selection."""
    loans = invented_loans(features=features)
    fold = folds(loans.table, "cv", repeats=1, seed=3)[0]
    honest = nested.run_fold(loans, RECIPE, fold)
    table = loans.table.copy()
    table.loc[fold.test, "defaulted"] = 1 - table.loc[fold.test, "defaulted"]
    turned = nested.run_fold(dataclasses.replace(loans, table=table), RECIPE, fold)
    assert turned.probability == honest.probability
    assert turned.calibration == honest.calibration
    assert turned.inner_probability == honest.inner_probability
    assert turned.features == honest.features
    assert turned.truth != honest.truth


def test_a_stopped_evaluation_goes_on_where_it_stopped(tmp_path, monkeypatch):
    loans = invented_loans()
    first = evaluation(loans, RECIPE, tmp_path)
    done = [next(first) for _ in range(3)]
    first.close()
    asked = []
    run_fold = nested.run_fold
    monkeypatch.setattr(nested, "run_fold", lambda *args: asked.append(args[2].name) or run_fold(*args))
    steps = list(evaluation(loans, RECIPE, tmp_path))
    assert [step.resumed for step in steps] == [True] * 3 + [False] * 7
    assert len(asked) == 7
    assert [step.record for step in steps[:3]] == [step.record for step in done]
    assert [step.resumed for step in evaluation(loans, RECIPE, tmp_path)] == [True] * 10
    more = dataclasses.replace(RECIPE, repeats=3)
    assert [step.resumed for step in evaluation(loans, more, tmp_path)] == [True] * 10 + [False] * 5


def test_a_fold_that_was_torn_is_trained_again(tmp_path):
    loans = invented_loans()
    done = records(loans, RECIPE, tmp_path)
    (torn,) = tmp_path.glob("*/repeat-02-fold-3.json")
    torn.write_bytes(torn.read_bytes()[:-40])
    steps = list(evaluation(loans, RECIPE, tmp_path))
    assert [step.resumed for step in steps].index(False) == 7
    assert sum(step.resumed for step in steps) == 9
    assert steps[7].record.probability == done[7].probability


@pytest.mark.parametrize(
    "other",
    [{"seed": 4}, {"contender": "random forest"}, {"protocol": "holdout"}, {"with_sex": True}, {"model_seed": 9}],
)
def test_another_recipe_is_filed_elsewhere(other):
    loans = invented_loans()
    assert nested.digest(loans, dataclasses.replace(RECIPE, **other)) != nested.digest(loans, RECIPE)


def test_other_data_or_other_code_starts_anew(tmp_path, monkeypatch):
    loans = invented_loans()
    before = nested.digest(loans, RECIPE)
    assert nested.digest(invented_loans(), RECIPE) == before
    table = loans.table.copy()
    table.loc[7, "noise"] += 1e-9
    assert nested.digest(dataclasses.replace(loans, table=table), RECIPE) != before
    changed = tmp_path / "select.py"
    changed.write_bytes(b"# other code")
    monkeypatch.setattr(nested.select, "__file__", str(changed))
    assert nested.digest(loans, RECIPE) != before


def test_sex_is_offered_only_where_it_is_asked_for(tmp_path):
    loans = invented_loans()
    assert all("owner_sex" not in each.features for each in records(loans, RECIPE, tmp_path))
    with_sex = records(loans, dataclasses.replace(RECIPE, with_sex=True), tmp_path)
    assert all("owner_sex" in each.features for each in with_sex)


def test_calibration_is_of_the_inner_folds_alone(tmp_path, monkeypatch):
    loans = invented_loans()
    truth = loans.table["defaulted"].to_numpy()

    def overdone(train, test, seed):
        """Too sure of itself out of fold: calibration must take it back for the test rows too."""
        inner = np.where(train["defaulted"] == 1, 0.6, 0.4)
        wrong = np.arange(len(train)) % 3 == 0
        return Said(np.where(wrong, 1 - inner, inner), np.full(len(test), 0.9), 1.0, 0.1, 1)

    monkeypatch.setattr(nested.contenders, "contender", lambda name, preset: overdone)
    (found,) = records(loans, Recipe("form", "holdout", 1), tmp_path)
    assert truth.mean() < 0.5
    assert set(found.raw) == {0.9}
    assert found.probability == (pytest.approx(float(found.calibration(np.array([0.9]))[0])),) * len(found.raw)


def test_the_split_in_time_trains_on_the_early_loans_alone():
    table = invented_loans().table
    (fold,) = folds(table, "time", repeats=3, seed=1)
    assert table["granted_on"].iloc[fold.train].max().year == 1996
    assert table["granted_on"].iloc[fold.test].min().year == 1997
    with pytest.raises(ContractError, match="split in time needs at least 10"):
        folds(table.head(60), "time", repeats=1, seed=1)
