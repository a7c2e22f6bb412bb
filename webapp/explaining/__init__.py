"""Why a prediction is what it is: how much each group of features moved the probability of payoff.

The effects are Shapley values of the deployed model itself, of its calibrated probability. They compare a loan with the
few training loans that were published with the model, and add up from their mean probability to the loan's own. What
they say is about the model: changing a figure in the world need not change the end of a loan.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from payoff.choices import Verdict
from payoff.errors import ContractError
from webapp.explaining.groups import of_model
from webapp.explaining.mixing import ROWS, scorer
from webapp.explaining.sampler import Paths, antithetic_orders, contributions, to_one
from webapp.predictions import Scorer
from webapp.predictions import verdict as verdict_of

#: Values of one's own that are shown with a reason.
SHOWN = 2
#: An effect nearer to zero is 0.0 points, and no reason for anything.
LEAST = 0.0005
#: More principal reasons than these "is not likely to be helpful" (comment 9(b)(2)-1 on Regulation B, 12 CFR 1002).
MOST_REASONS = 4

#: Paths from each background loan, and the seed of their orders: the same question has the same explanation.
QUICK, THOROUGH, _PAIR = (1, 11), (8, 12), (2, 13)


@dataclass(frozen=True)
class Reason:
    """What one group of features does to a prediction.

    Attributes
    ----------
    key : str
        The group; ``webapp.explaining.wording`` names it.
    effect : float
        In probability of payoff; positive raises it.
    values : tuple of (feature name, value)
        The loan's own, of the few features of the group that are worth showing; None where missing.
    """

    key: str
    effect: float
    values: tuple[tuple[str, float | str | None], ...]


@dataclass(frozen=True)
class Explanation:
    """The mean probability of payoff of the background loans, and what leads from it to the prediction.

    Attributes
    ----------
    reasons : tuple of Reason
        The strongest first. With all groups among them, ``base`` and the effects add up to the probability.
    """

    base: float
    reasons: tuple[Reason, ...]


def explain(model: Scorer, features: pd.DataFrame, *, thorough: bool = False) -> Explanation:
    """The reasons of one prediction, all of them.

    Parameters
    ----------
    features : DataFrame of one row
        The features of the model.
    thorough : bool
        Eight paths from each background loan instead of one: several thousand rows instead of several hundred.

    Raises
    ------
    ContractError
        There is not exactly one row.
    ModelError
        The model gave no probability.
    """
    if len(features) != 1:
        raise ContractError(f"one loan is explained at a time, got {len(features)}; quick_reasons takes many")
    base, changes = effects(model, features, *(THOROUGH if thorough else QUICK))
    (row,) = features.to_dict("records")
    return Explanation(base, _reasons(model, row, changes))


def explain_many(model: Scorer, features: pd.DataFrame) -> Iterator[Explanation]:
    """The reasons of many predictions, all of them, at two rows per loan and group.

    Each loan is compared with one loan only, the most middling of the background, along an order and its reverse; what
    that loan's own explanation says is added, so that the base is the same as in :func:`explain`.

    Parameters
    ----------
    features : DataFrame, one row per loan
        The features of the model.
    """
    middling, base, own = _middling(model)
    shown = [name for names in _groups(model).values() for name in names[:SHOWN]]
    for loans in _portions(features, len(own)):
        changes = own + _from_one(model, middling, loans)
        for row, each in zip(loans[shown].to_dict("records"), changes, strict=True):
            yield Explanation(base, _reasons(model, row, each))


def quick_reasons(model: Scorer, features: pd.DataFrame, most: int) -> list[Explanation]:
    """As :func:`explain_many`, with the ``most`` principal reasons of each verdict only; they add up to less."""
    explained = []
    for each in explain_many(model, features):
        verdict = verdict_of(model.metadata, each.base + sum(reason.effect for reason in each.reasons))
        explained.append(replace(each, reasons=tuple(principal_reasons(each, verdict, most))))
    return explained


def principal_reasons(explanation: Explanation, verdict: Verdict, most: int = MOST_REASONS) -> list[Reason]:
    """The few reasons to tell: of a refusal those that lowered the probability most, else the strongest, up and down.

    Notes
    -----
    US Regulation B wants the principal reasons of adverse action, and holds that more than four are not likely to be
    helpful (12 CFR 1002, comment 9(b)(2)-1).
    """
    telling = [each for each in explanation.reasons if abs(each.effect) >= LEAST]
    return [each for each in telling if each.effect < 0 or verdict != "default"][:most]


def as_json(explanation: Explanation) -> list[dict[str, Any]]:
    """What is stored with a prediction: the base in an entry of its own, then the reasons."""
    reasons = [
        {"key": each.key, "effect": each.effect, "values": [list(pair) for pair in each.values]}
        for each in explanation.reasons
    ]
    return [{"base": explanation.base}, *reasons]


def from_json(stored: Sequence[Mapping[str, Any]]) -> Explanation:
    """An explanation as :func:`as_json` wrote it."""
    first, *others = stored
    reasons = (
        Reason(each["key"], each["effect"], tuple((name, value) for name, value in each["values"])) for each in others
    )
    return Explanation(first["base"], tuple(reasons))


def effects(model: Scorer, loan: pd.DataFrame, each: int, seed: int) -> tuple[float, np.ndarray]:
    """The base, and the effect on one loan of each of the model's groups, in their order.

    Parameters
    ----------
    loan : DataFrame of one row
    each, seed : int
        Paths from each background loan, and what their orders are drawn with.
    """
    sources, groups = _stacked(model, model.background, loan), _groups(model)
    background = len(model.background)
    changes, begun = contributions(
        scorer(model, sources, list(groups.values())), to_one(background, background, len(groups), each, seed)
    )
    return float(begun.mean()), changes.mean(axis=0)


@lru_cache(maxsize=4)
def _middling(model: Scorer) -> tuple[pd.DataFrame, float, np.ndarray]:
    """The background loan whose numbers rank nearest to the middle, as one row; the base and its own effects."""
    ranks = model.background.select_dtypes("number").rank(pct=True)
    place = int((ranks - ranks.median()).abs().mean(axis=1).to_numpy().argmin())
    loan = model.background.iloc[[place]]
    return loan, *effects(model, loan, *THOROUGH)


def _from_one(model: Scorer, one: pd.DataFrame, loans: pd.DataFrame) -> np.ndarray:
    """The effects of each group on each of the loans, compared with the loan ``one``."""
    groups = _groups(model)
    each, seed = _PAIR
    orders = np.tile(antithetic_orders(len(groups), each, seed), (len(loans), 1))
    ends = np.repeat(np.arange(1, len(loans) + 1), each)
    changes, _ = contributions(
        scorer(model, _stacked(model, one, loans), list(groups.values())), Paths(np.zeros_like(ends), ends, orders)
    )
    means: np.ndarray = changes.reshape(len(loans), each, len(groups)).mean(axis=1)
    return means


def _portions(features: pd.DataFrame, groups: int) -> Iterator[pd.DataFrame]:
    # As many loans as fill one call of the model: memory stays the same however many there are.
    loans = max(ROWS // (_PAIR[0] * groups), 1)
    for first in range(0, len(features), loans):
        yield features.iloc[first : first + loans]


def _groups(model: Scorer) -> Mapping[str, tuple[str, ...]]:
    return of_model(model.metadata.feature_set, model.metadata.features)


def _stacked(model: Scorer, above: pd.DataFrame, below: pd.DataFrame) -> pd.DataFrame:
    names = list(model.metadata.features)
    types = model.background.dtypes[names]
    return pd.concat([above[names].astype(types), below[names].astype(types)], ignore_index=True)


def _reasons(model: Scorer, row: Mapping[Any, Any], changes: np.ndarray) -> tuple[Reason, ...]:
    """The strongest first; of equals, the one that comes first among the groups."""
    found = [
        Reason(key, float(effect), tuple((name, _plain(row[name])) for name in names[:SHOWN]))
        for (key, names), effect in zip(_groups(model).items(), changes, strict=True)
    ]
    return tuple(sorted(found, key=lambda reason: -abs(reason.effect)))


def _plain(value: Any) -> float | str | None:
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else float(value)
