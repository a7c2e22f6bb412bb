"""Every feature, declared once, and the three named sets.

``seed`` is the original application's thirteen columns, computed point-in-time. ``form`` is what a person can answer
about an account. ``full`` adds aggregates that only the bank's tables can give. Averages are sums over counts because
sums of decimals are exact, so that no engine, thread or row order can change a digit.
"""

from features import derived
from payoff.contract import Feature, Range
from payoff.errors import ContractError

MONEY = Range(-10_000_000, 100_000_000)
AMOUNT = Range(0, 100_000_000)
COUNT = Range(0, 1_000_000)
WINDOWS = (30, 90, 180, 365)

LOAN = (
    Feature(
        "loan_amount_czk", "number", "CZK", "Amount", "Amount lent.",
        known="static", valid=Range(1_000, 2_000_000), sql="loans.amount_czk",
    ),
    Feature(
        "loan_duration_months", "number", "months", "Duration", "Months over which the loan is to be paid back.",
        known="static", valid=Range(6, 120), sql="loans.duration_months",
    ),
    Feature(
        "loan_instalment_czk", "number", "CZK a month", "Monthly instalment", "Amount divided by duration.",
        known="static", valid=Range(8, 400_000),
        derive=derived.instalment, needs=("loan_amount_czk", "loan_duration_months"),
    ),
)  # fmt: skip

ACCOUNT = (
    Feature(
        "account_age_days", "number", "days", "Age of the account",
        "Days between the opening of the account and the grant of the loan.",
        known="static", valid=Range(1, 40_000), derive=derived.account_age, needs=("opened_on", "granted_on"),
    ),
    Feature(
        "account_statement_frequency", "category", "", "Statements", "How often the bank sends an account statement.",
        known="static", categories=("monthly", "weekly", "after_transaction"), sql="loans.statement_frequency",
    ),
    Feature(
        "card_type", "category", "", "Card", "The newest card issued to the owner before the grant, if any.",
        known="dated", categories=("none", "junior", "classic", "gold"), sql="loans.card_type",
    ),
    Feature(
        "district_average_salary_czk", "number", "CZK a month", "Average salary in the district",
        "Average monthly salary in the district of the account, from one snapshot.",
        known="snapshot", valid=Range(5_000, 50_000), sql="loans.district_average_salary_czk",
    ),
    Feature(
        "owner_age_years", "number", "years", "Age of the owner", "Age of the account's owner on the day of the grant.",
        known="static", valid=Range(12, 120), derive=derived.owner_age, needs=("owner_born_on", "granted_on"),
    ),
)  # fmt: skip

TRANSACTIONS = (
    Feature(
        "transaction_amount_mean", "number", "CZK", "Average transaction",
        "Average amount of all transactions before the grant, money in and out alike.",
        known="dated", valid=AMOUNT, relation="loan_transactions", sql="cast(sum(amount_czk) as double) / count(*)",
    ),
    Feature(
        "transaction_balance_mean", "number", "CZK", "Average balance",
        "Average of the balances after each transaction before the grant.",
        known="dated", valid=MONEY, relation="loan_transactions", sql="cast(sum(balance_czk) as double) / count(*)",
    ),
    Feature(
        "transaction_count", "number", "", "Transactions so far", "Number of transactions before the grant.",
        known="dated", valid=COUNT, relation="loan_transactions", sql="count(*)",
    ),
)  # fmt: skip

SEED_ONLY = (
    Feature(
        "order_amount_mean", "number", "CZK", "Average standing order",
        "Average amount of the account's standing orders. They carry no date: the loan's own instalment is among them.",
        known="undated", valid=AMOUNT, relation="loan_orders", sql="cast(sum(amount_czk) as double) / count(*)",
    ),
    Feature(
        "owner_sex", "category", "", "Sex of the owner",
        "A protected trait, kept to reproduce published work and for the fairness audit.",
        known="static", categories=("female", "male"), sql="loans.owner_sex",
    ),
)  # fmt: skip

