"""Two versions of a model on loans that neither was trained on; what stands against one replacing the other."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from payoff.lake import Lake, read_checked
from payoff.metadata import Figure, Metadata

HELD_OUT = "held_out.parquet"
_RESAMPLES = 5_000
#: With fewer common loans of either end, no difference could be told from chance.
_FEWEST = 5


@dataclass(frozen=True)
class Comparison:
    """A candidate beside the champion.

    Attributes
    ----------
    loans : int
        Loans that neither was trained on.
    log_loss : Figure, optional
        By how much the candidate's log-loss exceeds the champion's on them.
    against : tuple of str
        What stands against replacing the champion.
    """

    loans: int
    log_loss: Figure | None
    against: tuple[str, ...]


def compared(lake: Lake, candidate: Metadata, old: Metadata) -> Comparison:
    """``candidate`` beside the champion ``old``, on the loans that took no part in the training of either."""
    against = _changed_features(old, candidate)
    mine, theirs = held_out(lake, candidate), held_out(lake, old)
    if mine is None or theirs is None:
        return Comparison(0, None, (*against, "one of the two keeps no held-out predictions"))
    both = mine.merge(theirs, on=["loan_id", "defaulted"], suffixes=("", "_champion"))
    truth = both["defaulted"].to_numpy(dtype=int)
    if min(truth.sum(), (1 - truth).sum()) < _FEWEST:
        few = f"only {len(both)} loans, {truth.sum()} defaulted, were held out of both trainings: too few to compare"
        return Comparison(len(both), None, (*against, few))
    excess = log_loss_excess(truth, both["probability"].to_numpy(), both["probability_champion"].to_numpy())
    if excess.low > 0:
        worse = f"its log-loss is higher by {excess.value:.3f} (95 % interval {excess.low:.3f} to {excess.high:.3f})"
        against = (*against, f"it is significantly worse: on {len(both)} held-out loans {worse}")
    return Comparison(len(both), excess, against)


def held_out(lake: Lake, described: Metadata) -> pd.DataFrame | None:
    """What a version said of the loans that took no part in its training: loan_id, defaulted, probability, amount_czk.

    None where it was published without.
    """
    if HELD_OUT not in described.attachments:
        return None
    data = read_checked(lake, f"models/{described.version}/{HELD_OUT}", described.attachments[HELD_OUT])
    return pd.read_parquet(io.BytesIO(data))


def log_loss_excess(truth: np.ndarray, ours: np.ndarray, theirs: np.ndarray, *, seed: int = 0) -> Figure:
    """Mean log-loss of ``ours`` less that of ``theirs`` on the same loans, with its 95 % bootstrap interval.

    Parameters
    ----------
    truth : int array, one per loan
        1 where the loan defaulted.
    ours, theirs : float array, one per loan
        Probabilities of default.

    Notes
    -----
    Paired: whole loans are resampled with both predictions (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, chapter 13). Log-loss, because every probability counts in it, and models are trained for it.
    """
    excess = _surprise(truth, ours) - _surprise(truth, theirs)
    loans = truth.size
    drawn = np.random.default_rng(seed).multinomial(loans, np.full(loans, 1 / loans), size=_RESAMPLES)
    low, high = np.percentile(drawn @ excess / loans, [2.5, 97.5])
    return Figure(value=float(excess.mean()), low=float(low), high=float(high))


def _surprise(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    held = np.clip(probability, 1e-9, 1 - 1e-9)
    surprise: np.ndarray = -np.where(truth == 1, np.log(held), np.log1p(-held))
    return surprise


def _changed_features(old: Metadata, new: Metadata) -> tuple[str, ...]:
    added, gone = sorted(set(new.offered) - set(old.offered)), sorted(set(old.offered) - set(new.offered))
    parts = [f"{len(names)} {word} ({_some(names)})" for names, word in ((added, "new"), (gone, "gone")) if names]
    if parts:
        return (f"its features changed: {', '.join(parts)}",)
    return () if old.definitions == new.definitions else ("the definitions of its features changed",)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
