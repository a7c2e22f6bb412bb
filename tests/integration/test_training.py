"""A model of the real bank: measured on loans it has not seen, published whole."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor
from bank import SEED, answers_of_loans
from servers import free_port

from features.answers import form_features, validated
from features.questions import QUESTIONS
from features.sets import SET_NAMES, feature_set
from payoff import model as models
from payoff import runs
from payoff.choices import PRESETS
from payoff.comparison import held_out
from payoff.errors import ContractError, LakeError, ModelError, PromotionRefused, SettingsError
from payoff.lake import read_checked
from payoff.learners import SteadyLightGBM
from payoff.registry import challengers, champion, verify
from payoff.settings import ROOT
from training import publish
from training.fit import fit
from training.presets import hyperparameters
from training.publish import Training, train
from training.split import holdout


def test_no_loan_is_in_train_and_test_and_both_have_the_same_share_of_defaults(loans):
    train, test = holdout(loans, SEED)
    assert set(train["loan_id"]).isdisjoint(test["loan_id"])
    assert len(train) + len(test) == 682
    assert len(test) == 205
    assert train["defaulted"].mean() == pytest.approx(test["defaulted"].mean(), abs=0.005)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda loans: pd.concat([loans, loans.head(3)]), "3 loans appear twice"),
        (
            lambda loans: loans.assign(defaulted=loans["defaulted"].astype("Int8").where(loans["loan_id"] > 4965)),
            "known end",
        ),
        (lambda loans: loans.assign(defaulted=0), "at least 10 loans of either end"),
    ],
)
def test_a_table_that_cannot_be_split_honestly_is_refused(loans, spoil, reason):
    with pytest.raises(ContractError, match=reason):
        holdout(spoil(loans), SEED)


def test_the_published_figures_are_those_of_the_published_files_on_the_held_out_loans(
    real_lake, trained, loans, tmp_path
):
    _, test = holdout(loans, SEED)
    model = models.load_model(real_lake, trained.version, tmp_path)
    probability = model.default_probabilities(test)
    assert np.mean((probability - test["defaulted"]) ** 2) == pytest.approx(trained.metrics["brier"].value, abs=1e-12)
    said = probability >= trained.threshold
    assert np.mean(said == test["defaulted"]) == pytest.approx(trained.metrics["accuracy"].value, abs=1e-12)
    assert trained.test_loans == len(test)
    assert trained.test_defaulted == test["defaulted"].sum()


def test_the_model_ranks_better_than_chance_and_than_the_original(trained):
    assert trained.baseline["roc_auc"].value == 0.5
    assert trained.metrics["roc_auc"].low > 0.57


def test_the_same_seed_gives_the_same_model(real_lake, trained, loans, tmp_path):
    again = train(real_lake, "form", Training(SEED)).metadata
    assert again.version != trained.version
    assert again.metrics == trained.metrics
    assert again.threshold == trained.threshold
    one, other = (models.load_model(real_lake, version, tmp_path) for version in (trained.version, again.version))
    np.testing.assert_allclose(one.default_probabilities(loans), other.default_probabilities(loans), rtol=1e-9)


def test_a_training_that_may_not_be_promoted_or_logged_is_published_all_the_same(real_lake, trained, monkeypatch):
    def refuse(lake, version, reason):
        raise PromotionRefused(version, ["it is worse"])

    monkeypatch.setattr(publish, "promote", refuse)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    served = champion(real_lake)
    done = train(real_lake, "form", Training(SEED, preset="fast", population="finished"))
    assert done.change is None
    assert done.refused == ("it is worse",)
    assert done.tracked is None
    assert "was not logged to MLflow" in done.untracked
    assert champion(real_lake) == served
    assert challengers(real_lake)["form"] == done.metadata.version
    described = models.read_metadata(real_lake, done.metadata.version)
    assert described.train_loans + described.test_loans == 234
    assert (described.preset, described.population) == ("fast", "finished")
    verify(real_lake, described)


def test_what_is_published_can_be_judged_again_later(real_lake, trained):
    said = held_out(real_lake, trained)
    assert len(said) == trained.test_loans
    brier = np.mean((said["probability"] - said["defaulted"]) ** 2)
    assert brier == pytest.approx(trained.metrics["brier"].value, abs=1e-12)
    assert set(trained.quantiles) == set(trained.spreads)
    for name, deciles in trained.quantiles.items():
        assert len(deciles) == 11
        assert (deciles[0], deciles[10]) == (trained.spreads[name].low, trained.spreads[name].high)
    assert trained.lock == hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    assert trained.offered == trained.features
    card = read_checked(real_lake, f"models/{trained.version}/card.md", trained.attachments["card.md"]).decode()
    assert f"{trained.metrics['roc_auc'].value:.3f}" in card
    assert "| female |" in card


def test_each_feature_set_has_a_champion_of_its_own(real_lake, trained):
    seed_model = train(real_lake, "seed", Training(SEED)).metadata
    assert seed_model.version in models.versions(real_lake)
    assert champion(real_lake, "seed") == seed_model.version
    assert models.read_metadata(real_lake, champion(real_lake)).feature_set == "form"


def test_the_metadata_says_where_the_model_came_from(real_lake, trained):
    assert trained.data_run == runs.current_run(real_lake)
    assert trained.features == tuple(feature.name for feature in feature_set("form"))
    assert len(trained.districts) == 77
    assert set(trained.versions) >= {"autogluon.tabular", "payoff", "python"}
    numeric = {question.name for question in QUESTIONS if question.kind in {"money", "count"}}
    assert numeric <= set(trained.spreads)
    assert all(
        spread.low <= spread.p10 <= spread.median <= spread.p90 <= spread.high for spread in trained.spreads.values()
    )
    assert 0 < trained.threshold < 1


def test_the_published_clone_is_small(real_lake, trained):
    files = [f"models/{trained.version}/predictor/{name}" for name in trained.files]
    assert sum(len(real_lake.read(file)) for file in files) < 10_000_000


def test_every_real_loan_can_be_typed_into_the_form_and_gives_the_features_of_the_batch(real_lake, trained, loans):
    typed = [validated(answers, trained.salaries) for answers in answers_of_loans(real_lake)]
    features = form_features(typed, trained.salaries)
    numbers = [feature.name for feature in feature_set("form") if feature.dtype == "number"]
    np.testing.assert_allclose(features[numbers], loans[numbers], rtol=1e-9, atol=0)
    categories = [feature.name for feature in feature_set("form") if feature.dtype == "category"]
    assert features[categories].equals(loans[categories].astype(object))


@pytest.mark.parametrize("name", SET_NAMES)
def test_every_real_value_lies_in_the_range_that_is_declared(real_lake, name):
    table = runs.read_features(real_lake, runs.current_run(real_lake), name).to_pandas()
    for feature in feature_set(name):
        if feature.dtype == "number":
            known = table[feature.name].dropna()
            assert feature.valid is None or known.between(feature.valid.low, feature.valid.high).all(), feature.name
        else:
            assert set(table[feature.name]) <= set(feature.categories)


def test_training_without_features_names_the_command(tiny_bank, tmp_path):
    from bank import exported, settings_in

    with pytest.raises(LakeError, match="payoff features build --set form"):
        train(exported(settings_in(tmp_path, tiny_bank)), "form", Training(SEED))


@pytest.mark.parametrize("features", [20, 40])
def test_every_kind_of_model_counts_as_much_as_any_other(tmp_path, features):
    rng = np.random.default_rng(1)
    numbers = pd.DataFrame(rng.normal(size=(200, features)), columns=[f"f{number}" for number in range(features)])
    table = numbers.assign(defaulted=(numbers["f0"] + rng.normal(size=200) > 0.8).astype(int))
    fitted = fit(table.head(150), tmp_path, seed=1, bag_folds=2)
    predictor = TabularPredictor.load(str(fitted.directory))
    test = table.tail(50).drop(columns="defaulted")
    by_kind: dict[str, list[pd.Series]] = {}
    for name in predictor.model_names():
        if not name.startswith("WeightedEnsemble"):
            kind = name.split("_")[0]
            by_kind.setdefault(kind, []).append(predictor.predict_proba(test, model=name, as_multiclass=False))
    assert set(by_kind) == {"SteadyLightGBM", "ExtraTrees", "LinearModel"} | (
        {"RandomForest"} if features <= 30 else set()
    )
    mean = np.mean([np.mean(each, axis=0) for each in by_kind.values()], axis=0)
    said = models.load_directory(fitted.directory, list(test.columns))(test)
    np.testing.assert_allclose(said, mean, rtol=1e-6)
    with pytest.raises(ModelError, match=f"from {features} features, where 'defaulted' from 1 declared"):
        models.load_directory(fitted.directory, ["f0"])


@pytest.mark.parametrize("features", [20, 600])
def test_the_default_models_need_no_torch_and_the_neural_ones_name_their_extra(features):
    for preset in PRESETS:
        chosen = hyperparameters(features, preset)
        assert set(chosen) >= {"LR", SteadyLightGBM}
        assert not {"NN_TORCH", "FASTAI"} & set(chosen)
    with pytest.raises(SettingsError, match=r"payoff\[neural\]"):
        hyperparameters(features, neural=True)


@pytest.mark.parametrize("features", [20, 600])
def test_a_dearer_preset_trains_what_a_cheaper_one_does_and_more(features):
    fast, good, best = (hyperparameters(features, preset) for preset in PRESETS)
    assert set(fast) < set(good) == set(best)
    assert len(fast[SteadyLightGBM]) < len(good[SteadyLightGBM]) < len(best[SteadyLightGBM])
    names = [str(each.get("ag_args")) for each in best[SteadyLightGBM]]
    assert len(set(names)) == len(names)
