"""Nested evaluation: selection, models, calibration and threshold inside each outer fold, one file for each fold done.

The files make a stopped evaluation resume, and let every report be computed without training again. They are filed by
a digest of all that can change them: data, protocol, seed, preset, and the very code that trains.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

import payoff.learners
import payoff.metadata
from payoff.choices import Population, Preset, Protocol
from payoff.metadata import TARGET, Calibration, Frozen
from training import calibrate, fit, presets, select, split
from training.evaluation import contenders
from training.loans import Loans
from training.split import Fold

_CODE = (payoff.learners, payoff.metadata, calibrate, fit, presets, select, split, contenders)


@dataclass(frozen=True)
class Recipe:
    """What is evaluated, on which loans, by which protocol.

    Attributes
    ----------
    with_sex : bool
        Offer the owner's sex to the model as well: for the fairness audit.
    model_seed : int, optional
        The seed of the models, where it is not to follow the folds'.
    """

    feature_set: str
    protocol: Protocol = "cv"
    repeats: int = 3
    seed: int = 0
    contender: str = contenders.AUTOGLUON
    preset: Preset = "good"
    population: Population = "all"
    with_sex: bool = False
    model_seed: int | None = None


class FoldRecord(Frozen):
    """What came of one outer fold. Probabilities are of default, one per test loan.

    Attributes
    ----------
    raw, probability : tuple of float
        Before and after calibration.
    inner_truth, inner_amount, inner_probability : tuple
        The training loans, with calibrated out-of-fold probabilities: what a threshold may be chosen by.
    fit_seconds, row_seconds, size
        As in ``contenders.Said``.
    """

    repeat: int
    number: int
    loans: tuple[int, ...]
    truth: tuple[int, ...]
    amount: tuple[float, ...]
    raw: tuple[float, ...]
    probability: tuple[float, ...]
    inner_truth: tuple[int, ...]
    inner_amount: tuple[float, ...]
    inner_probability: tuple[float, ...]
    calibration: Calibration
    features: tuple[str, ...]
    fit_seconds: float
    row_seconds: float
    size: int


@dataclass(frozen=True)
class Step:
    """One fold of an evaluation, just done or read back from an earlier run."""

    record: FoldRecord
    done: int
    total: int
    resumed: bool


def evaluation(loans: Loans, recipe: Recipe, directory: Path) -> Iterator[Step]:
    """Run, or read back, each outer fold of ``recipe``.

    Parameters
    ----------
    directory : Path
        Where folds are kept; those of other recipes lie beside them.

    Raises
    ------
    ContractError
        The loans cannot be split so.
    """
    kept = directory / digest(loans, recipe)
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2), encoding="utf-8")
    planned = split.folds(loans.table, recipe.protocol, repeats=recipe.repeats, seed=recipe.seed)
    for done, fold in enumerate(planned, start=1):
        file = kept / f"{fold.name}.json"
        kept_record = _read_back(file)
        record = kept_record or run_fold(loans, recipe, fold)
        if not kept_record:
            write_whole(file, record.model_dump_json())
        yield Step(record, done, len(planned), resumed=kept_record is not None)


def _read_back(file: Path) -> FoldRecord | None:
    """The record of a fold that was done before; None where there is none, or what is there is damaged."""
    try:
        return FoldRecord.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def run_fold(loans: Loans, recipe: Recipe, fold: Fold) -> FoldRecord:
    """Train on the training rows of ``fold`` alone, and predict its test rows."""
    table, names = _offered(loans, recipe)
    train, test = table.iloc[fold.train], table.iloc[fold.test]
    chosen = select.select(train[names], train[TARGET], train["granted_on"])
    seed = recipe.seed + fold.repeat if recipe.model_seed is None else recipe.model_seed
    said = contenders.contender(recipe.contender, recipe.preset)(train[[*chosen, TARGET]], test[chosen], seed)
    truth = train[TARGET].to_numpy(dtype=int)
    line = calibrate.calibrated(truth, said.out_of_fold)
    amount = loans.about["amount_czk"].to_numpy()
    return FoldRecord(
        repeat=fold.repeat,
        number=fold.number,
        loans=_listed(test["loan_id"]),
        truth=_listed(test[TARGET]),
        amount=_listed(amount[fold.test]),
        raw=_listed(said.test),
        probability=_listed(line(said.test)),
        inner_truth=_listed(truth),
        inner_amount=_listed(amount[fold.train]),
        inner_probability=_listed(line(said.out_of_fold)),
        calibration=line,
        features=tuple(chosen),
        fit_seconds=said.fit_seconds,
        row_seconds=said.row_seconds,
        size=said.size,
    )


def digest(loans: Loans, recipe: Recipe) -> str:
    """Names the files of an evaluation: the same only for the same data, recipe and training code."""
    described: dict[str, Any] = asdict(recipe)
    # The folds of a repeat are the same however many repeats follow, so more of them go on where fewer ended.
    del described["repeats"]
    parts = [json.dumps(described, sort_keys=True).encode(), ",".join(loans.offered).encode()]
    parts += [Path(file).read_bytes() for file in (__file__, *(str(module.__file__) for module in _CODE))]
    parts.append(pd.util.hash_pandas_object(loans.table.astype({TARGET: "int64"}), index=False).to_numpy().tobytes())
    parts.append(",".join(_libraries()).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _libraries() -> list[str]:
    """What trains, with its version; CatBoost trains where it is installed."""
    packages = {"autogluon": "autogluon.tabular", "lightgbm": "lightgbm", "sklearn": "scikit-learn"}
    if find_spec("catboost"):
        packages["catboost"] = "catboost"
    return [f"{name}={version(package)}" for name, package in packages.items()]


def _offered(loans: Loans, recipe: Recipe) -> tuple[pd.DataFrame, list[str]]:
    names = list(loans.offered)
    if not recipe.with_sex or "owner_sex" in names:
        return loans.table, names
    sex = loans.about["owner_sex"].to_numpy(dtype=object)
    return loans.table.assign(owner_sex=sex), [*names, "owner_sex"]


def _listed(values: Any) -> tuple[Any, ...]:
    return tuple(np.asarray(values).tolist())


def write_whole(file: Path, text: str) -> None:
    """Write ``file`` so that nobody ever sees half of it."""
    beside = file.with_suffix(f".{os.getpid()}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)
