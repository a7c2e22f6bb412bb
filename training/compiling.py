"""Writes out what an AutoGluon ensemble has learned, so that it serves without AutoGluon."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.features.generators import AsTypeFeatureGenerator, CategoryFeatureGenerator
from autogluon.tabular import TabularPredictor
from autogluon.tabular.models import LGBModel, LinearModel, RFModel
from pandas.api.types import is_numeric_dtype

from payoff.compiled import Additive, Compiled, Ensemble, Trees
from payoff.errors import PayoffError
from payoff.learners import NormalScores
from payoff.model import COMPILED
from training.presets import has_openmp

#: AutoGluon hands on probabilities in single precision.
TOLERANCE = 1e-6


class NotCompiled(PayoffError):
    """The ensemble has a part that cannot be written out."""


@dataclass(frozen=True)
class Forest:
    """A fitted forest of scikit-learn's, of two classes, and which columns it sees."""

    weight: float
    columns: tuple[int, ...]
    fitted: Any


def compile_directory(directory: Path, loans: pd.DataFrame) -> None:
    """Write the predictor in ``directory`` out into a file beside it, after both have said the same of ``loans``.

    Parameters
    ----------
    loans : DataFrame, one row per loan
        The features; missing and unheard-of values are tried beside them.

    Raises
    ------
    NotCompiled
        A model of another kind takes part, the two differ, or LightGBM cannot be used; nothing is written then.
    """
    if not has_openmp():
        raise NotCompiled("LightGBM cannot be used, which computes the trees")
    predictor: Any = TabularPredictor.load(str(directory), require_version_match=True)
    predictor.persist(max_memory=None)
    compiled = _compiled(predictor)
    tried = _worn(loans)
    wanted = np.asarray(predictor.predict_proba(tried, as_multiclass=False), dtype=np.float64)
    apart = float(np.abs(Ensemble(compiled)(tried) - wanted).max())
    if not apart <= TOLERANCE:
        raise NotCompiled(f"written out, the ensemble says something else, by up to {apart:.2g}")
    (directory / COMPILED).write_text(compiled.model_dump_json())


def _compiled(predictor: Any) -> Compiled:
    generators = [each for stage in predictor._learner.feature_generator.generators for each in stage]
    categories = {
        name: tuple(map(str, values))
        for each in generators
        if isinstance(each, CategoryFeatureGenerator)
        for name, values in each.category_map.items()
    }
    flags = next(each for each in generators if isinstance(each, AsTypeFeatureGenerator))._bool_features
    scores = next(each for each in generators if isinstance(each, NormalScores))
    numbers = list(scores.features_in)
    place = {name: number for number, name in enumerate([*categories, *numbers])}
    forests: list[Forest] = []
    trees: list[Trees] = []
    additive: list[Additive] = []
    for weight, model in _weighted(predictor):
        columns = tuple(place[name] for name in model.features)
        if isinstance(model, RFModel):
            forests.append(Forest(weight, columns, model.model))
        elif isinstance(model, LGBModel):
            trees.append(Trees(weight=weight, columns=columns, text=model.model.model_to_string(), rounded=False))
        elif isinstance(model, LinearModel):
            additive.append(_additive(weight, model, categories, numbers))
        else:
            raise NotCompiled(f"{type(model).__name__} is of a kind that cannot be written out")
    if forests:
        text = forest_text(forests, len(place))
        trees.append(Trees(weight=1.0, columns=tuple(place.values()), text=text, rounded=True))
    return Compiled(
        flags=flags,
        categories=categories,
        numbers=dict(zip(numbers, map(tuple, scores._scores.quantiles_.T.tolist()), strict=True)),
        shares=tuple(scores._scores.references_.tolist()),
        trees=tuple(trees),
        additive=tuple(additive),
    )


def _weighted(predictor: Any) -> Iterable[tuple[float, Any]]:
    """The models that are averaged, each as refit on all rows, and their weights."""
    trainer = predictor._learner.load_trainer()
    averaging = _child(trainer.load_model(predictor.model_best))
    refit = trainer.load_model(predictor.model_best).stack_column_prefix_to_model_map
    for name, weight in zip(averaging.features, averaging.model.weights_, strict=True):
        yield weight, _child(trainer.load_model(refit[name]))


