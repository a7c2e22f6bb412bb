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
    return rows.assign(**money, month=(rows["days_before"] - 1) // 30)


CONDITIONS = {
    value: (column, value)
    for column, values in {
        "direction": ["credit", "debit"],
        "operation": ["cash_deposit", "cash_withdrawal", "card_withdrawal", "transfer_in", "transfer_out"],
        "purpose": ["insurance", "statement", "interest", "sanction_interest", "household"],
    }.items()
    for value in values
}
STEMS = {"amount": "amount_czk", "signed_amount": "signed_amount_czk", "balance": "balance_czk"}
PATTERN = re.compile(
    r"transaction_(?P<month>month_)?(?P<stem>signed_amount|amount|balance)_"
    rf"(?:(?P<monthly>sum|min|max)(?:_(?P<part>credit|debit))?_)?(?P<operation>sum|mean|min|max|std|share|median)"
    rf"(?:_(?P<condition>{'|'.join(CONDITIONS)}))?(?:_(?P<days>\d+)d)?$"
)


def in_pandas(history: pd.DataFrame, name: str) -> pd.Series:
    """A feature by its name, over plain groups."""
    found = PATTERN.match(name)
    column = STEMS[found["stem"]]
    days = int(found["days"] or 10**6)
    if found["month"]:
        chosen = history[history["direction"] == found["part"]] if found["part"] else history
        spans = history.groupby(["loan_id", "month"]).size().index
        monthly = chosen.groupby(["loan_id", "month"])[column].agg(found["monthly"])
        monthly = monthly.reindex(spans, fill_value=0.0).reset_index()
        return operated(monthly[monthly["month"] < days // 30].groupby("loan_id")[column], found["operation"])
    window = history[history["days_before"] <= days]
    if not found["condition"]:
        return operated(window.groupby("loan_id")[column], found["operation"])
    name_of, value = CONDITIONS[found["condition"]]
    chosen = window[window[name_of] == value].groupby("loan_id")[column]
    if found["operation"] == "share":
        whole = window.groupby("loan_id")[column].sum()
        return chosen.sum().reindex(whole.index, fill_value=0.0) / whole
    return operated(chosen, found["operation"])


def operated(groups, operation: str) -> pd.Series:
    return getattr(groups, operation)()


def picked(count: int) -> list[str]:
    names = [candidate.name for candidate in NUMBERS if PATTERN.match(candidate.name)]
    assert len(names) > 300
    return random.Random(20261121).sample(names, count)


@pytest.mark.parametrize("name", picked(40))
def test_features_picked_at_random_are_what_plain_pandas_computes(real_lake, history, name):
    table = runs.read_features(real_lake, runs.current_run(real_lake), "full").to_pandas().set_index("loan_id")
    expected = in_pandas(history, name).reindex(table.index)
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