BALANCES = (
    Feature(
        "transaction_balance_last", "number", "CZK", "Current balance",
        "Balance at the end of the last day before the grant: the sum of all signed amounts, because transactions "
        "within a day carry no order.",
        known="dated", valid=MONEY, relation="loan_transactions", sql="sum(signed_amount_czk)",
    ),
    Feature(
        "transaction_balance_min_180d", "number", "CZK", "Lowest balance in the last six months",
        "Lowest balance after any transaction in the 180 days before the grant.",
        known="dated", valid=MONEY, relation="loan_transactions",
        sql="min(case when days_before <= 180 then balance_czk end)",
    ),
    Feature(
        "month_balance_min_mean_180d", "number", "CZK", "Average of the monthly lows, last six months",
        "The lowest balance of each 30-day month of the 180 days before the grant, averaged over the months with a "
        "transaction.",
        known="dated", valid=MONEY, relation="loan_months", sql="cast(sum(balance_min_czk) as double) / count(*)",
    ),
    Feature(
        "month_income_mean_180d", "number", "CZK a month", "Average monthly income, last six months",
        "Money in during each 30-day month of the 180 days before the grant, averaged over the months with a "
        "transaction.",
        known="dated", valid=AMOUNT, relation="loan_months", sql="cast(sum(income_czk) as double) / count(*)",
    ),
    Feature(
        "month_spending_mean_180d", "number", "CZK a month", "Average monthly spending, last six months",
        "Money out during each 30-day month of the 180 days before the grant, averaged over the months with a "
        "transaction.",
        known="dated", valid=AMOUNT, relation="loan_months", sql="cast(sum(spending_czk) as double) / count(*)",
    ),
    Feature(
        "transaction_count_90d", "number", "", "Transactions in the last three months",
        "Number of transactions in the 90 days before the grant.",
        known="dated", valid=COUNT, relation="loan_transactions",
        sql="sum(case when days_before <= 90 then 1 else 0 end)",
    ),
)  # fmt: skip


def _in_instalments(column: str, label: str) -> Feature:
    return Feature(
        f"{column}_per_instalment", "number", "instalments", f"{label}, in instalments",
        f"{label} divided by the monthly instalment.",
        known="dated", valid=Range(-1_000_000, 1_000_000),
        derive=derived.in_instalments(column), needs=(column, "loan_amount_czk", "loan_duration_months"),
    )  # fmt: skip


RATIOS = (
    _in_instalments("transaction_balance_last", "Current balance"),
    _in_instalments("transaction_balance_min_180d", "Lowest balance in the last six months"),
    _in_instalments("month_income_mean_180d", "Average monthly income"),
)


def _windowed(name: str, label: str, means: str, unit: str, expression: str, windows: tuple[int, ...]) -> list[Feature]:
    """The same aggregate over several windows; ``{days}`` in the texts is the window."""
    return [
        Feature(
            f"{name}_{days}d", "number", unit, f"{label}, last {days} days",
            f"{means} in the {days} days before the grant.",
            known="dated", valid=MONEY, relation="loan_transactions", sql=expression.format(days=days),
        )
        for days in windows
    ]  # fmt: skip


def _matching(name: str, label: str, condition: str) -> list[Feature]:
    """Count and sum of all transactions that meet ``condition``."""
    return [
        Feature(
            f"transaction_count_{name}", "number", "", f"{label}: how many",
            f"Number of transactions before the grant: {label}.",
            known="dated", valid=COUNT, relation="loan_transactions",
            sql=f"sum(case when {condition} then 1 else 0 end)",
        ),
        Feature(
            f"transaction_amount_sum_{name}", "number", "CZK", f"{label}: how much",
            f"Sum of the amounts of transactions before the grant: {label}.",
            known="dated", valid=AMOUNT, relation="loan_transactions",
            sql=f"sum(case when {condition} then amount_czk else 0 end)",
        ),
    ]  # fmt: skip


def _extreme(name: str, label: str, unit: str, expression: str) -> Feature:
    return Feature(
        name, "number", unit, label, f"{label}, over all transactions before the grant.",
        known="dated", valid=MONEY, relation="loan_transactions", sql=expression,
    )  # fmt: skip


def _district(column: str, label: str, unit: str) -> Feature:
    return Feature(
        f"district_{column}", "number", unit, label, f"{label} in the district of the account, from one snapshot.",
        known="snapshot", valid=AMOUNT, sql=f"loans.district_{column}",
    )  # fmt: skip


