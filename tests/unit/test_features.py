"""Declarations are complete, and the table they give is what plain pandas gives."""

import math
import statistics
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from features.catalogue import entries, formatted_sql
from features.declared import DECLARED as SETS
from features.derived import compute
from features.questions import QUESTIONS, SECTIONS
from features.sets import SET_NAMES, every_candidate, feature_set
from features.table import build as build_over
from features.table import declared_query, over_marts
from payoff import dialect, schema
from payoff.errors import ContractError

ALL = [pytest.param(feature, id=f"{name}-{feature.name}") for name, features in SETS.items() for feature in features]


@pytest.mark.parametrize("feature", ALL)
def test_every_feature_is_declared_with_all_that_its_readers_need(feature):
    assert feature.label
    assert feature.means.endswith(".")
    assert bool(feature.sql) != bool(feature.derive)
    assert bool(feature.derive) == bool(feature.needs)
    assert (feature.valid is not None) if feature.dtype == "number" else feature.categories
    if feature.sql:
        assert dialect.portability_problems(f"select {feature.sql} as x from {feature.relation}") == []


@pytest.mark.parametrize("name", SETS)
def test_the_columns_that_derived_features_need_are_in_the_set(name):
    given = {feature.name for feature in SETS[name] if feature.sql} | {"granted_on", "opened_on", "owner_born_on"}
    assert len({feature.name for feature in SETS[name]}) == len(SETS[name])
    assert {need for feature in SETS[name] for need in feature.needs} <= given


def test_the_seed_has_the_thirteen_columns_of_the_original():
    assert len(SETS["seed"]) == 13


def test_neither_the_form_nor_the_full_set_knows_of_sex_or_standing_orders():
    for name in ("form", "full"):
        assert not {"owner_sex", "order_amount_mean"} & {feature.name for feature in feature_set(name)}


def test_an_unknown_set_is_refused_with_those_there_are():
    with pytest.raises(ContractError, match="seed, form, full"):
        feature_set("nonsense")


def test_every_question_is_complete_and_in_a_section():
    form = {feature.name for feature in SETS["form"]}
    for question in QUESTIONS:
        assert question.label
        assert question.hint
        assert question.section in SECTIONS
        assert (question.valid is not None) == (question.kind in {"money", "count"})
        assert bool(question.choices) == (question.kind == "choice")
        assert question.kind in {"date", "district"} or question.name in form


def transaction(number: int, days: int, amount: str, balance: str, **other: object) -> dict[str, object]:
    signed = Decimal(amount)
    return {
        "loan_id": 1, "transaction_id": number, "account_id": 1,
        "booked_on": date(1997, 3, 1) - timedelta(days), "days_before": days,
        "direction": "credit" if signed > 0 else "debit", "operation": "none", "purpose": "none",
        "amount_czk": abs(signed), "signed_amount_czk": signed, "balance_czk": Decimal(balance),
    } | other  # fmt: skip


def marts(transactions: list[dict[str, object]], orders: list[dict[str, object]] = ()) -> dict[str, pa.Table]:
    loan = {
        "loan_id": 1, "account_id": 1, "granted_on": date(1997, 3, 1), "amount_czk": Decimal(12000),
        "duration_months": 24, "opened_on": date(1996, 3, 1), "statement_frequency": "monthly", "district_id": 1,
        "district_name": "A", "district_region": "R", "district_inhabitants": 1, "district_urban_percent": Decimal(50),
        "district_average_salary_czk": 9000, "district_entrepreneurs_per_1000": 1, "owner_sex": "female",
        "owner_born_on": date(1960, 3, 1), "card_type": "none", "defaulted": None,
    }  # fmt: skip
    rows = {"loans": [loan], "loan_transactions": transactions, "loan_orders": list(orders)}
    return {name: pa.Table.from_pylist(rows[name], schema=schema.table_spec(name).arrow) for name in rows}


def build(tables: dict[str, pa.Table], set_name: str) -> pd.DataFrame:
    with over_marts(tables) as warehouse:
        return build_over(warehouse, set_name)


