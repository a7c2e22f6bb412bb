"""Train a named feature set end to end and publish the model with all that is known about it."""

import platform
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from features.sets import feature_set
from payoff import runs
from payoff.errors import ContractError
from payoff.lake import Lake
from payoff.model import TARGET, District, Metadata, Spread, load_directory, promote, publish_model
from training.evaluate import evaluate, majority_baseline, payoff_bands
from training.fit import Fitted, fit
from training.select import offered, select
from training.split import holdout

#: The set that the form can serve; its models become the champion.
SERVED = "form"
_PACKAGES = ("payoff", "autogluon.tabular", "lightgbm", "xgboost-cpu", "scikit-learn", "numpy", "pandas")


def train(lake: Lake, set_name: str, *, seed: int, neural: bool = False) -> Metadata:
    """Train on 70 % of the loans of the current run, measure on the rest, publish, and promote what the form can serve.

    Raises
    ------
    LakeError
        Nothing was exported yet, or the features of this set were not built.
    ContractError
        The table cannot be split: loans repeat, lack an end, or are too few.
    """
    run = runs.current_run(lake)
    table = runs.read_features(lake, run, set_name).to_pandas()
    names = offered(feature_set(set_name))
    if missing := sorted(set(names) - set(table.columns)):
        lacks = f"the {set_name} table of run {run} lacks {len(missing)} features, {missing[0]} first"
        raise ContractError(f"{lacks}. Another version built it; run `payoff features build --set {set_name}`.")
    train_loans, test_loans = holdout(table, seed)
    names = select(train_loans[names], train_loans[TARGET], train_loans["granted_on"])
    with tempfile.TemporaryDirectory(prefix="payoff-train-") as directory:
        fitted = fit(train_loans[[*names, TARGET]], Path(directory), seed=seed, neural=neural)
        known = {
            "feature_set": set_name,
            "features": names,
            "data_run": run,
            "seed": seed,
            "spreads": _spreads(train_loans[names]),
            "districts": _districts(lake, run),
        }
        metadata = publish_model(
            lake, fitted.directory, known | _measured(fitted, names, train_loans, test_loans, seed)
        )
    if set_name == SERVED:
        promote(lake, metadata.version)
    return metadata


def _measured(fitted: Fitted, names: list[str], train: pd.DataFrame, test: pd.DataFrame, seed: int) -> dict[str, Any]:
    """What the deployment clone itself, read back from disk, does on the test loans."""
    truth = test[TARGET].to_numpy(dtype=int)
    probability = load_directory(fitted.directory, names)(test)
    now = datetime.now(UTC)
    return {
        "version": now.strftime("%Y-%m-%dT%H-%M-%S.%f"),
        "trained_at": now,
        "train_loans": len(train),
        "test_loans": len(test),
        "test_defaulted": int(truth.sum()),
        "threshold": fitted.threshold,
        "best_model": fitted.best_model,
        "metrics": evaluate(truth, probability, fitted.threshold, seed),
        "baseline": majority_baseline(train[TARGET].to_numpy(dtype=int), truth, seed),
        "bands": payoff_bands(truth, probability),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
    }


def _spreads(features: pd.DataFrame) -> dict[str, Spread]:
    quantiles = features.select_dtypes("number").quantile([0, 0.1, 0.5, 0.9, 1])
    return {
        str(name): Spread(**dict(zip(Spread.model_fields, map(float, column), strict=True)))
        for name, column in quantiles.items()
    }


def _districts(lake: Lake, run: str) -> list[District]:
    rows = runs.read_mart(lake, run, "districts").sort_by("district_name").to_pylist()
    return [
        District(
            name=row["district_name"],
            region=row["district_region"],
            average_salary_czk=row["district_average_salary_czk"],
        )
        for row in rows
    ]
