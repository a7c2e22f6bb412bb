"""The synthesis knows of no bank: a shop three levels deep, computed in plain pandas beside it."""

import copy

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from shop import SHOP, as_money, computed_by, customers, interfered, lines, orders, some_orders

from features.relational import BANK, check_columns, parsed_schema, read_schema
from features.synthesis import candidates
from payoff.errors import ContractError
from payoff.warehouse.duckdb_file import DuckDBWarehouse


def computed(schema_text: dict, **tables: pd.DataFrame) -> pd.DataFrame:
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, as_money(table))
        return computed_by(DuckDBWarehouse(connection), schema_text)


def test_a_schema_three_levels_deep_is_summed_up_to_its_population():
    features = computed(SHOP, customers=customers, orders=orders, order_lines=lines)
    first = features.loc[1].astype(float)
    expected = {
        "limit_eur": 100,
        "born_on": 8918,
        "order_count": 2,
        "order_total_sum": 40.5,
        "order_total_sum_30d": 30.5,
        "order_total_max_per_limit": 0.305,
        "order_count_o_clock_drop_table_orders": 1,
        "order_count_share_web": 0.5,
        "order_count_share_all": 0,
        "order_count_anywhere": 2,
        "order_total_mean_anywhere": 20.25,
        "order_days_since_first_anywhere": 61,
        "order_total_max_per_web": 30.5 / (30.5 / 3),
        "order_total_mean_web_90d_per_web": 30.5 / (30.5 / 3),
        "order_days_since_last": 1,
        "order_line_count_sum": 3,
        "order_line_count_mean": 1.5,
        "order_line_price_max_max": 20,
        "order_line_price_sum_mean": 20.25,
        "order_total_std": np.std([30.5, 10], ddof=1),
        "order_total_trend_90d": (30.5 - 10) / 60,
        "order_total_median": 20.25,
        "order_shop_distinct": 2,
        "order_month_total_sum_mean": 20.25,
    }
    for name, value in expected.items():
        assert first[name] == pytest.approx(value, rel=1e-12), name
    assert features.loc[2, "order_total_sum_90d"] == 0
    assert pd.isna(features.loc[2, "order_total_mean_90d"])
    assert pd.isna(features.loc[3, "order_count"])


def test_an_undated_entity_gives_no_feature():
    assert not [each.name for each in candidates(parsed_schema(SHOP)) if "wish" in each.name]


def spoilt(**changes: object) -> dict:
    schema = copy.deepcopy(SHOP)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = schema
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return schema


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"population": "nobody"}, "the population 'nobody' is none of the entities"),
        ({"orders__time": None}, "orders is dated, but neither it nor its parents have a time column"),
        ({"orders__parent": None}, "orders belongs to nothing"),
        ({"orders__parent__entity": "nobody"}, "the parent nobody of orders is not declared"),
        ({"orders__parent__entity": "order_lines"}, "is a circle"),
        ({"orders__columns__shop__values": []}, "orders.shop is a category without values"),
        ({"orders__columns__shop__role": "colour"}, "role"),
        ({"orders__key": "order id; drop table orders"}, "pattern"),
        ({"orders__key": "OrderId"}, "pattern"),
        ({"orders__colour": "red"}, "colour"),
        (
            {"orders__conditions__anywhere__where": {"colour": ["red"]}},
            "the condition anywhere of orders asks for colour",
        ),
        ({"orders__conditions__anywhere__where": {}}, "asks for nothing; expected categories"),
        ({"customers__scales__web__rolled": None}, "the scale web of customers needs either sql or rolled"),
        ({"customers__scales__web__rolled__entity": "wishes"}, "wishes, which is no entity with a time column"),
        ({"customers__scales__web__rolled__column": "colour"}, "names colour, which orders does not declare"),
        ({"customers__scales__web__rolled__days": 20}, "sums up 20 days; expected a month of 30 or more"),
        ({"windows_days": [0]}, "windows_days"),
        ({"cutoff": None}, "cutoff"),
    ],
)
def test_a_schema_that_cannot_be_used_says_why(changes, reason):
    with pytest.raises(ContractError, match=reason):
        parsed_schema(spoilt(**changes))


def test_a_column_that_is_not_there_is_named():
    tables = {name: set(table.columns) for name, table in (("customers", customers), ("orders", orders))}
    tables["wishes"] = {"wish_id", "customer_id", "price_eur"}
    tables["orders"].remove("total_eur")
    with pytest.raises(ContractError, match="orders has no column total_eur; there is no table order_lines"):
        check_columns(parsed_schema(SHOP), tables)


def test_two_features_of_one_name_and_names_that_are_too_long_are_refused():
    twice = spoilt(orders__columns__shop__values=["web", "WEB"])
    with pytest.raises(ContractError, match="one name"):
        candidates(parsed_schema(twice))
    with pytest.raises(ContractError, match="64"):
        candidates(parsed_schema(spoilt(**{f"orders__columns__{'o' * 60}": {"role": "amount", "means": "oh"}})))


def test_a_file_that_is_no_schema_is_refused(tmp_path):
    (tmp_path / "schema.toml").write_text("population = ")
    with pytest.raises(ContractError, match="not a relational schema"):
        read_schema(tmp_path / "schema.toml")
    assert read_schema(BANK).population == "loans"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_orders, some_orders)
def test_no_row_on_or_after_the_cutoff_changes_a_byte_of_any_feature(rows, others):
    alone, mixed = interfered(rows, others)
    expected = computed(SHOP, customers=customers, orders=alone, order_lines=lines.head(0))
    for orders_seen in mixed:
        seen = computed(SHOP, customers=customers, orders=orders_seen, order_lines=lines.head(0))
        assert pa.Table.from_pandas(seen).equals(pa.Table.from_pandas(expected))
