"""The original made again: its rows, split, models and metrics, and then what each of its choices was worth.

Each split's outcome is kept in a file under a digest of data, recipe and code, so that a stopped run goes on where it
stopped.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from payoff import runs
from payoff.choices import Population
from payoff.lake import Lake
from payoff.metadata import TARGET
from training import decide
from training.evaluation import nested, original_recipe, original_rows, original_trials
from training.evaluation.nested import Recipe
from training.evaluation.original_recipe import PACKAGES, Fit, Models
from training.evaluation.original_results import (
    DRAWN,
    FORM,
    FULL,
    ONE_ROW,
    OWN,
    RUNNING,
    TOGETHER,
    Reproduction,
    Result,
    alone,
)
from training.evaluation.original_rows import OWN_SEED, joined, kept_together, shuffled
from training.evaluation.original_trials import RunFold, Trial, by_ours, by_theirs
from training.loans import Loans, read_loans
from training.split import Fold, check

_CODE = (decide, original_recipe, original_rows, original_trials)


@dataclass(frozen=True)
class Case:
    """One way to train and test, its splits, and what its files lie under."""

    name: str
    folds: Sequence[Fold]
    trial: Callable[[Fold], Trial]
    digest: str


@dataclass(frozen=True)
class Step:
    """One split of one case, just done or read back from an earlier run; counted over all cases."""

    case: str
    trial: Trial
    done: int
    total: int
    resumed: bool


def reproduce(
    lake: Lake,
    directory: Path,
    *,
    splits: int,
    seed: int,
    neural: bool = False,
    progress: Callable[[Step], None] = lambda _: None,
    fit: Fit = original_recipe.fit_predict,
    run_fold: RunFold = nested.run_fold,
) -> Reproduction:
    """Train and test as the original did, then with one of its choices after the other undone.

    Parameters
    ----------
    directory : Path
        Where the outcome of each split is kept.
    splits : int
        Random splits of each case; the original's own is one more.
    neural : bool
        Train its neural models too.
    fit, run_fold : callable
        The original's training, and Payoff's.

    Raises
    ------
    LakeError
        Nothing was exported yet, or the features of a set were not built.
    ContractError
        There are too few finished loans of either end to split.
    SettingsError
        The neural models are asked for, but their extra is not installed.
    """
    models = original_recipe.installed(neural=neural)
    loans = read_loans(lake, "seed", "finished")
    check(loans.table)
    rows = joined(loans, runs.read_mart(lake, loans.run, "loan_persons").to_pandas())
    seeds = range(seed, seed + splits)
    cases = [*_theirs(loans, rows, seeds, models, fit), *_ours(lake, loans, seeds, run_fold)]
    return Reproduction(
        run=loans.run,
        splits=splits,
        seed=seed,
        rows=len(rows),
        row_defaults=int(rows[TARGET].sum()),
        loans=len(loans.table),
        loan_defaults=int(loans.table[TARGET].sum()),
        models=tuple(models),
        results=_results(cases, directory, progress),
    )


def _results(cases: Sequence[Case], directory: Path, progress: Callable[[Step], None]) -> dict[str, Result]:
    trials: dict[str, list[Trial]] = {case.name: [] for case in cases}
    planned = [(case, fold) for case in cases for fold in case.folds]
    for done, (case, fold) in enumerate(planned, start=1):
        file = directory / case.digest / f"{fold.name}.json"
        if resumed := file.is_file():
            trial = Trial.model_validate_json(file.read_bytes())
        else:
            trial = case.trial(fold)
            file.parent.mkdir(parents=True, exist_ok=True)
            nested.write_whole(file, trial.model_dump_json())
        trials[case.name].append(trial)
        progress(Step(case.name, trial, done, len(planned), resumed))
    return {name: Result(tuple(several)) for name, several in trials.items()}


def _theirs(loans: Loans, rows: pd.DataFrame, seeds: range, models: Models, fit: Fit) -> Iterator[Case]:
    """The original's training: on its rows by its own split and others, with loans kept together, on one row each.

    On its own split also each kind of model alone, to tell what the choice among them does.
    """
    ids, every = rows["loan_id"], list(enumerate(seeds))
    own = [shuffled(len(rows), OWN_SEED)]
    plans = [
        (OWN, rows, own, models),
        *((alone(kind), rows, own, {kind: several}) for kind, several in models.items()),
        (DRAWN, rows, [shuffled(len(rows), seed, repeat) for repeat, seed in every], models),
        (TOGETHER, rows, [kept_together(ids, seed, repeat) for repeat, seed in every], models),
        (ONE_ROW, loans.table, [shuffled(len(loans.table), seed, repeat) for repeat, seed in every], models),
    ]
    for name, table, folds, trained in plans:
        trial = partial(by_theirs, table, list(loans.offered), trained, fit)
        yield Case(name, folds, trial, _digest(name, seeds, _hashed(table), *_named(trained)))


def _ours(lake: Lake, finished: Loans, seeds: range, run_fold: RunFold) -> Iterator[Case]:
    """Payoff's training on the splits of one row per loan; in the last case on all loans that do not test."""
    ids = finished.table["loan_id"]
    splits = [shuffled(len(ids), seed, repeat) for repeat, seed in enumerate(seeds)]
    plans: tuple[tuple[str, str, Population], ...] = (
        (FORM, "form", "finished"), (FULL, "full", "finished"), (RUNNING, "full", "all"),
    )  # fmt: skip
    for name, set_name, population in plans:
        loans = read_loans(lake, set_name, population)
        recipe = Recipe(set_name, "holdout", 1, seeds.start, population=population)
        folds = [_on(loans.table["loan_id"], set(ids.iloc[split.test]), split.repeat) for split in splits]
        trial = partial(by_ours, loans, recipe, run_fold)
        yield Case(name, folds, trial, _digest(name, seeds, nested.digest(loans, recipe), *_versions(["CAT"])))


def _on(loan_ids: pd.Series, tested: set[int], repeat: int) -> Fold:
    """A split with the loans ``tested`` to test with and all others to train on."""
    tests = loan_ids.isin(tested).to_numpy()
    return Fold(repeat, 0, np.flatnonzero(~tests), np.flatnonzero(tests))


def _digest(name: str, seeds: range, *parts: str) -> str:
    """Names the files of a case; that more splits may follow does not matter."""
    code = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in _CODE]
    return hashlib.sha256("\0".join([name, str(seeds.start), *parts, *code]).encode()).hexdigest()[:16]


def _hashed(table: pd.DataFrame) -> str:
    return hashlib.sha256(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()).hexdigest()


def _named(models: Models) -> Iterator[str]:
    """The model list, and the versions of the libraries that train it."""
    yield json.dumps(models, sort_keys=True)
    yield from (f"{package}={version(package)}" for package in ("autogluon.tabular", "scikit-learn"))
    yield from _versions(models)


def _versions(models: Iterable[str]) -> Iterator[str]:
    """Of the packages that these models need, those that are installed: Payoff's training takes CatBoost along too."""
    for package in sorted({each for name in models for each in PACKAGES.get(name, ())}):
        if find_spec(package):
            yield f"{package}={version(package)}"
