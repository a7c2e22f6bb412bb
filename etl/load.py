"""Load: the source's tables, typed and checked, into the warehouse."""

import pyarrow as pa

from etl.source import RawData
from payoff import schema
from payoff.warehouse import Warehouse, create_table

ORIGIN = "origin"


def load(warehouse: Warehouse, raw: RawData) -> None:
    """Create the raw tables with their keys and fill them, those referred to first."""
    for table in schema.raw_tables():
        create_table(warehouse, table)
        warehouse.insert(table, raw.tables[table])
    create_table(warehouse, ORIGIN)
    rows = [{"name": name, "value": value} for name, value in raw.origin.items()]
    warehouse.insert(ORIGIN, pa.Table.from_pylist(rows, schema=schema.table_spec(ORIGIN).arrow))


def read_origin(warehouse: Warehouse) -> dict[str, str]:
    """Where the raw tables of ``warehouse`` came from."""
    rows = warehouse.query(f"select name, value from {ORIGIN}").to_pylist()
    return {row["name"]: row["value"] for row in rows}
