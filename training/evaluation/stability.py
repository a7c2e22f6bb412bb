"""Stability: what another seed changes, which features come back from fold to fold, and what the model relies on."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.stats import spearmanr

from payoff.metadata import Frozen
from training.evaluation.comparison import Difference, Entry, difference
from training.evaluation.importance import Shuffled, Train, families, importance
from training.evaluation.judged import pooled
from training.loans import Loans


class Seeds(Frozen):
    """How far two evaluations lie apart that differ only in the seed of the models.

    Attributes
    ----------
    seeds : tuple of int, optional
        None where the models took the seed of the folds.
    mean_difference, largest_difference : float
        Of a loan's probabilities of default, without their sign.
    rank_correlation : float
        Spearman's, of the loans of a repeat, mean over repeats.
    changed : float
        Share of decisions that change at ``threshold``.
    roc_auc : Difference
        The second less the first.
    spread : float
        Standard deviation over folds of the first one's ROC AUC, to compare with.
    """

    seeds: tuple[int | None, int | None]
    threshold: float
    decisions: int
    mean_difference: float
    largest_difference: float
    rank_correlation: float
    changed: float
    roc_auc: Difference
    spread: float


class Selection(Frozen):
    """How often each feature was chosen.

    Attributes
    ----------
    offered : int
        How many there were to choose from.
    sizes : tuple of int
        How many each fold chose.
    times : dict of str to int
        In how many folds each was chosen, most often and most telling first.
    jaccard : float
        Of two folds' choices: how many are in both, of those in either; mean over pairs of folds.
    nogueira : float, optional
        1 where each fold chooses the same, 0 where it chooses at random; None where all are chosen.
    """

    offered: int
    sizes: tuple[int, ...]
    times: dict[str, int]
    jaccard: float
    nogueira: float | None

    def in_more_than(self, share: float) -> int:
        """How many were chosen in more than this share of the folds."""
        return sum(times > share * len(self.sizes) for times in self.times.values())

    @property
    def always(self) -> int:
        """How many were chosen in every fold."""
        return sum(times == len(self.sizes) for times in self.times.values())


class Stability(Frozen):
    """What was found.

    Attributes
    ----------
    families : Selection
        Of a synthesised set: how often any feature of one column and operation was chosen.
    importance : tuple of Shuffled
    log_loss : float
        Of the folds that importance was measured in, nothing shuffled.
    """

    seeds: Seeds
    selection: Selection
    families: Selection
    importance: tuple[Shuffled, ...]
    log_loss: float


def stability(one: Entry, other: Entry, loans: Loans, train: Train) -> Stability:
    """The stability of ``one``.

    Parameters
    ----------
    other : Entry
        Of a recipe that is the same but for its ``model_seed``.
    train : callable
        Trains again in the folds of the first repeat, for importance: :func:`training.evaluation.importance.autogluon`.

    Raises
    ------
    ValueError
        The two were not evaluated on the same folds, or on fewer than two of them.
    """
    first = [record for record in one.records if record.repeat == one.records[0].repeat]
    together = {
        name: family for family, names in families(one.recipe.feature_set, loans.offered).items() for name in names
    }
    return Stability(
        seeds=two_seeds(one, other),
        selection=selection([record.features for record in one.records], len(loans.offered)),
        families=selection(
            [tuple(dict.fromkeys(together[name] for name in record.features)) for record in one.records],
            len(set(together.values())),
        ),
        importance=importance(loans, one.recipe, first, train),
        log_loss=float(one.judged.by_fold["log_loss"][: len(first)].mean()),
    )


def two_seeds(one: Entry, other: Entry) -> Seeds:
    """How far the predictions of ``one`` and ``other`` lie apart."""
    roc_auc = difference(other, one, "roc_auc")
    pairs = [(ours, theirs) for (_, ours), (_, theirs) in zip(pooled(one.records), pooled(other.records), strict=True)]
    ours, theirs = (np.concatenate(side) for side in zip(*pairs, strict=True))
    threshold = one.judged.threshold
    return Seeds(
        seeds=(one.recipe.model_seed, other.recipe.model_seed),
        threshold=threshold,
        decisions=ours.size,
        mean_difference=float(np.abs(ours - theirs).mean()),
        largest_difference=float(np.abs(ours - theirs).max()),
        rank_correlation=float(np.mean([spearmanr(*pair).statistic for pair in pairs])),
        changed=float(np.mean((ours >= threshold) != (theirs >= threshold))),
        roc_auc=roc_auc,
        spread=one.judged.spread["roc_auc"],
    )


def selection(chosen: Sequence[Sequence[str]], offered: int) -> Selection:
    """How often each of ``offered`` features was chosen.

    Parameters
    ----------
    chosen : sequence of sequence of str
        What each fold chose, the most telling first; at least two folds.

    Notes
    -----
    Nogueira, Sechidis and Brown, "On the stability of feature selection algorithms", Journal of Machine Learning
    Research 18 (2018) 174, definition 4: it counts what chance would choose again, which Jaccard's index does not.
    """
    times = Counter(name for names in chosen for name in names)
    places = [{name: place for place, name in enumerate(names)} for names in chosen]
    telling = {name: np.mean([fold[name] for fold in places if name in fold]) for name in times}
    overlaps = [len({*a} & {*b}) / len({*a} | {*b}) for a, b in combinations(chosen, 2)]
    return Selection(
        offered=offered,
        sizes=tuple(map(len, chosen)),
        times={name: times[name] for name in sorted(times, key=lambda name: (-times[name], telling[name], name))},
        jaccard=float(np.mean(overlaps)),
        nogueira=_nogueira(np.array([*times.values()]) / len(chosen), len(chosen), offered),
    )


def _nogueira(shares: np.ndarray, folds: int, offered: int) -> float | None:
    """From the share of folds that chose each feature; those never chosen vary as little as those always chosen."""
    size = shares.sum() / offered
    if size in (0, 1):
        return None
    variance = folds / (folds - 1) * (shares * (1 - shares)).sum() / offered
    return float(1 - variance / (size * (1 - size)))
