"""The leak audit: what each leak would have bought, under one protocol, with intervals.

Stratified cross-validation, whole loans in a fold, everything inside the fold. The out-of-fold probabilities of all
loans give one ROC AUC, whole loans are resampled for its interval, and the same resamples give the difference's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from features import leaks
from features.sets import SYNTHESISED, every_candidate, feature_set
from features.table import build
from payoff.metadata import TARGET, Figure
from payoff.warehouse import Warehouse
from training.evaluation.figures import resampled_loans, with_interval
from training.evaluation.metrics import weighted_metrics
from training.select import offered, select

FOLDS = 5

#: From training rows (features and target), test rows and a seed to the test rows' probabilities of default.
Fit = Callable[[pd.DataFrame, pd.DataFrame, int], np.ndarray]


@dataclass(frozen=True)
class Finding:
    """One row of the audit; without figures, ``note`` says why there are none."""

    leak: str
    rows: int
    auc: Figure | None
    difference: Figure | None
    note: str = ""


@dataclass(frozen=True)
class Case:
    """One table to train on. ``grouped`` keeps the rows of a loan in one fold."""

    leak: str
    table: pd.DataFrame
    names: tuple[str, ...]
    grouped: bool = True
    note: str = ""


def audit(warehouse: Warehouse, fit: Fit, *, repeats: int, seed: int) -> Iterator[Finding]:
    """Each leak as it is measured, the honest table first.

    Parameters
    ----------
    fit : callable
        The whole training; selection is done here, on training rows.
    repeats : int
        Cross-validations with different folds; their figures are averaged.
    """
    honest: np.ndarray | None = None
    for case in cases(warehouse):
        if isinstance(case, Finding):
            yield case
            continue
        areas = np.mean([_areas(case, fit, seed + repeat) for repeat in range(repeats)], axis=0)
        honest = areas if honest is None else honest
        difference = with_interval(areas - honest) if areas is not honest else None
        yield Finding(case.leak, len(case.table), with_interval(areas), difference, case.note)


def cases(warehouse: Warehouse) -> Iterator[Case | Finding]:
    """The honest table, then one for each leak; a finding without figures where the source has no such rows."""
    table = build(warehouse, SYNTHESISED)
    names = tuple(offered(feature_set(SYNTHESISED)))
    yield Case("none", table, names)
    loans = leaks.granted(warehouse)
    yield from _later(warehouse, table, names, loans)
    for entity, words in (("loan_orders", "standing orders"), ("loan_persons", "second person on the account")):
        more = leaks.undated_features(warehouse, entity)
        yield Case(words, table.join(more, on="loan_id"), (*names, *more.columns))
    snapshot = [feature.name for feature in feature_set(SYNTHESISED) if feature.known == "snapshot"]
    yield Case("district's snapshot of 1995 and 1996", table, (*names, *snapshot))
    twice = _by_disposition(warehouse, table)
    yield Case("a row per disposition, loans kept together", twice, names)
    yield Case("a row per disposition, split at random", twice, names, grouped=False)
    yield from _canary(warehouse, table, names, loans)


def _later(
    warehouse: Warehouse, table: pd.DataFrame, names: tuple[str, ...], loans: leaks.Granted
) -> Iterator[Case | Finding]:
    ever = [each.name for each in every_candidate() if each.cube and not each.days and each.name in names]
    for what, columns in (("transactions", ever), ("cards", ["card_type"])):
        leak = f"{what} after the grant"
        found = leaks.later_rows(warehouse, what)
        if not found:
            yield Finding(leak, len(table), None, None, "the source has no such row")
            continue
        later = leaks.as_of(warehouse, loans, leaks.THE_END)[columns].add_suffix("_ever")
        yield Case(leak, table.join(later, on="loan_id"), (*names, *later.columns), note=f"{found:,} such rows")


def _by_disposition(warehouse: Warehouse, table: pd.DataFrame) -> pd.DataFrame:
    persons = warehouse.query("select loan_id, disposition_id from loan_persons order by disposition_id").to_pandas()
    return pd.DataFrame(persons["loan_id"]).merge(table, on="loan_id")


def _canary(
    warehouse: Warehouse, table: pd.DataFrame, names: tuple[str, ...], loans: leaks.Granted
) -> Iterator[Case | Finding]:
    """A row planted on the day of the grant that gives the end away, seen from cutoffs around that day."""
    known = table.set_index("loan_id")[list(names)]
    with leaks.planted_canary(warehouse):
        for days in leaks.CANARY_DAYS:
            moved = leaks.as_of(warehouse, loans, days)[list(names)]
            leak = f"canary on the day of the grant, cutoff {days:+d} days" if days else "canary, cutoff as it is"
            if moved.equals(known):
                yield Finding(leak, len(table), None, None, "every feature is the same to the last byte")
            else:
                yield Case(leak, table[["loan_id", "granted_on", TARGET]].join(moved, on="loan_id"), names)


def _areas(case: Case, fit: Fit, seed: int) -> np.ndarray:
    """ROC AUC of the out-of-fold probabilities, of all rows and then of each resample of whole loans."""
    truth = case.table[TARGET].to_numpy(dtype=int)
    probability = np.empty(len(truth))
    for train, test in _folds(case, truth, seed):
        rows = case.table.iloc[train]
        chosen = select(rows[list(case.names)], rows[TARGET], rows["granted_on"])
        probability[test] = fit(rows[[*chosen, TARGET]], case.table.iloc[test][chosen], seed)
    loans, place = np.unique(case.table["loan_id"], return_inverse=True)
    weights = resampled_loans(len(loans), seed=0)[:, place]
    return weighted_metrics(truth, probability, np.zeros_like(truth), weights)["roc_auc"]


def _folds(case: Case, truth: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if case.table["loan_id"].is_unique or not case.grouped:
        yield from StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(truth, truth)
    else:
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        yield from folds.split(truth, truth, groups=case.table["loan_id"])


def as_markdown(findings: Sequence[Finding]) -> str:
    """The audit as a table."""
    lines = ["| what leaks | rows | ROC AUC | against none |", "|---|---|---|---|"]
    for each in findings:
        auc = f"{each.auc.value:.3f} ({each.auc.low:.3f} to {each.auc.high:.3f})" if each.auc else each.note
        gained = each.difference
        change = f"{gained.value:+.3f} ({gained.low:+.3f} to {gained.high:+.3f})" if gained else ""
        leak = f"{each.leak} ({each.note})" if each.auc and each.note else each.leak
        lines.append(f"| {leak} | {each.rows:,} | {auc} | {change} |")
    return "\n".join(lines)


def as_page(findings: Sequence[Finding], *, repeats: int, seed: int) -> str:
    """The table with what it is of."""
    return f"""# What leaks would have bought

ROC AUC of the out-of-fold probabilities of all loans, set `{SYNTHESISED}`, {FOLDS}-fold cross-validation with selection
and training inside the fold, repeats: {repeats}. In brackets the 95 % bootstrap interval, whole loans resampled; the
same resamples give the differences'. The canary is a transaction planted on the day of each grant that ended badly.
Made by `payoff features audit --repeats {repeats} --seed {seed}`.

{as_markdown(findings)}
"""
