"""The training loans that are published with a model, for explanations to compare other loans with."""

import numpy as np
import pandas as pd

#: So many that their mean prediction is close to that of all, and so few that an explanation takes a moment.
LOANS = 50


def spread_out(features: pd.DataFrame, probability: np.ndarray, seed: int) -> pd.DataFrame:
    """At most ``LOANS`` rows, spread evenly over all in the order of their predicted probability.

    Parameters
    ----------
    features : DataFrame, one row per training loan
        What the model sees, and nothing that says whose loan it was.
    probability : float array, the same rows
        Of default, predicted by models that did not learn from the row.

    Notes
    -----
    Systematic sampling from a random start: each row has the same chance, and the mean prediction of the sample is
    closer to that of all than a simple random one's (Cochran, Sampling Techniques, 1977, chapter 8).
    """
    wanted = min(LOANS, len(features))
    places = (np.arange(wanted) + np.random.default_rng(seed).random()) * len(features) / wanted
    order = np.argsort(probability, kind="stable")
    return features.iloc[np.sort(order[places.astype(int)])].reset_index(drop=True)
