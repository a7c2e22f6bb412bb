"""An ensemble written out computes what the libraries compute that trained it."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.preprocessing import QuantileTransformer

from payoff.compiled import Additive, Compiled, Ensemble, Trees, normal_scores
from payoff.trees import Booster
from training import compiling
from training.compiling import Forest, NotCompiled, compile_directory, forest_text

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(
    "column",
    [
        RNG.normal(size=300),
        RNG.integers(0, 4, 300).astype(float),  # ties
        np.where(RNG.random(300) < 0.7, 0.0, RNG.normal(size=300)),  # one value has most of the rows
        np.full(300, 7.0),
    ],
)
def test_normal_scores_are_those_of_scikit_learn(column: np.ndarray) -> None:
    transformer = QuantileTransformer(n_quantiles=200, output_distribution="normal", subsample=None)
    transformer.fit(column.reshape(-1, 1))
    asked = np.concatenate([column, column + 1e-9, column * 1.01, [np.nan, -1e12, 1e12, 0.0]]).reshape(-1, 1)
    scores = normal_scores(asked, transformer.quantiles_.T, transformer.references_)
    np.testing.assert_allclose(scores, transformer.transform(asked), atol=1e-12, rtol=0)


def test_forests_are_computed_as_scikit_learn_computes_them() -> None:
    seen = RNG.normal(size=(400, 6)).astype(np.float32).astype(np.float64)
    truth = (seen[:, 0] * seen[:, 3] + RNG.normal(size=400) > 0.5).astype(int)
    columns = (5, 0, 3)
    extra = ExtraTreesClassifier(20, random_state=1).fit(seen, truth)
    random = RandomForestClassifier(20, min_samples_leaf=3, random_state=1).fit(seen[:, columns], truth)
    stump = RandomForestClassifier(3, max_depth=1, min_samples_leaf=399, random_state=1).fit(seen, truth)
    text = forest_text(
        [Forest(0.5, tuple(range(6)), extra), Forest(0.25, columns, random), Forest(0.25, tuple(range(6)), stump)], 6
    )
    asked = np.concatenate([seen, RNG.normal(size=(100, 6)).astype(np.float32).astype(np.float64)])
    wanted = (
        extra.predict_proba(asked) / 2 + random.predict_proba(asked[:, columns]) / 4 + stump.predict_proba(asked) / 4
    )
    said = lightgbm.Booster(model_str=text).predict(asked, num_threads=1)
    np.testing.assert_allclose(said, wanted[:, 1], atol=1e-12, rtol=0)


def test_what_is_missing_or_unheard_of_has_its_own_effect() -> None:
    additive = Additive(weight=1.0, intercept=0.5, slopes=(2.0,), missing=(-1.0,), effects=((0.1, 0.2, 0.4),))
    compiled = Compiled(
        flags={}, categories={"card": ("gold", "none")}, numbers={"income": (0.0, 1.0)}, shares=(0.0, 1.0), trees=(),
        additive=(additive,),
    )  # fmt: skip
    table = pd.DataFrame({"income": [0.5, np.nan, 0.5, 0.5], "card": ["gold", "none", "tin", None]})
    odds = np.array([0.6, -0.3, 0.9, 0.9])
    np.testing.assert_allclose(Ensemble(compiled)(table), 1 / (1 + np.exp(-odds)))


def test_a_feature_of_two_values_is_a_flag() -> None:
    additive = Additive(weight=1.0, intercept=0.0, slopes=(1.0,), missing=(9.0,), effects=())
    compiled = Compiled(
        flags={"sex": "male"}, categories={}, numbers={"sex": (0.0, 0.5, 1.0)}, shares=(0.0, 0.5, 1.0), trees=(),
        additive=(additive,),
    )  # fmt: skip
    said = Ensemble(compiled)(pd.DataFrame({"sex": ["male", "female", None]}))
    assert said[0] > 0.9
    assert said[1] == said[2] < 0.1


def test_trees_say_what_lightgbm_says_of_them_from_many_threads_at_once() -> None:
    seen = RNG.normal(size=(500, 5))
    seen[RNG.random(seen.shape) < 0.1] = np.nan
    truth = (np.nan_to_num(seen[:, 0]) + RNG.normal(size=500) > 0).astype(int)
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(seen, truth))
    computed = Booster(booster.model_to_string())
    wanted = booster.predict(seen)
    with ThreadPoolExecutor(8) as pool:
        for said in pool.map(computed, [seen] * 40):
            np.testing.assert_array_equal(said, wanted)


def test_trees_that_lightgbm_cannot_read_are_a_value_error() -> None:
    nonsense = Trees(weight=1.0, columns=(0,), text="no trees", rounded=False)
    with pytest.raises(ValueError, match="LightGBM: "):
        Ensemble(Compiled(flags={}, categories={}, numbers={}, shares=(), trees=(nonsense,), additive=()))


def test_a_model_of_another_kind_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = compiling.NormalScores()
    scores.features_in = ["income"]
    scores._scores = QuantileTransformer(n_quantiles=2).fit(np.array([[0.0], [1.0]]))
    types = SimpleNamespace(_bool_features={})
    monkeypatch.setattr(compiling, "AsTypeFeatureGenerator", SimpleNamespace)
    generator = SimpleNamespace(generators=[[types], [scores]])
    predictor = SimpleNamespace(_learner=SimpleNamespace(feature_generator=generator))
    monkeypatch.setattr(compiling, "_weighted", lambda _: [(1.0, SimpleNamespace(features=["income"]))])
    with pytest.raises(NotCompiled, match="SimpleNamespace is of a kind"):
        compiling._compiled(predictor)


def test_without_lightgbm_nothing_is_compiled(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "has_openmp", lambda: False)
    with pytest.raises(NotCompiled, match="LightGBM cannot be used"):
        compile_directory(tmp_path, pd.DataFrame())
    assert not list(tmp_path.iterdir())


def test_an_ensemble_that_says_something_else_is_not_written(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    def predictor(said: float) -> SimpleNamespace:
        return SimpleNamespace(
            persist=lambda max_memory: None,
            predict_proba=lambda table, as_multiclass: np.full(len(table), said),
        )

    compiled = Compiled(
        flags={}, categories={"card": ("gold",)}, numbers={"income": (0.0, 1.0)}, shares=(0.0, 1.0), trees=(),
        additive=(Additive(weight=1.0, intercept=0.0, slopes=(0.0,), missing=(0.0,), effects=((0.0, 0.0),)),),
    )  # fmt: skip
    monkeypatch.setattr(compiling, "_compiled", lambda _: compiled)
    loans = pd.DataFrame({"card": ["gold", "none"], "income": [0.0, 2.0]})
    for said, refused in ((0.5, False), (0.500002, True)):
        monkeypatch.setattr(compiling.TabularPredictor, "load", lambda *_, said=said, **__: predictor(said))
        if refused:
            (tmp_path / "compiled.json").unlink()
            with pytest.raises(NotCompiled, match="something else, by up to 2e-06"):
                compile_directory(tmp_path, loans)
        else:
            compile_directory(tmp_path, loans)
        assert (tmp_path / "compiled.json").exists() != refused