def test_each_hand_written_aggregate_is_what_the_history_says():
    history = [
        transaction(1, 200, "1000", "1000"),
        transaction(2, 181, "-900", "100"),
        transaction(3, 180, "500", "600"),
        transaction(4, 151, "-200", "400"),
        transaction(5, 150, "100.50", "500.50", purpose="interest"),
        transaction(6, 30, "-600", "-99.50"),
        transaction(7, 1, "300", "200.50"),
    ]
    (form,) = build(marts(history), "form").to_dict("records")
    (full,) = build(marts(history), "full").to_dict("records")
    assert pd.isna(form["defaulted"])
    assert math.isnan(full["district_crimes_1996"])
    in_form = {
        "loan_instalment_czk": 500,
        "account_age_days": 365,
        "owner_age_years": 13514 / 365.25,
        "transaction_count": 7,
        "transaction_count_90d": 2,
        "transaction_amount_mean": 3600.5 / 7,
        "transaction_balance_mean": 2701.5 / 7,
        "transaction_balance_last": 200.5,
        "transaction_balance_min_180d": -99.5,
        # months counted back from the grant: days 1-30, 121-150 and 151-180 have a transaction
        "month_balance_min_mean_180d": (-99.5 + 500.5 + 400) / 3,
        "month_income_mean_180d": (300 + 100.5 + 500) / 3,
        "month_spending_mean_180d": (600 + 200) / 3,
        "transaction_balance_last_per_instalment": 200.5 / 500,
        "transaction_balance_min_180d_per_instalment": -99.5 / 500,
    }
    in_full = {
        "loan_instalment": 500,
        "account_age_days": 365,
        "owner_age_days": 13514,
        "transaction_balance_min_30d": -99.5,
        "transaction_balance_min_180d_per_instalment": -99.5 / 500,
        "transaction_amount_sum_interest": 100.5,
        "transaction_amount_share_interest_180d": 100.5 / 1700.5,
        "transaction_count_share_debit": 3 / 7,
        "transaction_count_balance_below_zero": 1,
        "transaction_days_since_last": 1,
        "transaction_days_since_last_interest": 150,
        "transaction_amount_max_debit": 900,
        "transaction_amount_median": 500,
        "transaction_balance_median_180d": 400,
        "transaction_balance_first_day": 1000,
        "transaction_booked_on_distinct_180d": 5,
        "transaction_month_balance_min_mean_180d": (-99.5 + 500.5 + 400) / 3,
        "transaction_month_amount_sum_credit_max": 1000,
        "transaction_signed_amount_sum": 200.5,
        "transaction_amount_std_debit_180d": statistics.stdev([200, 600]),
        "transaction_balance_trend_30d": (200.5 - -99.5) / 29,
    }
    for row, expected in ((form, in_form), (full, in_full)):
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, rel=1e-12), name


def test_standing_orders_are_averaged_for_the_seed_only():
    orders = [{"loan_id": 1, "order_id": n, "amount_czk": Decimal(n), "purpose": "none"} for n in (1, 2)]
    (row,) = build(marts([transaction(1, 5, "10", "10")], orders), "seed").to_dict("records")
    assert row["order_amount_mean"] == 1.5
    assert row["owner_sex"] == "female"


@pytest.mark.parametrize("name", SET_NAMES)
def test_an_account_without_history_gives_missing_values_not_zeros(name):
    (row,) = build(marts([]), name).to_dict("records")
    if name == "full":
        from_history = [candidate.name for candidate in every_candidate() if candidate.cube]
    else:
        from_history = [feature.name for feature in SETS[name] if feature.sql and feature.relation != "loans"]
    assert from_history
    assert all(math.isnan(row[feature]) for feature in from_history)


def test_a_missing_column_is_named():
    with pytest.raises(ContractError, match="owner_born_on"):
        compute(pd.DataFrame({"loan_amount_czk": [1.0]}), feature_set("seed"))


def test_the_catalogue_has_one_entry_a_feature_and_its_sql_reads_in_both_dialects():
    assert [entry["name"] for entry in entries("form")] == [feature.name for feature in SETS["form"]]
    assert all(entry["sql"] and entry["sentence"] for entry in entries("form"))
    assert "NULLIF(COUNT(*), 0)" in formatted_sql("form", "duckdb")
    assert " DIV 30" in formatted_sql("form", "mysql")
    assert "from loan_orders" in str(declared_query(SETS["seed"]))
    assert "loan_orders" not in str(declared_query(SETS["form"]))
