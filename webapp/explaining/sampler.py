"""Shapley values of groups of features, estimated along paths; the mathematics alone.

A path leads from one source loan to another and switches group after group, in some order, to the values of the other;
a group's effect is by how much the score changes when it is switched. Averaged over orders and over background loans to
start from, the effects estimate without bias the Shapley values of the game in which a coalition of groups is worth the
mean score of the background loans that were given the person's values for them (the interventional value function).
Along each path the effects add up to the whole difference, so their averages do, too.

References
----------
Castro, Gómez and Tejada (2009). Polynomial calculation of the Shapley value based on sampling. Computers & Operations
Research 36, 1726-1730.
Štrumbelj and Kononenko (2014). Explaining prediction models and individual predictions with feature contributions.
Knowledge and Information Systems 41, 647-665.
Mitchell, Cooper, Frank and Holmes (2022). Sampling permutations for Shapley value estimation. Journal of Machine
Learning Research 23 (43), 1-46.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

#: From origins, one row per mixed loan and one column per group, each the number of the source loan that the group's
#: values come from, to one score per row.
Score = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Paths:
    """Ways through the groups.

    Attributes
    ----------
    starts, ends : int array, one per path
        Source loans.
    orders : int array, paths × groups
        Permutations of the groups.
    """

    starts: np.ndarray
    ends: np.ndarray
    orders: np.ndarray


def antithetic_orders(groups: int, orders: int, seed: int) -> np.ndarray:
    """Random permutations, each followed by its reverse, shape orders × groups.

    In the reverse, whatever came before a group comes after it, so that errors of the two tend to cancel; where no
    more than two groups interact at a time, one such pair is exact (Mitchell et al. 2022).
    """
    rng = np.random.default_rng(seed)
    drawn = np.array([rng.permutation(groups) for _ in range((orders + 1) // 2)], dtype=int).reshape(-1, groups)
    paired: np.ndarray = np.stack([drawn, drawn[:, ::-1]], axis=1).reshape(-1, groups)
    return paired[:orders]


def to_one(person: int, background: int, groups: int, each: int, seed: int) -> Paths:
    """Paths to the source loan ``person`` from each of the first ``background`` ones, ``each`` times."""
    starts = np.repeat(np.arange(background), each)
    orders = antithetic_orders(groups, len(starts), seed)
    return Paths(starts, np.full(len(starts), person), orders)


def contributions(score: Score, paths: Paths) -> tuple[np.ndarray, np.ndarray]:
    """What each group changes along each path, and the score that the path starts from.

    Returns
    -------
    changes : float array, paths × groups
        Row by row they add up to the score of the end less that of the start.
    begun : float array, one per path
    """
    count, groups = paths.orders.shape
    places = np.argsort(paths.orders, axis=1)
    switched = places[:, None, :] < np.arange(1, groups)[:, None]
    between = np.where(switched, paths.ends[:, None, None], paths.starts[:, None, None])
    # Each start and end is scored once, however many paths share it.
    whole, where = np.unique(np.concatenate([paths.starts, paths.ends]), return_inverse=True)
    scores = score(np.concatenate([np.repeat(whole[:, None], groups, axis=1), between.reshape(-1, groups)]))
    begun, ended = scores[where[:count]], scores[where[count:]]
    along = np.column_stack([begun, scores[len(whole) :].reshape(count, groups - 1), ended])
    return np.take_along_axis(np.diff(along, axis=1), places, axis=1), begun
