"""A shop three levels deep, customers with orders with lines, for what must know of no bank."""

from datetime import date

import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

from features.relational import parsed_schema
from features.rendering import query
from features.synthesis import candidates
from features.table import answered, joined
from payoff.warehouse import Warehouse

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
        "scales": {
            "limit": {"of": "EUR", "sql": "population.limit_eur", "unit": "limits", "means": "the limit"},
            "web": {
                "of": "EUR", "unit": "web months", "means": "what the web took in a month", "conditions": True,
                "rolled": {"entity": "orders", "column": "total_eur", "where": {"shop": ["web"]}, "days": 90},
            },
        },
    },
    "orders": {
        "key": "order_id",
        "parent": {"entity": "customers", "column": "customer_id"},
        "time": "ordered_on",
        "prefix": "order",
        "noun": "order",
        "columns": {
            "total_eur": {"role": "amount", "unit": "EUR", "means": "total"},
            "shop": {"role": "category", "values": ["web", "all", "o'clock; drop table orders"], "means": "where"},
        },
        "conditions": {"anywhere": {"where": {"shop": ["web", "o'clock; drop table orders"]}, "means": "anywhere"}},
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


def computed_by(warehouse: Warehouse, schema_text: dict) -> pd.DataFrame:
    """Every candidate of a schema over the tables of ``warehouse``, by the population's key."""
    schema = parsed_schema(schema_text)
    wanted = candidates(schema)
    return joined(answered(warehouse, query(schema, wanted)), schema, wanted).set_index(
        schema.entities[schema.population].key
    )


def interfered(rows: list, others: list) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Orders before the cutoff, and tables that hold later ones too: at the end, and in between."""
    earlier = [row for row in rows if row[1] > 0]
    later = [(customer, -abs(before), total, shop) for customer, before, total, shop in others]
    together = as_orders(earlier + later)
    return as_orders(earlier), [together, together.sample(frac=1, random_state=1)]


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
