"""Features computed from other columns, by the same functions for a batch of loans and for one answered form.

Each takes columns, one value per loan, and returns another. Dates are ``datetime64``, money is CZK.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from payoff.contract import Columns, Derivation, Feature
from payoff.errors import ContractError

DAYS_PER_YEAR = 365.25
_TYPES: dict[str, Any] = {"number": np.float64, "category": object}


def compute(inputs: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """The features of ``inputs``, in order: the one place where columns become what a model sees.

    Parameters
    ----------
    inputs : DataFrame, one row per loan
        The SQL features of the set and, for derived ones, the dates ``granted_on``, ``opened_on`` and
        ``owner_born_on``, either from the marts or answered in a form.

    Raises
    ------
    ContractError
        A column is missing.
    """
    needed = _needed(features)
    if missing := sorted(needed - set(inputs.columns)):
        raise ContractError(f"features need the columns {', '.join(missing)}, which the table lacks")
    columns = {name: inputs[name].to_numpy() for name in needed}
    for each in features:
        if each.sql:
            columns[each.name] = inputs[each.name].astype(_TYPES[each.dtype]).to_numpy()
    return pd.DataFrame(computed(columns, features), index=inputs.index)


def computed(columns: Columns, features: Sequence[Feature]) -> dict[str, np.ndarray]:
    """As :func:`compute`, from columns that all features need and that have their types: tables take pandas longer."""
    derived = {each.name: each.derive(columns).astype(np.float64) for each in features if each.derive}
    return {each.name: derived[each.name] if each.derive else columns[each.name] for each in features}


def _needed(features: Sequence[Feature]) -> set[str]:
    return {name for feature in features for name in (feature.needs or (feature.name,))}


def rederived(table: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """``table`` with what can be derived from its own columns derived again, for loans whose values were changed.

    A feature that needs a column which the table lacks (a date, say) keeps its values, and so do synthesised ratios,
    whose parts are not among the features.

    Parameters
    ----------
    table : DataFrame, one row per loan
        Features of a set, all or some.
    """
    names = set(table.columns)
    able = [each for each in features if each.derive and {each.name, *each.needs} <= names]
    columns = {name: table[name].to_numpy() for each in able for name in each.needs}
    return table.assign(**computed(columns, able))


def instalment(loans: Columns) -> np.ndarray:
    """CZK to pay each month; amount = duration × instalment holds for every loan of the bank."""
    return loans["loan_amount_czk"] / loans["loan_duration_months"]


def account_age(loans: Columns) -> np.ndarray:
    """Days from the opening of the account to the grant."""
    return _days_between(loans["opened_on"], loans["granted_on"])


def owner_age(loans: Columns) -> np.ndarray:
    """Years from the birth of the account's owner to the grant, leap days spread evenly."""
    return _days_between(loans["owner_born_on"], loans["granted_on"]) / DAYS_PER_YEAR


def in_instalments(column: str) -> Derivation:
    """A function that expresses ``column`` (CZK) in monthly instalments."""

    def ratio(loans: Columns) -> np.ndarray:
        in_units: np.ndarray = loans[column] / instalment(loans)
        return in_units

    return ratio


def _days_between(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    days = later.astype("datetime64[D]") - earlier.astype("datetime64[D]")
    return np.where(np.isnat(days), np.nan, days.astype(np.float64))
