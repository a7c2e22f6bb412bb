"""The sampler beside Shapley's own formula, on small functions."""

from collections.abc import Callable
from itertools import combinations, permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.explaining.sampler import Paths, antithetic_orders, contributions, to_one

Worth = Callable[[np.ndarray], np.ndarray]


def worth_of(table: np.ndarray, worth: Worth) -> Worth:
    """A score of origins: each group has one value per source in ``table``, sources × groups."""
    return lambda origins: worth(np.take_along_axis(table, origins, axis=0))


def exact(table: np.ndarray, worth: Worth) -> np.ndarray:
    """Shapley's own formula over all coalitions: the last source against the mean of the others."""
    players = table.shape[1]

    def value(coalition: tuple[int, ...]) -> float:
        rows = table[:-1].copy()
        rows[:, list(coalition)] = table[-1, list(coalition)]
        return float(worth(rows).mean())

    found = np.zeros(players)
    for player in range(players):
        others = [each for each in range(players) if each != player]
        for size in range(players):
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            for coalition in combinations(others, size):
                found[player] += weight * (value((*coalition, player)) - value(coalition))
    return found


def tangled(values: np.ndarray) -> np.ndarray:
    """Three groups act together, and none simply."""
    return np.sin(values[:, 0] * values[:, 1]) + values[:, 2] * values[:, 1] * values[:, 3] - values[:, 3] ** 2


@pytest.fixture
def table() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(4, 4))


def test_over_all_orders_the_sampler_gives_the_exact_shapley_values(table):
    orders = np.array(list(permutations(range(4))))
    starts = np.repeat(np.arange(3), len(orders))
    paths = Paths(starts, np.full_like(starts, 3), np.tile(orders, (3, 1)))
    changes, _ = contributions(worth_of(table, tangled), paths)
    np.testing.assert_allclose(changes.mean(axis=0), exact(table, tangled), atol=1e-12)


def test_the_more_paths_the_closer_to_the_exact_shapley_values(table):
    wanted = exact(table, tangled)
    errors = []
    for each in (1, 2_000):
        changes, _ = contributions(worth_of(table, tangled), to_one(3, 3, 4, each, seed=5))
        errors.append(np.abs(changes.mean(axis=0) - wanted).max())
    assert errors[1] < 0.03 < errors[0]


def test_one_order_and_its_reverse_are_exact_where_groups_act_by_twos(table):
    def by_twos(values: np.ndarray) -> np.ndarray:
        return values[:, 0] * values[:, 1] + values[:, 1] * values[:, 2] + np.exp(values[:, 3])

    for start in range(3):
        paths = Paths(np.full(2, start), np.full(2, 3), antithetic_orders(4, 2, seed=1))
        changes, _ = contributions(worth_of(table, by_twos), paths)
        np.testing.assert_allclose(changes.mean(axis=0), exact(table[[start, 3]], by_twos), atol=1e-12)


@given(players=st.integers(1, 6), background=st.integers(1, 5), each=st.integers(1, 3), seed=st.integers(0, 10_000))
def test_the_effects_always_add_up_to_the_whole_difference(players, background, each, seed):
    values = np.random.default_rng(seed).normal(size=(background + 1, players))

    def worth(rows: np.ndarray) -> np.ndarray:
        return np.tanh(rows.prod(axis=1) + rows.sum(axis=1))

    changes, begun = contributions(worth_of(values, worth), to_one(background, background, players, each, seed))
    whole = worth(values)
    np.testing.assert_allclose(begun.mean(), whole[:-1].mean(), atol=1e-12)
    np.testing.assert_allclose(changes.mean(axis=0).sum(), whole[-1] - whole[:-1].mean(), atol=1e-12)


def test_groups_that_do_the_same_get_the_same_and_one_that_does_nothing_gets_nothing():
    values = np.array([[0.0, 0.0, 0.0, 5.0], [1.0, 1.0, 1.0, 9.0]])

    def worth(rows: np.ndarray) -> np.ndarray:
        return rows[:, 0] * rows[:, 1] + 0.5 * rows[:, 2]

    changes, _ = contributions(worth_of(values, worth), to_one(1, 1, 4, 2, seed=2))
    np.testing.assert_allclose(changes.mean(axis=0), [0.5, 0.5, 0.5, 0], atol=1e-15)
    assert (changes[:, 3] == 0).all()


@pytest.mark.parametrize("wanted", [1, 2, 7])
def test_orders_are_permutations_each_followed_by_its_reverse(wanted):
    orders = antithetic_orders(5, wanted, seed=4)
    assert orders.shape == (wanted, 5)
    assert (np.sort(orders, axis=1) == np.arange(5)).all()
    for first, second in zip(orders[::2], orders[1::2], strict=False):
        assert (first == second[::-1]).all()
