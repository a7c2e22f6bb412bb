"""Export: the marts as Parquet in the lake, one prefix a run, the pointer to it written last."""

import platform
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from payoff import runs, schema
from payoff.lake import Lake
from payoff.warehouse import Warehouse

#: Rows in memory at a time, and in one Parquet file.
BATCH_ROWS = 100_000
#: Marts that are streamed at the same time, each over a connection of its own.
_AT_ONCE = 3


def export(warehouse: Warehouse, lake: Lake, origin: dict[str, str], batch_rows: int = BATCH_ROWS) -> str:
    """Write every mart as a new run and make it current; returns the run.

    A run that is killed half-way has no manifest and no pointer: readers stay with the one before.
    """
    run = runs.new_run_id(lake)
    marts = _export_marts(warehouse, lake, run, batch_rows)
    runs.publish(lake, run, _manifest(run, origin, marts, warehouse.engine))
    return run


def _export_marts(warehouse: Warehouse, lake: Lake, run: str, batch_rows: int) -> dict[str, dict[str, Any]]:
    """Every mart, several at once: while one waits for the database or the lake, another is being compressed."""
    marts = schema.marts()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        written = pool.map(lambda mart: _export_mart(warehouse, lake, run, mart, batch_rows), marts)
        return dict(zip(marts, written, strict=True))


def _export_mart(warehouse: Warehouse, lake: Lake, run: str, mart: str, batch_rows: int) -> dict[str, Any]:
    prefix = f"runs/{run}/marts/{mart}"
    parts = runs.write_parts(lake, prefix, warehouse.stream(mart, batch_rows))
    fields = schema.table_spec(mart).arrow
    if not parts:  # a mart without rows still has its columns
        parts = runs.write_parts(lake, prefix, [pa.RecordBatch.from_pylist([], schema=fields)])
    return {
        "rows": sum(part.rows for part in parts),
        "parts": [vars(part) for part in parts],
        "schema": {field.name: str(field.type) for field in fields},
    }


def _manifest(run: str, origin: dict[str, str], marts: dict[str, Any], engine: str) -> dict[str, Any]:
    packages = ("payoff", "duckdb", "pyarrow", "sqlglot", "sqlalchemy", "pymysql")
    return {
        "run": run,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": origin,
        "engine": engine,
        "sql_sha256": schema.sql_hash(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "marts": marts,
    }
