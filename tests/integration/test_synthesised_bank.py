"""The bank's synthesised features: equal on both engines, and equal to plain pandas."""

import random
import re

import numpy as np
import pandas as pd
import pytest
from bank import exported, marts_of, settings_in

from features.catalogue import own_sql
from features.sets import every_candidate
from features.table import build, over_marts
from payoff import runs
from payoff.warehouse import open_warehouse

NUMBERS = [candidate for candidate in every_candidate() if candidate.dtype == "number"]


def test_there_are_hundreds_of_features_each_with_a_sentence_a_unit_and_source_columns():
    assert len(NUMBERS) >= 300
    assert all(each.sentence and each.sources and each.column for each in every_candidate())
    money = [each for each in NUMBERS if re.search(r"_(amount|balance)_(sum|mean|min|max|std|median)", each.name)]
    assert {each.unit for each in money} == {"CZK", "instalments", "monthly incomes"}


def test_mariadb_and_duckdb_agree_on_every_feature_and_loan(real_lake, original_files, mariadb_url, tmp_path):
    exported(settings_in(tmp_path, original_files, warehouse_url=mariadb_url))
    with open_warehouse(mariadb_url) as warehouse:
        on_mariadb = build(warehouse, "full")
    on_duckdb = runs.read_features(real_lake, runs.current_run(real_lake), "full").to_pandas()
    for candidate in every_candidate():
        ours, theirs = on_mariadb[candidate.name], on_duckdb[candidate.name]
        if candidate.dtype == "category":
            assert (ours == theirs).all(), candidate.name
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=0, equal_nan=True, err_msg=candidate.name)


