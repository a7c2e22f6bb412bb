"""What the form asks, in human terms. Fields named like a feature take their label, unit and range from it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from features.declared import DECLARED
from payoff.contract import Feature, Range

Kind = Literal["money", "count", "date", "choice", "district"]


@dataclass(frozen=True)
class Question:
    """One thing a person is asked.

    Attributes
    ----------
    choices : tuple of (value, label)
        For ``kind="choice"``.
    valid : Range, optional
        For money and counts.
    earliest, latest : date, optional
        For dates.
    """

    name: str
    kind: Kind
    section: str
    label: str
    hint: str
    unit: str = ""
    valid: Range | None = None
    choices: tuple[tuple[str, str], ...] = ()
    earliest: date = date(1900, 1, 1)
    latest: date = date(2100, 12, 31)


_FEATURES: dict[str, Feature] = {feature.name: feature for feature in DECLARED["form"]}
_CHOICE_LABELS = {
    "monthly": "Every month",
    "weekly": "Every week",
    "after_transaction": "After each transaction",
    "none": "No card",
    "junior": "Junior",
    "classic": "Classic",
    "gold": "Gold",
}


def _about(name: str, kind: Kind, section: str, hint: str) -> Question:
    feature = _FEATURES[name]
    choices = tuple((value, _CHOICE_LABELS[value]) for value in feature.categories)
    return Question(name, kind, section, feature.label, hint, feature.unit, feature.valid, choices)


LOAN, ACCOUNT, MONEY = "The loan", "The account", "Money on the account"

QUESTIONS: tuple[Question, ...] = (
    _about("loan_amount_czk", "money", LOAN, "The whole amount to be lent."),
    _about("loan_duration_months", "count", LOAN, "The bank has lent for 12, 24, 36, 48 and 60 months."),
    Question("granted_on", "date", LOAN, "Day of the grant", "All figures below are as of the day before.",
             earliest=date(1990, 1, 1)),
    Question("opened_on", "date", ACCOUNT, "Account opened on", "Before the day of the grant.",
             earliest=date(1950, 1, 1)),
    Question("owner_born_on", "date", ACCOUNT, "Owner's date of birth", "Of the person the account belongs to."),
    Question("district", "district", ACCOUNT, "District",
             "Where the account is kept; its average salary is looked up."),
    _about("account_statement_frequency", "choice", ACCOUNT, "How often the bank sends a statement."),
    _about("card_type", "choice", ACCOUNT, "The owner's newest card issued before the day of the grant."),
    _about("transaction_balance_last", "money", MONEY, "At the end of the day before the grant."),
    _about("transaction_balance_min_180d", "money", MONEY, "The lowest the balance has been. Negative if overdrawn."),
    _about("month_balance_min_mean_180d", "money", MONEY, "The lowest balance of each month, averaged."),
    _about("month_income_mean_180d", "money", MONEY, "All money that came in, per month."),
    _about("month_spending_mean_180d", "money", MONEY, "All money that went out, per month."),
    _about("transaction_balance_mean", "money", MONEY, "Over the whole life of the account."),
    _about("transaction_amount_mean", "money", MONEY, "Average size, money in and out alike."),
    _about("transaction_count", "count", MONEY, "Since the account was opened."),
    _about("transaction_count_90d", "count", MONEY, "Money in and out alike."),
)  # fmt: skip

SECTIONS: tuple[str, ...] = (LOAN, ACCOUNT, MONEY)

#: What is asked where everything else is known of the account.
OF_ACCOUNT: tuple[Question, ...] = (
    Question("account_id", "count", ACCOUNT, "Account", "Its number in the bank's data.", valid=Range(1, 2**31 - 1)),
    *QUESTIONS[:3],
)
