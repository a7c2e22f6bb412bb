"""Features computed from other columns, by the same functions for a batch of loans and for one answered form.

Each takes a frame, one row per loan, and returns one value per row. Dates are ``datetime64``, money is CZK.
"""

from collections.abc import Callable

import pandas as pd

DAYS_PER_YEAR = 365.25


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


def monthly_surplus(loans: pd.DataFrame) -> pd.Series:
    """CZK left of an average month's income after its spending."""
    return loans["month_income_mean_180d"] - loans["month_spending_mean_180d"]


def surplus_in_instalments(loans: pd.DataFrame) -> pd.Series:
    """The monthly surplus, in monthly instalments."""
    return monthly_surplus(loans) / instalment(loans)


def _days_between(earlier: pd.Series, later: pd.Series) -> pd.Series:
    return (pd.to_datetime(later) - pd.to_datetime(earlier)).dt.days.astype("float64")