@pytest.fixture(scope="module")
def history(real_lake) -> pd.DataFrame:
    """Transactions before each loan, as floats, with the span of 30 days that each lies in."""
    rows = marts_of(real_lake)["loan_transactions"].to_pandas()
    money = {name: rows[name].astype(float) for name in ("amount_czk", "signed_amount_czk", "balance_czk")}
    return rows.assign(**money, month=(rows["days_before"] - 1) // 30, below_zero=money["balance_czk"] < 0)


CONDITIONS = {
    value: {column: [value]}
    for column, values in {
        "direction": ["credit", "debit"],
        "operation": ["cash_deposit", "cash_withdrawal", "card_withdrawal", "transfer_in", "transfer_out"],
        "purpose": ["insurance", "statement", "interest", "sanction_interest", "household"],
    }.items()
    for value in values
} | {
    "balance_below_zero": {"below_zero": [True]},
    "income": {"operation": ["cash_deposit", "transfer_in"]},
    "plain_cash": {"operation": ["cash_withdrawal"], "purpose": ["none"]},
    "household_cash": {"operation": ["cash_withdrawal"], "purpose": ["household"]},
    "household_transfer": {"operation": ["transfer_out"], "purpose": ["household"]},
    "plain_transfer": {"operation": ["transfer_out"], "purpose": ["none"]},
}
STEMS = {"amount": "amount_czk", "signed_amount": "signed_amount_czk", "balance": "balance_czk"}
PATTERN = re.compile(
    r"transaction_(?:(?P<month>month_)?(?P<stem>signed_amount|amount|balance)_"
    r"(?:(?P<monthly>sum|min|max)(?:_(?P<part>credit|debit))?_)?(?P<operation>sum|mean|min|max|std|share|median)"
    r"|(?P<rows>count_share|count|days_since_first|days_since_last))"
    rf"(?:_(?P<condition>{'|'.join(CONDITIONS)}))?(?:_(?P<days>\d+)d)?(?:_per_(?P<scale>instalment|income))?$"
)


def in_pandas(history: pd.DataFrame, loans: pd.DataFrame, name: str) -> pd.Series:
    """A feature by its name, over plain groups."""
    found = PATTERN.match(name)
    scale = {
        None: 1.0,
        "instalment": loans["amount_czk"].astype(float) / loans["duration_months"],
        "income": in_window(history, 180, "credit").groupby("loan_id")["amount_czk"].sum() / 6,
    }[found["scale"]]
    return unscaled(history, found) / scale


def in_window(history: pd.DataFrame, days: int, condition: str | None = None) -> pd.DataFrame:
    window = history[history["days_before"] <= days]
    for column, values in CONDITIONS.get(condition, {}).items():
        window = window[window[column].isin(values)]
    return window


def unscaled(history: pd.DataFrame, found: re.Match) -> pd.Series:
    days = int(found["days"] or 10**6)
    chosen, whole = (in_window(history, days, condition) for condition in (found["condition"], None))
    if found["rows"]:
        rows = chosen.groupby("loan_id")["days_before"]
        if found["rows"].startswith("days_since"):
            return rows.min() if found["rows"].endswith("last") else rows.max()
        counted = rows.size().reindex(history["loan_id"].unique(), fill_value=0)
        return counted if found["rows"] == "count" else counted / whole.groupby("loan_id").size()
    column = STEMS[found["stem"]]
    if found["month"]:
        rows = history[history["direction"] == found["part"]] if found["part"] else history
        spans = history.groupby(["loan_id", "month"]).size().index
        monthly = rows.groupby(["loan_id", "month"])[column].agg(found["monthly"])
        monthly = monthly.reindex(spans, fill_value=0.0).reset_index()
        return operated(monthly[monthly["month"] < days // 30].groupby("loan_id")[column], found["operation"])
    if found["operation"] == "share":
        total = whole.groupby("loan_id")[column].sum()
        return chosen.groupby("loan_id")[column].sum().reindex(total.index, fill_value=0.0) / total
    return operated(chosen.groupby("loan_id")[column], found["operation"])


def operated(groups, operation: str) -> pd.Series:
    return getattr(groups, operation)()


def picked(count: int) -> list[str]:
    """As many at random, and two of each kind that few of those would be of."""
    names = [candidate.name for candidate in NUMBERS if PATTERN.match(candidate.name)]
    assert len(names) > 0.9 * len(NUMBERS)
    kinds = [
        "_per_income",
        "_per_instalment",
        "_household_cash",
        "_income_",
        "count_share",
        "days_since",
        "_below_zero",
    ]
    chance = random.Random(20261121)
    return [*chance.sample(names, count), *(name for kind in kinds for name in of_kind(chance, names, kind))]


def of_kind(chance: random.Random, names: list[str], kind: str) -> list[str]:
    return chance.sample([name for name in names if kind in name], 2)


@pytest.mark.parametrize("name", picked(40))
def test_features_picked_at_random_are_what_plain_pandas_computes(real_lake, history, name):
    table = runs.read_features(real_lake, runs.current_run(real_lake), "full").to_pandas().set_index("loan_id")
    loans = marts_of(real_lake)["loans"].to_pandas().set_index("loan_id")
    expected = in_pandas(history, loans, name).reindex(table.index)
    if "_sum" in name:  # a loan with a history, but no such row, has a sum of nothing: 0
        expected = expected.fillna(0.0)
    np.testing.assert_allclose(table[name], expected, rtol=1e-9, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("cube", sorted({candidate.cube for candidate in NUMBERS}))
def test_the_sql_of_one_feature_alone_gives_what_the_whole_set_does(real_lake, cube):
    table = runs.read_features(real_lake, runs.current_run(real_lake), "full").to_pandas().set_index("loan_id")
    names = [candidate.name for candidate in NUMBERS if candidate.cube == cube]
    with over_marts(marts_of(real_lake)) as warehouse:
        for name in random.Random(cube).sample(names, 4):
            alone = warehouse.query(own_sql("full", name)).to_pandas().set_index("loan_id")[name]
            np.testing.assert_allclose(alone.astype(float), table[name], rtol=1e-12, equal_nan=True, err_msg=name)


def test_a_feature_of_the_form_and_its_synthesised_namesake_are_the_same(real_lake):
    run = runs.current_run(real_lake)
    form, full = (runs.read_features(real_lake, run, name).to_pandas() for name in ("form", "full"))
    shared = sorted(set(form.columns) & set(full.columns) - {"granted_on"})
    assert len(shared) >= 10
    for name in shared:
        pd.testing.assert_series_equal(form[name], full[name], rtol=1e-12)
