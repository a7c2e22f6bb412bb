"""The shop on MariaDB: no row on or after the cutoff changes a byte, and DuckDB computes the same."""

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from shop import SHOP, as_money, computed_by, customers, interfered, lines, orders, some_orders

from payoff.warehouse import Warehouse, open_warehouse
from payoff.warehouse.duckdb_file import DuckDBWarehouse

_BINARY = "default charset = utf8mb4 collate = utf8mb4_bin"
TABLES = {
    "customers": "customer_id int primary key, asked_on date, limit_eur decimal(14, 2), born_on date",
    "orders": "order_id int primary key, customer_id int, ordered_on date, total_eur decimal(14, 2), shop varchar(64)",
    "order_lines": "line_id int primary key, order_id int, price_eur decimal(14, 2)",
}


@pytest.fixture(scope="module")
def shop_on_mariadb(mariadb_server) -> Iterator[Warehouse]:
    with open_warehouse(mariadb_server.create_database("shop")) as warehouse:
        for name, columns in TABLES.items():
            warehouse.run(f"create table {name} ({columns}) {_BINARY}")
        warehouse.insert("customers", as_money(customers))
        yield warehouse
    mariadb_server.drop_database("shop")


def computed(warehouse: Warehouse, **tables: pd.DataFrame) -> pd.DataFrame:
    for name, table in tables.items():
        warehouse.run(f"delete from {name}")
        if len(table):
            warehouse.insert(name, as_money(table))
    return computed_by(warehouse, SHOP)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(some_orders, some_orders)
def test_no_row_on_or_after_the_cutoff_changes_a_byte_of_any_feature(shop_on_mariadb, rows, others):
    alone, mixed = interfered(rows, others)
    expected = computed(shop_on_mariadb, orders=alone, order_lines=lines.head(0))
    for orders_seen in mixed:
        assert pa.Table.from_pandas(computed(shop_on_mariadb, orders=orders_seen)).equals(
            pa.Table.from_pandas(expected)
        )


def test_the_shop_gives_the_same_on_both_engines(shop_on_mariadb):
    on_mariadb = computed(shop_on_mariadb, orders=orders, order_lines=lines)
    with duckdb.connect() as connection:
        for name, table in (("customers", customers), ("orders", orders), ("order_lines", lines)):
            connection.register(name, as_money(table))
        on_duckdb = computed_by(DuckDBWarehouse(connection), SHOP)
    np.testing.assert_allclose(on_mariadb.astype(float), on_duckdb.astype(float), rtol=1e-9, equal_nan=True)
