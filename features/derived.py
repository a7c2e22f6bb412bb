"""Features computed from other columns, by the same functions for a batch of loans and for one answered form.

Each takes a frame, one row per loan, and returns one value per row. Dates are ``datetime64``, money is CZK.
"""

from collections.abc import Callable, Sequence

import pandas as pd

from payoff.contract import Feature
from payoff.errors import ContractError

DAYS_PER_YEAR = 365.25


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
    needed = {name for feature in features for name in (feature.needs or (feature.name,))}
    if missing := sorted(needed - set(inputs.columns)):
        raise ContractError(f"features need the columns {', '.join(missing)}, which the table lacks")
    numbers = [feature.name for feature in features if feature.sql and feature.dtype == "number"]
    texts = [feature.name for feature in features if feature.sql and feature.dtype == "category"]
    rest = inputs[inputs.columns.difference([*numbers, *texts], sort=False)]
    known = pd.concat([inputs[numbers].astype("float64"), inputs[texts].astype("object"), rest], axis=1)
    derived = {feature.name: feature.derive(known).astype("float64") for feature in features if feature.derive}
    return pd.concat([known, pd.DataFrame(derived, index=inputs.index)], axis=1)[[f.name for f in features]]


def rederived(table: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """``table`` with what can be derived from its own columns derived again, for loans whose values were changed.

    A feature that needs a column which the table lacks (a date, say) keeps its values, and so do synthesised ratios,
    whose parts are not among the features.

    Parameters
    ----------
    table : DataFrame, one row per loan
        Features of a set, all or some.
    """
    able = [each for each in features if each.derive and {each.name, *each.needs} <= set(table.columns)]
    return table.assign(**{each.name: each.derive(table).astype("float64") for each in able if each.derive})


def instalment(loans: pd.DataFrame) -> pd.Series:
    """CZK to pay each month; amount = duration × instalment holds for every loan of the bank."""
    return loans["loan_amount_czk"] / loans["loan_duration_months"]


def account_age(loans: pd.DataFrame) -> pd.Series:
    """Days from the opening of the account to the grant."""
    return _days_between(loans["opened_on"], loans["granted_on"])


def owner_age(loans: pd.DataFrame) -> pd.Series:
    """Years from the birth of the account's owner to the grant, leap days spread evenly."""
    return _days_between(loans["owner_born_on"], loans["granted_on"]) / DAYS_PER_YEAR


def in_instalments(column: str) -> Callable[[pd.DataFrame], pd.Series]:
    """A function that expresses ``column`` (CZK) in monthly instalments."""

    def ratio(loans: pd.DataFrame) -> pd.Series:
        return loans[column] / instalment(loans)

    return ratio


def _days_between(earlier: pd.Series, later: pd.Series) -> pd.Series:
    return (pd.to_datetime(later) - pd.to_datetime(earlier)).dt.days.astype("float64")
