"""Which features make up one reason: those that tell a person the same thing, so that none hides behind another.

The keys are stable, because they are stored with predictions; ``wording`` says them in words.
"""

from collections.abc import Mapping
from functools import cache, lru_cache

from features.candidates import Candidate
from features.sets import SYNTHESISED, every_candidate, feature_set
from payoff.errors import ContractError

#: Of the sets that were declared by hand; in each group, what is worth showing comes first.
DECLARED: Mapping[str, tuple[str, ...]] = {
    "amount": ("loan_amount_czk", "loan_instalment_czk"),
    "duration": ("loan_duration_months",),
    "lowest_balance": (
        "transaction_balance_min_180d",
        "month_balance_min_mean_180d",
        "transaction_balance_min_180d_per_instalment",
    ),
    "balance": ("transaction_balance_last", "transaction_balance_mean", "transaction_balance_last_per_instalment"),
    "income": ("month_income_mean_180d", "month_spending_mean_180d", "month_income_mean_180d_per_instalment"),
    "use": ("transaction_count_90d", "transaction_count", "transaction_amount_mean"),
    "account_age": ("account_age_days",),
    "owner_age": ("owner_age_years",),
    "services": ("card_type", "account_statement_frequency"),
    "district": ("district_average_salary_czk",),
    "standing_orders": ("order_amount_mean",),
    "owner_sex": ("owner_sex",),
}

#: Of the population's own columns in the synthesised set. The terms stay together: an instalment is made of both.
_OWN = {
    "loan_amount_czk": "terms",
    "loan_duration_months": "terms",
    "loan_instalment": "terms",
    "account_age_days": "account_age",
    "owner_age_days": "owner_age",
    "account_statement_frequency": "services",
    "card_type": "services",
}

#: Of the conditions that transactions of the synthesised set meet.
_CONDITIONS = {
    "balance_below_zero": "overdraft",
    "sanction_interest": "penalty_interest",
    "interest": "interest",
    "statement": "statement_fees",
    "insurance": "insurance",
    "household": "household",
    "household_cash": "household",
    "household_transfer": "household",
    "cash_withdrawal": "cash_withdrawals",
    "plain_cash": "cash_withdrawals",
    "card_withdrawal": "card_withdrawals",
    "cash_deposit": "money_in",
    "transfer_in": "money_in",
    "credit": "money_in",
    "income": "money_in",
    "transfer_out": "transfers_out",
    "plain_transfer": "transfers_out",
    "debit": "money_out",
}

#: Monthly sums carry the direction in the name of their column.
_MONTHLY = {"sum_credit": "money_in", "sum_debit": "money_out"}

#: Balances over more days than these are not called recent.
_RECENT_DAYS = 180


@cache
def groups(set_name: str) -> Mapping[str, tuple[str, ...]]:
    """The features of each group of a set, by the group's key, in a stable order.

    Raises
    ------
    ContractError
        A feature belongs to no group.
    """
    found: dict[str, tuple[str, ...]] = {}
    if set_name == SYNTHESISED:
        for candidate in every_candidate():
            key = synthesised(candidate)
            found[key] = (*found.get(key, ()), candidate.name)
        return found
    names = {feature.name for feature in feature_set(set_name)}
    found = {key: tuple(name for name in features if name in names) for key, features in DECLARED.items()}
    if homeless := sorted(names.difference(*found.values())):
        raise ContractError(f"{', '.join(homeless)} of the set {set_name} belong to no group; expected one in DECLARED")
    return {key: features for key, features in found.items() if features}


@lru_cache(maxsize=16)
def of_model(set_name: str, features: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """The groups of a set, with only the ``features`` of a model in them; in each, what is worth showing comes first.

    Of a synthesised set that is what training found to tell the ends apart best, ratios after what is in a known unit.
    """
    known = set(features)
    found = {key: [name for name in names if name in known] for key, names in groups(set_name).items()}
    if set_name == SYNTHESISED:
        ratios = {feature.name for feature in feature_set(set_name) if feature.scale}
        worth = {name: (name in ratios, place) for place, name in enumerate(features)}
        found = {key: sorted(names, key=worth.__getitem__) for key, names in found.items()}
    return {key: tuple(names) for key, names in found.items() if names}


def synthesised(candidate: Candidate) -> str:
    """The group of a synthesised feature: by what it measures, of which transactions.

    A balance is a balance whatever it was booked for, as it hardly changes with that, unless it is about being
    overdrawn. A ratio to a scale goes with what it divides.

    Raises
    ------
    ContractError
        It is about something that is not known here.
    """
    if not candidate.cube:
        return "district" if candidate.name.startswith("district_") else _known(_OWN, candidate.name, candidate)
    measured = candidate.sources[0].split(".")[1]
    if candidate.slice in ("balance_below_zero", "sanction_interest"):
        return _CONDITIONS[candidate.slice]
    if measured == "balance_czk":
        return "recent_balance" if 0 < candidate.days <= _RECENT_DAYS else "balance"
    if measured == "signed_amount_czk":
        return "net_flow"
    if candidate.slice != "*":
        return _known(_CONDITIONS, candidate.slice, candidate)
    return next((key for part, key in _MONTHLY.items() if part in candidate.column), "use")


def _known(keys: Mapping[str, str], name: str, candidate: Candidate) -> str:
    if name not in keys:
        raise ContractError(
            f"{candidate.name} is about {name!r}, which belongs to no group; add it to explaining.groups"
        )
    return keys[name]
