"""Train a named feature set end to end and publish the model with all that is known about it."""

import hashlib
import io
import logging
import platform
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.sets import feature_set
from payoff import runs
from payoff.choices import Population, Preset
from payoff.comparison import HELD_OUT
from payoff.errors import PromotionRefused, SettingsError, TrackingError
from payoff.lake import Lake, read_checked
from payoff.metadata import TARGET, Calibration, Costs, District, Metadata, Spread, deciles_of
from payoff.model import BACKGROUND, load_directory, publish_model
from payoff.registry import Change, challenge, promote
from training.background import spread_out
from training.calibrate import calibrated
from training.card import card_files
from training.compiling import NotCompiled, compile_directory
from training.decide import break_even
from training.evaluation.fairness import of_held_out
from training.evaluation.fairness_page import as_markdown
from training.evaluation.figures import cost_figures, evaluate, majority_baseline, payoff_bands
from training.evaluation.reliability import calibration_error
from training.fit import Fitted, fit
from training.loans import Loans, read_loans
from training.select import select
from training.split import holdout
from training.tracking import log_training

_PACKAGES = ("payoff", "autogluon.tabular", "lightgbm", "xgboost-cpu", "scikit-learn", "numpy", "pandas")
log = logging.getLogger(__name__)
_LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"


@dataclass(frozen=True)
class Training:
    """How to train.

    Attributes
    ----------
    population : {"all", "finished"}
        Whether loans still being paid back take part. Their labels may change, but without them four of five loans are
        gone.
    neural : bool
        Also train the neural models, which need their extra.
    """

    seed: int
    preset: Preset = "good"
    population: Population = "all"
    costs: Costs = field(default_factory=Costs)
    neural: bool = False


@dataclass(frozen=True)
class Trained:
    """A published version, and whether it serves.

    Attributes
    ----------
    change : Change, optional
        The promotion, if it was promoted.
    refused : tuple of str
        What stood against it.
    tracked : str, optional
        Where MLflow has it.
    untracked : str
        Why MLflow does not have it although it should.
    """

    metadata: Metadata
    change: Change | None = None
    refused: tuple[str, ...] = ()
    tracked: str | None = None
    untracked: str = ""


def train(lake: Lake, set_name: str, how: Training, *, promoting: bool = True) -> Trained:
    """Train on 70 % of the loans of the current run, measure on the rest, and publish as the challenger.

    Parameters
    ----------
    promoting : bool
        Make it the champion of its set, unless something stands against that.

    Raises
    ------
    LakeError
        Nothing was exported yet, or the features of this set were not built.
    ContractError
        The table cannot be split: loans repeat, lack an end, or are too few.
    """
    loans = read_loans(lake, set_name, how.population)
    with tempfile.TemporaryDirectory(prefix="payoff-train-") as directory:
        fitted, described, held_out, background = _measured(lake, loans, set_name, how, Path(directory))
        fairness = as_markdown(of_held_out(held_out, loans, described.threshold))
        tables = {HELD_OUT: _parquet(held_out), BACKGROUND: _parquet(background)}
        attachments = {**tables, **card_files(described, fairness)}
        metadata = publish_model(lake, fitted.directory, described, attachments)
    challenge(lake, metadata.version)
    trained = _promoted(lake, metadata) if promoting else Trained(metadata)
    try:
        return replace(trained, tracked=log_training(metadata, _files(lake, metadata)))
    except (TrackingError, SettingsError) as error:
        return replace(trained, untracked=str(error))


def _promoted(lake: Lake, metadata: Metadata) -> Trained:
    try:
        return Trained(metadata, promote(lake, metadata.version, reason="trained"))
    except PromotionRefused as refused:
        return Trained(metadata, refused=refused.against)


def _files(lake: Lake, metadata: Metadata) -> dict[str, bytes]:
    """All of a version as it was published, by path; every checksum is verified."""
    root = f"models/{metadata.version}"
    listed = {**metadata.attachments, **{f"predictor/{name}": checksum for name, checksum in metadata.files.items()}}
    checked = {name: read_checked(lake, f"{root}/{name}", checksum) for name, checksum in listed.items()}
    return {"metadata.json": lake.read(f"{root}/metadata.json"), **checked}


