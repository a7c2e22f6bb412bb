"""Loans mixed from several source loans, group by group, and scored by a model."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.derived import rederived
from features.sets import feature_set
from webapp.explaining.sampler import Score
from webapp.predictions import Scorer, payoff_probabilities

#: Rows of one call of the model: enough to pay for the call, and others get their turn in between.
ROWS = 5_000


def scorer(model: Scorer, sources: pd.DataFrame, groups: Sequence[Sequence[str]]) -> Score:
    """The probability of payoff of loans mixed from ``sources``.

    Parameters
    ----------
    sources : DataFrame, one row per source loan
        The features of the model.
    groups : sequence of sequences of feature names
        Together every feature of the model.
    """

    def score(origins: np.ndarray) -> np.ndarray:
        parts = np.array_split(origins, range(ROWS, len(origins), ROWS))
        set_name = model.metadata.feature_set
        return np.concatenate([payoff_probabilities(model, mixed(sources, groups, part, set_name)) for part in parts])

    return score


def mixed(sources: pd.DataFrame, groups: Sequence[Sequence[str]], origins: np.ndarray, set_name: str) -> pd.DataFrame:
    """Loans whose groups come from different sources.

    What is derived from several groups, such as the instalment from amount and duration, is derived again, so that no
    loan contradicts itself in that. A synthesised ratio is taken with its group as it is: the average income that it
    was divided by is no feature.

    Parameters
    ----------
    sources : DataFrame, one row per source loan
    groups : sequence of sequences of feature names
    origins : int array, mixed loans × groups
        The row of ``sources`` that the group's values come from.

    Returns
    -------
    DataFrame, one row per row of ``origins``, with the columns of ``groups``
    """
    parts = [sources[list(names)].take(origins[:, place]).reset_index(drop=True) for place, names in enumerate(groups)]
    return rederived(pd.concat(parts, axis=1), feature_set(set_name))
