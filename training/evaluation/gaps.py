"""How far groups of loans lie apart, and how far they would by chance alone.

The largest difference between groups is above 0 whoever the groups are, and grows with their number. So it is set
beside the differences between groups of the same sizes that were dealt out at random.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from fairlearn.metrics import demographic_parity_difference, demographic_parity_ratio, equalized_odds_difference

from payoff.metadata import TARGET, Figure, Frozen
from training.evaluation.figures import resampled_loans, with_interval
from training.evaluation.groups import FEWEST, Answers, GroupFigures, answers, measured

SHUFFLES = 1_000

PARITY, ODDS, AREA = "demographic parity", "equalized odds", "ROC AUC"
#: What is compared: figures of which the one with the larger difference counts.
_COMPARED = {
    PARITY: ("selection_rate",),
    ODDS: ("false_positive_rate", "false_negative_rate"),
    AREA: ("roc_auc",),
}
_FAIRLEARN = {PARITY: demographic_parity_difference, ODDS: equalized_odds_difference}


class Gap(Frozen):
    """The largest difference between two groups of a trait.

    Attributes
    ----------
    compared : str
        Demographic parity: share granted. Equalized odds: the larger of the differences of both error rates.
    left_out : tuple of str
        Groups with too few loans to compare.
    ratio : float, optional
        Of the shares granted: the smallest divided by the largest.
    chance : float
        The difference that 95 % of random groups stay under.
    p : float
        How often random groups differ at least as much.
    """

    compared: str
    groups: int
    left_out: tuple[str, ...]
    difference: Figure
    ratio: float | None
    chance: float
    p: float


def gaps(rows: pd.DataFrame, trait: str, figures: Sequence[GroupFigures], seed: int = 0) -> tuple[Gap, ...]:
    """Each comparison that has at least two groups with enough loans.

    Parameters
    ----------
    rows : DataFrame, one row per loan and repeat
        As for :func:`training.evaluation.groups.group_figures`, which gave ``figures``.

    Notes
    -----
    Permutation test, p as (1 + as large) / (1 + shuffles): Phipson and Smyth, Statistical Applications in Genetics and
    Molecular Biology 9 (2010) 39. Error rates and ROC AUC are compared given how the loans ended, so for them loans
    change places only with others that ended the same way.
    """
    found = []
    for compared in _COMPARED:
        kept = [each.group for each in figures if _enough(each, compared)]
        left_out = tuple(each.group for each in figures if each.group not in kept)
        if len(kept) > 1:
            found.append(_gap(rows[rows[trait].isin(kept)], trait, compared, left_out, seed))
    return tuple(found)


def _enough(group: GroupFigures, compared: str) -> bool:
    if compared == PARITY:
        return group.loans >= FEWEST
    return min(group.defaulted, group.loans - group.defaulted) >= FEWEST


def _gap(rows: pd.DataFrame, trait: str, compared: str, left_out: tuple[str, ...], seed: int) -> Gap:
    said, codes = answers(rows), _codes(rows, trait)
    drawn = resampled_loans(said.loans.size, seed)
    difference = with_interval(_largest(said, codes, drawn, compared))
    asked = {"y_true": 1 - rows[TARGET], "y_pred": 1 - rows["refused"], "sensitive_features": rows[trait].astype(str)}
    if compared in _FAIRLEARN:
        difference = difference.model_copy(update={"value": float(_FAIRLEARN[compared](**asked))})
    dealt = _dealt(codes, said.truth if compared != PARITY else np.zeros_like(said.truth), seed)
    by_chance = _largest(said, dealt, np.ones(dealt.shape), compared)
    return Gap(
        compared=compared,
        groups=np.unique(codes).size,
        left_out=left_out,
        difference=difference,
        ratio=float(demographic_parity_ratio(**asked)) if compared == PARITY else None,
        chance=float(np.nanquantile(by_chance, 0.95)),
        # Differences that are equal but for rounding count as equal.
        p=float((1 + (by_chance >= difference.value - 1e-9).sum()) / (1 + SHUFFLES)),
    )


def _codes(rows: pd.DataFrame, trait: str) -> np.ndarray:
    """The number of each loan's group, in the order of their ids."""
    by_loan = rows.groupby("loan_id", sort=True)[trait].first()
    return np.unique(by_loan.astype(str), return_inverse=True)[1]


def _dealt(codes: np.ndarray, stratum: np.ndarray, seed: int) -> np.ndarray:
    """The groups dealt out anew within each stratum; shape (SHUFFLES, loans)."""
    rng = np.random.default_rng(seed)
    dealt = np.tile(codes, (SHUFFLES, 1))
    for value in np.unique(stratum):
        dealt[:, stratum == value] = rng.permuted(dealt[:, stratum == value], axis=1)
    return dealt


def _largest(said: Answers, codes: np.ndarray, weights: np.ndarray, compared: str) -> np.ndarray:
    """The largest difference between groups, for each row of ``weights``; NaN where a group has no such figure."""
    by_group = [weights * (codes == code) for code in np.unique(codes)]
    differences = [np.ptp([measured(said, group, name) for group in by_group], axis=0) for name in _COMPARED[compared]]
    largest: np.ndarray = np.max(differences, axis=0)
    return largest