def _child(bagged: Any) -> Any:
    (child,) = bagged.models
    return bagged.load_child(child)


def _additive(weight: float, model: Any, categories: Mapping[str, Sequence[str]], numbers: Sequence[str]) -> Additive:
    """What each input adds to the log-odds, found by asking: one row for each value that matters, all else at 0."""
    values = {name: (*range(len(known)), np.nan) for name, known in categories.items()}
    values |= dict.fromkeys(numbers, (0.0, 1.0, np.nan))
    rows = [(name, value) for name, each in values.items() for value in each]
    asked = pd.DataFrame([dict.fromkeys(values, 0.0) | {name: value} for name, value in rows])
    for name, known in categories.items():
        asked[name] = pd.Categorical(asked[name], categories=list(range(len(known))))
    odds = iter(model.model.decision_function(model.preprocess(asked[model.features])))
    of_input = {name: [float(next(odds)) for _ in each] for name, each in values.items()}
    origin = of_input[numbers[0]][0]
    return Additive(
        weight=weight,
        intercept=origin,
        slopes=tuple(of_input[name][1] - origin for name in numbers),
        missing=tuple(of_input[name][2] - origin for name in numbers),
        effects=tuple(tuple(each - origin for each in of_input[name]) for name in categories),
    )


def forest_text(forests: Sequence[Forest], inputs: int) -> str:
    """The weighted sum of scikit-learn's forests in LightGBM's format, which is computed several times as fast.

    Parameters
    ----------
    inputs : int
        How many columns there are.

    Returns
    -------
    str
        A model whose raw score is the sum of the forests' probabilities of class 1, each by its weight.
    """
    heading = {
        "version": "v4", "num_class": 1, "num_tree_per_iteration": 1, "label_index": 0, "max_feature_idx": inputs - 1,
        "objective": "regression", "feature_names": " ".join(f"x{number}" for number in range(inputs)),
        "feature_infos": " ".join(["none"] * inputs),
    }  # fmt: skip
    grown = [_tree(tree.tree_, forest) for forest in forests for tree in forest.fitted.estimators_]
    lines = ["tree", *_lines(heading), ""]
    for number, tree in enumerate(grown):
        lines += [*_lines({"Tree": number} | tree), "", ""]
    return "\n".join([*lines, "end of trees", ""])


def _tree(tree: Any, forest: Forest) -> dict[str, object]:
    """One of scikit-learn's trees; its leaves are numbered among its other nodes, LightGBM's by themselves."""
    leaf = tree.children_left < 0
    place = np.where(leaf, -np.cumsum(leaf), np.cumsum(~leaf) - 1)
    counts = tree.value[leaf, 0]
    values = forest.weight / len(forest.fitted.estimators_) * counts[:, 1] / counts.sum(axis=1)
    splits = {
        "split_feature": np.asarray(forest.columns)[tree.feature], "split_gain": np.zeros(len(leaf)),
        "threshold": tree.threshold, "decision_type": np.zeros(len(leaf), dtype=int),
        "left_child": place[tree.children_left], "right_child": place[tree.children_right],
    }  # fmt: skip
    inner = {name: _listed(column[~leaf]) for name, column in splits.items()} if len(values) > 1 else {}
    return {"num_leaves": len(values), "num_cat": 0, **inner, "leaf_value": _listed(values), "shrinkage": 1}


def _listed(values: np.ndarray) -> str:
    return " ".join(map(repr, values.tolist()))


def _lines(fields: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in fields.items()]


def _worn(loans: pd.DataFrame) -> pd.DataFrame:
    """``loans`` thrice: as they are, with every second value missing, and with values that nobody has heard of."""
    every_second = np.indices(loans.shape).sum(axis=0) % 2 == 0
    strange = loans.copy()
    for name in loans:
        strange[name] = loans[name] * 2 + 1 if is_numeric_dtype(loans[name]) else "unheard of"
    return pd.concat([loans, loans.mask(every_second), strange], ignore_index=True)