AGGREGATES = (
    *_windowed("transaction_balance_min", "Lowest balance", "Lowest balance after any transaction", "CZK",
               "min(case when days_before <= {days} then balance_czk end)", (30, 90, 365)),
    *_windowed("transaction_balance_mean", "Average balance", "Average of the balances after each transaction", "CZK",
               "cast(sum(case when days_before <= {days} then balance_czk end) as double)"
               " / nullif(sum(case when days_before <= {days} then 1 else 0 end), 0)", WINDOWS),
    *_windowed("transaction_balance_max", "Highest balance", "Highest balance after any transaction", "CZK",
               "max(case when days_before <= {days} then balance_czk end)", (90, 365)),
    *_windowed("transaction_amount_sum_credit", "Money in", "Sum of all credits", "CZK",
               "sum(case when days_before <= {days} and direction = 'credit' then amount_czk else 0 end)", WINDOWS),
    *_windowed("transaction_amount_sum_debit", "Money out", "Sum of all debits", "CZK",
               "sum(case when days_before <= {days} and direction = 'debit' then amount_czk else 0 end)", WINDOWS),
    *_windowed("transaction_count", "Transactions", "Number of transactions", "",
               "sum(case when days_before <= {days} then 1 else 0 end)", (30, 180, 365)),
    *_matching("sanction", "interest charged for a negative balance", "purpose = 'sanction_interest'"),
    *_matching("household", "household payments", "purpose = 'household'"),
    *_matching("insurance", "insurance payments", "purpose = 'insurance'"),
    *_matching("interest", "interest received", "purpose = 'interest'"),
    *_matching("cash_deposit", "cash deposits", "operation = 'cash_deposit'"),
    *_matching("cash_withdrawal", "cash withdrawals", "operation = 'cash_withdrawal'"),
    *_matching("card_withdrawal", "card withdrawals", "operation = 'card_withdrawal'"),
    *_matching("transfer_in", "transfers from another bank", "operation = 'transfer_in'"),
    *_matching("transfer_out", "transfers to another bank", "operation = 'transfer_out'"),
    _extreme("transaction_balance_min", "Lowest balance ever", "CZK", "min(balance_czk)"),
    _extreme("transaction_balance_max", "Highest balance ever", "CZK", "max(balance_czk)"),
    _extreme("transaction_amount_max_credit", "Largest credit", "CZK",
             "max(case when direction = 'credit' then amount_czk end)"),
    _extreme("transaction_amount_max_debit", "Largest debit", "CZK",
             "max(case when direction = 'debit' then amount_czk end)"),
    _extreme("transaction_count_below_zero", "Transactions that left a negative balance", "",
             "sum(case when balance_czk < 0 then 1 else 0 end)"),
    _extreme("transaction_days_since_last", "Days since the last transaction", "days", "min(days_before)"),
    Feature("month_surplus_mean_180d", "number", "CZK a month", "Average monthly surplus, last six months",
            "Average monthly income less average monthly spending in the 180 days before the grant.",
            known="dated", valid=MONEY, derive=derived.monthly_surplus,
            needs=("month_income_mean_180d", "month_spending_mean_180d")),
    Feature("month_surplus_mean_180d_per_instalment", "number", "instalments",
            "Average monthly surplus, in instalments",
            "Average monthly surplus divided by the monthly instalment.",
            known="dated", valid=MONEY, derive=derived.surplus_in_instalments,
            needs=("month_income_mean_180d", "month_spending_mean_180d", "loan_amount_czk", "loan_duration_months")),
    _district("inhabitants", "Inhabitants", ""),
    _district("urban_percent", "Share of urban inhabitants", "%"),
    _district("unemployment_1996_percent", "Unemployment in 1996", "%"),
    _district("entrepreneurs_per_1000", "Entrepreneurs per 1,000 inhabitants", ""),
    _district("crimes_1996", "Crimes in 1996", ""),
)  # fmt: skip

_COMMON = (*LOAN, *ACCOUNT, *TRANSACTIONS)

SETS: dict[str, tuple[Feature, ...]] = {
    "seed": (*_COMMON, *SEED_ONLY),
    "form": (*_COMMON, *BALANCES, *RATIOS),
    "full": (*_COMMON, *BALANCES, *RATIOS, *AGGREGATES),
}


def feature_set(name: str) -> tuple[Feature, ...]:
    """The features of a named set, in order.

    Raises
    ------
    ContractError
        There is no set of that name.
    """
    if name not in SETS:
        raise ContractError(f"there is no feature set {name!r}; there are {', '.join(SETS)}")
    return SETS[name]
