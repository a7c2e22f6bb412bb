"""A trained ensemble written out as what it computes, and computed without the library that trained it.

For one call AutoGluon lays out tables for some 50 ms, and its models compute for one. So ``training.compiling`` writes
what they have learned as JSON: trees as text that LightGBM reads, a linear model as the effects of its inputs. Where it
serves, AutoGluon is not imported and nothing is unpickled.
"""

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.special import ndtri

from payoff.trees import Booster

#: scikit-learn's: nearer to the ends of the training loans than this is beyond them, and no share is nearer to 0 or 1.
_BOUND = 1e-7


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trees(_Part):
    """Trees that LightGBM computes.

    Attributes
    ----------
    columns : tuple of int
        Which inputs they see.
    text : str
        A model in LightGBM's own format.
    rounded : bool
        Whether a number is rounded to single precision first and a missing one taken for 0, as scikit-learn's forests
        have it in AutoGluon.
    """

    weight: float
    columns: tuple[int, ...]
    text: str
    rounded: bool


class Additive(_Part):
    """A linear model of log-odds.

    Attributes
    ----------
    slopes, missing : tuple of floats, one per number
        What a normal score of 1 adds, and what a missing one does.
    effects : tuple of tuples of floats, one per category
        What each of its values adds, and last what any other does.
    """

    weight: float
    intercept: float
    slopes: tuple[float, ...]
    missing: tuple[float, ...]
    effects: tuple[tuple[float, ...], ...]


class Compiled(_Part):
    """A weighted mean of models that see the same: codes of categories, then normal scores of numbers.

    Attributes
    ----------
    flags : dict of feature to value
        The number that a model sees is 1 where the feature has that value, else 0; so AutoGluon has it of features with
        two values.
    categories : dict of feature to its values
        The place of a value is its code; any other value is missing.
    numbers : dict of feature to its quantiles
        Of the training loans, ascending.
    shares : tuple of floats
        Of the training loans, which lie below each quantile.
    """

    flags: dict[str, str | float]
    categories: dict[str, tuple[str, ...]]
    numbers: dict[str, tuple[float, ...]]
    shares: tuple[float, ...]
    trees: tuple[Trees, ...]
    additive: tuple[Additive, ...]


class Ensemble:
    """Computes a compiled ensemble, in the thread that asks.

    Raises
    ------
    ValueError, OSError
        LightGBM cannot read its trees, or cannot be used.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._codes = {
            name: {value: float(code) for code, value in enumerate(values)}
            for name, values in compiled.categories.items()
        }
        self._numbers = list(compiled.numbers)
        self._quantiles = np.array(list(compiled.numbers.values()))
        self._shares = np.asarray(compiled.shares)
        self._computed = [Booster(each.text) for each in compiled.trees]

    def __call__(self, table: pd.DataFrame) -> np.ndarray:
        """Probability of class 1 of each row of ``table``, which has at least the features of the ensemble."""
        seen = self.inputs(table)
        total = np.zeros(len(table))
        for each, computed in zip(self._compiled.trees, self._computed, strict=True):
            rows = np.nan_to_num(seen).astype(np.float32).astype(np.float64) if each.rounded else seen
            total += each.weight * computed(rows[:, each.columns])
        for additive in self._compiled.additive:
            total += additive.weight * _logistic(self._log_odds(additive, seen))
        return total

    def inputs(self, table: pd.DataFrame) -> np.ndarray:
        """What the models see, rows × inputs; NaN is missing."""
        codes = [[known.get(value, np.nan) for value in table[name]] for name, known in self._codes.items()]
        # One by one: to select them all at once takes pandas longer than all that is computed here.
        numbers = np.column_stack([self._number(table, name) for name in self._numbers])
        return np.column_stack([*codes, normal_scores(numbers, self._quantiles, self._shares)])

    def _number(self, table: pd.DataFrame, name: str) -> np.ndarray:
        flags = self._compiled.flags
        values = table[name] == flags[name] if name in flags else table[name]
        return values.to_numpy(dtype=np.float64)

    def _log_odds(self, additive: Additive, seen: np.ndarray) -> np.ndarray:
        scores = seen[:, len(self._codes) :]
        lacks = np.isnan(scores)
        odds: np.ndarray = additive.intercept + np.where(lacks, 0, scores) @ np.asarray(additive.slopes)
        odds += lacks @ np.asarray(additive.missing)
        for codes, effects in zip(seen.T, additive.effects, strict=False):
            odds += np.asarray(effects)[np.nan_to_num(codes, nan=-1).astype(int)]
        return odds


def normal_scores(values: np.ndarray, quantiles: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The normal score of each value among the training loans; NaN stays NaN.

    Parameters
    ----------
    values : float array, rows × numbers
    quantiles : float array, numbers × quantiles
        Values of the training loans, ascending.
    shares : float array, one per quantile
        The share of the loans below it.

    Notes
    -----
    As scikit-learn's ``QuantileTransformer`` has it: of equal quantiles the middle of their shares counts.
    """
    share = np.empty_like(values)
    for number, known in enumerate(quantiles):
        upwards = np.interp(values[:, number], known, shares)
        downwards = np.interp(-values[:, number], -known[::-1], -shares[::-1])
        share[:, number] = (upwards - downwards) / 2
    share[values + _BOUND > quantiles[:, -1]] = 1
    share[values - _BOUND < quantiles[:, 0]] = 0
    least = _BOUND - np.spacing(1)
    scores: np.ndarray = ndtri(np.clip(share, least, 1 - least))
    return scores


def _logistic(odds: np.ndarray) -> np.ndarray:
    probabilities: np.ndarray = 1 / (1 + np.exp(-odds))
    return probabilities
