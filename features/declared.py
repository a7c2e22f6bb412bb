"""The features that were chosen by hand, declared once, in two named sets.

``seed`` is the original application's thirteen columns, computed point-in-time. ``form`` is what a person can answer
about an account. Averages are sums over counts because sums of decimals are exact, so that no engine, thread or row
order can change a digit.
"""

from features import derived
from payoff.contract import Feature, Range

MONEY = Range(-10_000_000, 100_000_000)
AMOUNT = Range(0, 100_000_000)
COUNT = Range(0, 1_000_000)

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


_COMMON = (*LOAN, *ACCOUNT, *TRANSACTIONS)

DECLARED: dict[str, tuple[Feature, ...]] = {
    "seed": (*_COMMON, *SEED_ONLY),
    "form": (*_COMMON, *BALANCES, *RATIOS),
}