def _measured(
    lake: Lake, loans: Loans, set_name: str, how: Training, directory: Path
) -> tuple[Fitted, Metadata, pd.DataFrame, pd.DataFrame]:
    """Train, and say what the deployment clone itself, read back from disk, does on the test loans.

    Last come the training loans to compare others with.
    """
    train_loans, test_loans = holdout(loans.table, how.seed)
    offered = list(loans.offered)
    names = select(train_loans[offered], train_loans[TARGET], train_loans["granted_on"])
    rows = train_loans[[*names, TARGET]]
    fitted = fit(rows, directory, seed=how.seed, preset=how.preset, neural=how.neural)
    _compile(fitted.directory, train_loans[names])
    line = calibrated(train_loans[TARGET].to_numpy(dtype=int), fitted.out_of_fold)
    held_out = pd.DataFrame(
        {
            "loan_id": test_loans["loan_id"],
            TARGET: test_loans[TARGET].astype("int8"),
            "probability": line(load_directory(fitted.directory, names)(test_loans)),
            "amount_czk": loans.about["amount_czk"].loc[test_loans["loan_id"]].to_numpy(),
        }
    )
    described = Metadata(
        feature_set=set_name,
        features=tuple(names),
        offered=loans.offered,
        definitions=definitions(set_name, loans.offered),
        data_run=loans.run,
        spreads=_spreads(train_loans[names]),
        quantiles=_deciles(train_loans[names]),
        shares=_shares(train_loans[names]),
        districts=tuple(_districts(lake, loans.run)),
        best_model=fitted.best_model,
        train_loans=len(train_loans),
        **_circumstances(how),
        **_figures(how, line, held_out, train_loans[TARGET].to_numpy(dtype=int)),
    )
    return fitted, described, held_out, spread_out(train_loans[names], fitted.out_of_fold, how.seed)


def _compile(directory: Path, loans: pd.DataFrame) -> None:
    try:
        compile_directory(directory, loans)
    except NotCompiled as error:
        log.warning("the model is served by AutoGluon itself, some twenty times as slowly: %s", error)


def _circumstances(how: Training) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "version": now.strftime("%Y-%m-%dT%H-%M-%S.%f"),
        "trained_at": now,
        "seed": how.seed,
        "preset": how.preset,
        "population": how.population,
        "costs": how.costs,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "lock": hashlib.sha256(_LOCK.read_bytes()).hexdigest() if _LOCK.is_file() else None,
    }


def _figures(how: Training, line: Calibration, held_out: pd.DataFrame, train_truth: np.ndarray) -> dict[str, Any]:
    truth, probability = held_out[TARGET].to_numpy(dtype=int), held_out["probability"].to_numpy()
    threshold = break_even(how.costs)
    return {
        "test_loans": len(held_out),
        "test_defaulted": int(truth.sum()),
        "calibration": line,
        "calibration_error": calibration_error(truth, probability),
        "threshold": threshold,
        "metrics": evaluate(truth, probability, threshold, how.seed),
        "baseline": majority_baseline(train_truth, truth, how.seed),
        "cost_per_loan": cost_figures(
            truth, probability, held_out["amount_czk"].to_numpy(), threshold, how.costs, how.seed
        ),
        "bands": payoff_bands(truth, probability),
    }


def definitions(set_name: str, offered: tuple[str, ...]) -> str:
    """SHA-256 of what the offered features are: name, type, unit, meaning and SQL."""
    wanted = set(offered)
    parts = [
        f"{each.name}|{each.dtype}|{each.unit}|{each.means}|{each.known}|{each.relation}|{each.sql}|{each.needs}"
        for each in feature_set(set_name)
        if each.name in wanted
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _spreads(features: pd.DataFrame) -> dict[str, Spread]:
    quantiles = features.select_dtypes("number").quantile([0, 0.1, 0.5, 0.9, 1])
    return {
        str(name): Spread(**dict(zip(Spread.model_fields, map(float, column), strict=True)))
        for name, column in quantiles.items()
    }


def _deciles(features: pd.DataFrame) -> dict[str, tuple[float, ...]]:
    deciles = features.select_dtypes("number").quantile([tenth / 10 for tenth in range(11)])
    return {str(name): tuple(map(float, column)) for name, column in deciles.items()}


def _shares(features: pd.DataFrame) -> dict[str, dict[str, float]]:
    binned = {name: column.dropna().astype(str) for name, column in features.select_dtypes(exclude="number").items()}
    for name, deciles in _deciles(features).items():
        present = features[name].dropna()
        binned[name] = pd.Series(deciles_of(present.to_numpy(), deciles), present.index).astype(str)
    return {str(name): _share(binned[name].reindex(features.index, fill_value="")) for name in features}


def _share(bins: pd.Series) -> dict[str, float]:
    return {str(name): float(share) for name, share in bins.value_counts(normalize=True).sort_index().items()}


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
