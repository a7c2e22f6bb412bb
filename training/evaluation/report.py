"""The report of an evaluation: as JSON, complete, for programs; as one self-contained page, for people."""

import base64
import hashlib
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from payoff.metadata import Calibration, Costs, Figure, Frozen
from training.evaluation import wording
from training.evaluation.comparison import Entry
from training.evaluation.contenders import AUTOGLUON
from training.evaluation.figures import RESAMPLES
from training.evaluation.nested import FoldRecord
from training.evaluation.pictures import pictures

SCHEMA_VERSION = 1
_PACKAGES = ("payoff", "autogluon.tabular", "lightgbm", "catboost", "scikit-learn", "scipy", "numpy", "pandas")
_STYLES = Path(__file__).with_name("templates") / "evaluation.css"


class Measured(Figure):
    """A metric: mean over folds with its interval, the folds' standard deviation, and each fold's own.

    ``fold_spread`` is absent where there is one fold; a fold without loans of either end has no figure.
    """

    fold_spread: float | None
    by_fold: tuple[float | None, ...]


class Calibrated(Frozen):
    """What calibration changed: expected calibration error and Brier score."""

    error: float
    brier: float


class FoldSummary(Frozen):
    """An outer fold: who trained and tested, with what, how well, how long."""

    repeat: int
    fold: int
    train_loans: int
    train_defaulted: int
    test_loans: int
    test_defaulted: int
    features: tuple[str, ...]
    calibration: Calibration
    roc_auc: float | None
    fit_seconds: float
    row_seconds: float
    size_bytes: int


class Prediction(Frozen):
    """What was said of a test loan by a model that had not seen it: probability of default, raw before calibration."""

    loan_id: int
    repeat: int
    fold: int
    amount_czk: float
    defaulted: int
    raw: float
    probability: float


class Report(Frozen):
    """All that is known of an evaluation.

    Attributes
    ----------
    recipe : dict
        The fields of ``nested.Recipe``.
    loans, defaulted : int
        Distinct test loans.
    cost_per_loan : dict of policy to Figure
        CZK.
    """

    schema_version: int = SCHEMA_VERSION
    recipe: dict[str, Any]
    data_run: str
    command: str
    versions: dict[str, str]
    loans: int
    defaulted: int
    resamples: int = RESAMPLES
    metrics: dict[str, Measured]
    costs: Costs
    threshold: float
    cost_per_loan: dict[str, Figure]
    before_calibration: Calibrated
    after_calibration: Calibrated
    folds: tuple[FoldSummary, ...]
    predictions: tuple[Prediction, ...]


def report(entry: Entry, *, data_run: str, command: str) -> Report:
    """Gather the report of an evaluation.

    Parameters
    ----------
    data_run : str
        The run of the ETL that the loans come from.
    command : str
        What to type to get the same report.
    """
    judged = entry.judged
    ends = {loan: end for each in entry.records for loan, end in zip(each.loans, each.truth, strict=True)}
    return Report(
        recipe=asdict(entry.recipe),
        data_run=data_run,
        command=command,
        versions=_versions(),
        loans=len(ends),
        defaulted=sum(ends.values()),
        metrics={name: _measured(entry, name) for name in judged.metrics},
        costs=judged.costs,
        threshold=judged.threshold,
        cost_per_loan=judged.cost,
        before_calibration=Calibrated(error=judged.raw_calibration_error, brier=judged.raw_brier),
        after_calibration=Calibrated(error=judged.calibration_error, brier=judged.metrics["brier"].value),
        folds=tuple(_folds(entry)),
        predictions=tuple(prediction for record in entry.records for prediction in _predictions(record)),
    )


def as_json(entry: Entry, *, data_run: str, command: str) -> str:
    """The ``Report`` as JSON; parameters as for ``report``."""
    return report(entry, data_run=data_run, command=command).model_dump_json(indent=2)


def as_html(entry: Entry, *, data_run: str, command: str) -> str:
    """The report as a page that needs no other file; parameters as for ``report``."""
    told, styles = report(entry, data_run=data_run, command=command), _STYLES.read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= wording.FILTERS
    return environment.get_template("evaluation.html").render(
        report=told,
        without=wording.without_a_model(told.defaulted / told.loans),
        saved=_saved(told.cost_per_loan),
        protocol=wording.protocol(entry.recipe),
        metrics=wording.METRICS,
        policies=wording.POLICIES,
        autogluon=AUTOGLUON,
        row_seconds=float(np.median([each.row_seconds for each in entry.records])),
        size_bytes=float(np.median([each.size for each in entry.records])),
        pictures={each.name: each for each in pictures(entry.records, entry.judged)},
        styles=styles,
        styles_hash=base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode(),
    )


def _measured(entry: Entry, name: str) -> Measured:
    judged = entry.judged
    return Measured(
        **judged.metrics[name].model_dump(),
        fold_spread=_known(judged.spread[name]) if judged.folds > 1 else None,
        by_fold=tuple(_known(value) for value in judged.by_fold[name]),
    )


def _folds(entry: Entry) -> Iterator[FoldSummary]:
    for record, area in zip(entry.records, entry.judged.by_fold["roc_auc"], strict=True):
        yield FoldSummary(
            repeat=record.repeat + 1,
            fold=record.number + 1,
            train_loans=len(record.inner_truth),
            train_defaulted=sum(record.inner_truth),
            test_loans=len(record.loans),
            test_defaulted=sum(record.truth),
            features=record.features,
            calibration=record.calibration,
            roc_auc=_known(area),
            fit_seconds=record.fit_seconds,
            row_seconds=record.row_seconds,
            size_bytes=record.size,
        )


def _predictions(record: FoldRecord) -> Iterator[Prediction]:
    columns = (record.loans, record.amount, record.truth, record.raw, record.probability)
    for loan, amount, end, raw, probability in zip(*columns, strict=True):
        yield Prediction(
            loan_id=loan,
            repeat=record.repeat + 1,
            fold=record.number + 1,
            amount_czk=amount,
            defaulted=end,
            raw=raw,
            probability=probability,
        )


def _known(value: float) -> float | None:
    """JSON has no nan."""
    return None if np.isnan(value) else float(value)


def _saved(cost: dict[str, Figure]) -> float:
    """The share that the model saves of what the cheaper decision without one costs; negative where it costs more."""
    return 1 - cost["the model"].value / min(cost["grant all"].value, cost["grant none"].value)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):  # what is an extra
            found[name] = metadata.version(name)
    return found
