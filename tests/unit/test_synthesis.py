"""The synthesis knows of no bank: a shop three levels deep, computed in plain pandas beside it."""

import copy
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.relational import BANK, check_columns, parsed_schema, read_schema
from features.rendering import query
from features.synthesis import candidates
from features.table import answered, joined
from payoff.errors import ContractError
from payoff.warehouse.duckdb_file import DuckDBWarehouse

SHOP = {
    "population": "customers",
    "cutoff": "asked_on",
    "event": "offer",
    "windows_days": [30, 90],
    "few_windows_days": [90],
    "month_days": 30,
    "customers": {
        "key": "customer_id",
        "prefix": "customer",
        "noun": "customer",
        "columns": {
            "limit_eur": {"role": "amount", "unit": "EUR", "known": "static", "means": "credit limit"},
            "born_on": {"role": "date", "unit": "days", "known": "static", "means": "birth"},
        },
        "scales": {"limit": {"of": "EUR", "sql": "population.limit_eur", "unit": "limits", "means": "the limit"}},
    },
    "orders": {
        "key": "order_id",
        "parent": {"entity": "customers", "column": "customer_id"},
        "time": "ordered_on",
        "prefix": "order",
        "noun": "order",
        "columns": {
            "total_eur": {"role": "amount", "unit": "EUR", "means": "total"},
            "shop": {"role": "category", "values": ["web", "o'clock; drop table orders"], "means": "where"},
        },
    },
    "order_lines": {
        "key": "line_id",
        "parent": {"entity": "orders", "column": "order_id"},
        "prefix": "line",
        "noun": "line",
        "columns": {"price_eur": {"role": "amount", "unit": "EUR", "means": "price"}},
    },
    "wishes": {
        "key": "wish_id",
        "parent": {"entity": "customers", "column": "customer_id"},
        "known": "undated",
        "prefix": "wish",
        "noun": "wish",
        "columns": {"price_eur": {"role": "amount", "unit": "EUR", "means": "price"}},
    },
}  # fmt: skip

CUTOFF = date(2024, 6, 1)
customers = pd.DataFrame(
    {
        "customer_id": [1, 2, 3],
        "asked_on": [CUTOFF] * 3,
        "limit_eur": [100, 200, 300],
        "born_on": [date(2000, 1, 1)] * 3,
    }
)
orders = pd.DataFrame(
    [
        (10, 1, date(2024, 5, 31), 30.5, "web"),
        (11, 1, date(2024, 4, 1), 10.0, "o'clock; drop table orders"),
        (12, 1, date(2024, 6, 1), 99.0, "web"),
        (13, 2, date(2024, 1, 1), 7.0, "web"),
    ],
    columns=["order_id", "customer_id", "ordered_on", "total_eur", "shop"],
)
lines = pd.DataFrame(
    [(1, 10, 10.5), (2, 10, 20.0), (3, 11, 10.0), (4, 12, 99.0), (5, 13, 3.0), (6, 13, 4.0)],
    columns=["line_id", "order_id", "price_eur"],
)


def as_money(table: pd.DataFrame) -> pa.Table:
    """The table with its sums of money as decimals, as a bank or shop keeps them."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    for place, name in enumerate(arrow.column_names):
        if name.endswith("_eur"):
            arrow = arrow.set_column(place, name, arrow[name].cast(pa.float64()).cast(pa.decimal128(14, 2)))
    return arrow


def computed(schema_text: dict, **tables: pd.DataFrame) -> pd.DataFrame:
    schema = parsed_schema(schema_text)
    key = schema.entities[schema.population].key
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, as_money(table))
        answers = answered(DuckDBWarehouse(connection), query(schema, candidates(schema)))
        return joined(answers, schema, candidates(schema)).set_index(key)


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


amounts = st.integers(-1_000_000, 1_000_000).map(lambda cents: cents / 100)
days = st.integers(-400, 400)
some_orders = st.lists(st.tuples(st.integers(1, 3), days, amounts, st.sampled_from(["web", "phone"])), max_size=25)


def as_orders(rows: list, first: int = 1) -> pd.DataFrame:
    columns = ["order_id", "customer_id", "ordered_on", "total_eur", "shop"]
    dated = [
        (number, customer, pd.Timestamp(CUTOFF) - pd.Timedelta(days=before), total, shop)
        for number, (customer, before, total, shop) in enumerate(rows, start=first)
    ]
    table = pd.DataFrame(dated, columns=columns).astype(
        {"order_id": "int64", "customer_id": "int64", "total_eur": float}
    )
    return table.assign(ordered_on=pd.to_datetime(table["ordered_on"]).dt.date, shop=table["shop"].astype(str))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_orders, some_orders)
def test_no_row_on_or_after_the_cutoff_changes_a_byte_of_any_feature(rows, others):
    earlier = [row for row in rows if row[1] > 0]
    later = [(customer, -abs(before), total, shop) for customer, before, total, shop in others]
    no_lines = lines.head(0)
    alone = computed(SHOP, customers=customers, orders=as_orders(earlier), order_lines=no_lines)
    together = as_orders(earlier + later)
    for mixed in (together, together.sample(frac=1, random_state=1)):
        seen = computed(SHOP, customers=customers, orders=mixed, order_lines=no_lines)
        assert pa.Table.from_pandas(seen).equals(pa.Table.from_pandas(alone))
