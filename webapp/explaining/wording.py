"""Reasons in words, with the loan's own figures and what is typical of the training loans."""

from collections.abc import Mapping
from functools import cache

from babel.numbers import format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from features.derived import DAYS_PER_YEAR
from features.questions import QUESTIONS
from features.sets import feature_set
from payoff.contract import Feature
from payoff.metadata import Metadata, Spread
from webapp import wording
from webapp.explaining import LEAST, Reason

#: The groups in a few words.
LABELS: Mapping[str, LazyString] = {
    "amount": lazy_gettext("Amount and instalment"),
    "duration": lazy_gettext("Duration"),
    "terms": lazy_gettext("Amount, duration and instalment"),
    "lowest_balance": lazy_gettext("Lowest balances in the last six months"),
    "recent_balance": lazy_gettext("Balance in the last six months"),
    "balance": lazy_gettext("Balance now and over time"),
    "overdraft": lazy_gettext("Being overdrawn"),
    "penalty_interest": lazy_gettext("Penalty interest"),
    "income": lazy_gettext("Income and spending"),
    "money_in": lazy_gettext("Money coming in"),
    "money_out": lazy_gettext("Money going out"),
    "net_flow": lazy_gettext("What is left of the money that comes in"),
    "cash_withdrawals": lazy_gettext("Cash withdrawals"),
    "card_withdrawals": lazy_gettext("Withdrawals by card"),
    "transfers_out": lazy_gettext("Transfers to others"),
    "household": lazy_gettext("Household payments"),
    "insurance": lazy_gettext("Insurance payments"),
    "statement_fees": lazy_gettext("Fees for statements"),
    "interest": lazy_gettext("Interest received"),
    "use": lazy_gettext("How the account is used"),
    "account_age": lazy_gettext("Age of the account"),
    "owner_age": lazy_gettext("Age of the owner"),
    "services": lazy_gettext("Card and statements"),
    "district": lazy_gettext("District"),
    "standing_orders": lazy_gettext("Standing orders"),
    "owner_sex": lazy_gettext("Sex of the owner"),
}

#: What a sentence is about, by the feature whose value it tells; without one, it is about the group.
_SUBJECTS: Mapping[str, LazyString] = {
    "loan_amount_czk": lazy_gettext("The amount"),
    "loan_duration_months": lazy_gettext("The duration"),
    "loan_instalment": lazy_gettext("The monthly instalment"),
    "transaction_balance_min_180d": lazy_gettext("The lowest balance in the last six months"),
    "transaction_balance_last": lazy_gettext("The current balance"),
    "transaction_balance_mean": lazy_gettext("The average balance"),
    "month_income_mean_180d": lazy_gettext("The average monthly income of the last six months"),
    "transaction_count_90d": lazy_gettext("The number of transactions in the last three months"),
    "transaction_count": lazy_gettext("The number of transactions so far"),
    "account_age_days": lazy_gettext("The age of the account"),
    "owner_age_years": lazy_gettext("The age of the owner"),
    "owner_age_days": lazy_gettext("The age of the owner"),
    "district_average_salary_czk": lazy_gettext("The average salary in the district"),
    "order_amount_mean": lazy_gettext("The average standing order"),
}

#: By where the value lies and what the group does to the probability.
_SENTENCES: Mapping[tuple[str, str], LazyString] = {
    ("below", "lowers"): lazy_gettext(
        "%(what)s, %(value)s, is below what is typical (%(typical)s); "
        "it lowers the probability of payoff by %(points)s points."
    ),
    ("below", "raises"): lazy_gettext(
        "%(what)s, %(value)s, is below what is typical (%(typical)s); "
        "it raises the probability of payoff by %(points)s points."
    ),
    ("below", "neither"): lazy_gettext(
        "%(what)s, %(value)s, is below what is typical (%(typical)s); it hardly moves the probability of payoff."
    ),
    ("within", "lowers"): lazy_gettext(
        "%(what)s, %(value)s, is within what is typical (%(typical)s); "
        "it lowers the probability of payoff by %(points)s points."
    ),
    ("within", "raises"): lazy_gettext(
        "%(what)s, %(value)s, is within what is typical (%(typical)s); "
        "it raises the probability of payoff by %(points)s points."
    ),
    ("within", "neither"): lazy_gettext(
        "%(what)s, %(value)s, is within what is typical (%(typical)s); it hardly moves the probability of payoff."
    ),
    ("above", "lowers"): lazy_gettext(
        "%(what)s, %(value)s, is above what is typical (%(typical)s); "
        "it lowers the probability of payoff by %(points)s points."
    ),
    ("above", "raises"): lazy_gettext(
        "%(what)s, %(value)s, is above what is typical (%(typical)s); "
        "it raises the probability of payoff by %(points)s points."
    ),
    ("above", "neither"): lazy_gettext(
        "%(what)s, %(value)s, is above what is typical (%(typical)s); it hardly moves the probability of payoff."
    ),
    ("somewhere", "lowers"): lazy_gettext(
        "%(what)s, %(value)s, lowers the probability of payoff by %(points)s points."
    ),
    ("somewhere", "raises"): lazy_gettext(
        "%(what)s, %(value)s, raises the probability of payoff by %(points)s points."
    ),
    ("somewhere", "neither"): lazy_gettext("%(what)s, %(value)s, hardly moves the probability of payoff."),
    ("untold", "lowers"): lazy_gettext("“%(what)s” lowers the probability of payoff by %(points)s points."),
    ("untold", "raises"): lazy_gettext("“%(what)s” raises the probability of payoff by %(points)s points."),
    ("untold", "neither"): lazy_gettext("“%(what)s” hardly moves the probability of payoff."),
}

_AGES = frozenset({"account_age_days", "owner_age_days"})
_CHOICES = {value: label for question in QUESTIONS for value, label in question.choices}


def label(key: str) -> str:
    """A group in a few words."""
    return str(LABELS[key]) if key in LABELS else key.replace("_", " ").capitalize()


def sentence(reason: Reason, metadata: Metadata) -> str:
    """A reason in a sentence; where its figures need more words, they follow in sentences of their own."""
    known = _features(metadata.feature_set)
    told = [(known[name], value) for name, value in reason.values if name in known and value is not None]
    points = _decimal(abs(reason.effect) * 100)
    effect = "neither" if abs(reason.effect) < LEAST else "lowers" if reason.effect < 0 else "raises"
    if not told or told[0][0].name not in _SUBJECTS:
        first = _worded("untold", effect, what=label(reason.key), points=points)
        return " ".join([first, *(_detail(feature, value, metadata) for feature, value in told)])
    feature, value = told[0]
    spread = metadata.spreads.get(feature.name)
    what, shown = _SUBJECTS[feature.name], _shown(feature, value)
    if spread is None or isinstance(value, str):
        return _worded("somewhere", effect, what=what, value=shown, points=points)
    place = "below" if value < spread.p10 else "above" if value > spread.p90 else "within"
    return _worded(place, effect, what=what, value=shown, typical=_typical(feature, spread), points=points)


def _worded(place: str, effect: str, **words: object) -> str:
    return str(_SENTENCES[place, effect]) % words


def _detail(feature: Feature, value: float | str, metadata: Metadata) -> str:
    what, shown, spread = _(feature.label), _shown(feature, value), metadata.spreads.get(feature.name)
    if spread is None:
        return str(_("%(what)s: %(value)s.", what=what, value=shown))
    return str(
        _("%(what)s: %(value)s; typical: %(typical)s.", what=what, value=shown, typical=_typical(feature, spread))
    )


def _shown(feature: Feature, value: float | str) -> str:
    """A value with its unit."""
    if isinstance(value, str):
        return str(_(_CHOICES[value])) if value in _CHOICES else value
    return _in_unit(feature, _number(feature, value))


def _number(feature: Feature, value: float) -> str:
    """A value without its unit: ages in years, shares in per cent, counts whole."""
    if feature.name in _AGES:
        return _decimal(value / DAYS_PER_YEAR)
    if feature.operation == "share":
        return _decimal(value * 100, "0.0" if value == 0 or value >= 0.001 else "0.000")
    return wording.rounded(value) if feature.unit else wording.number(value, 0)


def _in_unit(feature: Feature, number: str) -> str:
    if feature.name in _AGES:
        return str(_("%(number)s years", number=number))
    unit = "%" if feature.operation == "share" else feature.unit
    # Labels of what is counted in days say so already.
    return number if unit in {"", "days"} else f"{number}{wording.SPACE}{wording.declared(unit)}"


def _typical(feature: Feature, spread: Spread) -> str:
    """Where eight of ten training loans lie."""
    low, high = _number(feature, spread.p10), _shown(feature, spread.p90)
    return high if spread.p10 == spread.p90 else str(_("%(low)s to %(high)s", low=low, high=high))


def _decimal(value: float, pattern: str = "0.0") -> str:
    return str(format_decimal(value, pattern, wording.reader()))


@cache
def _features(set_name: str) -> Mapping[str, Feature]:
    return {feature.name: feature for feature in feature_set(set_name)}
