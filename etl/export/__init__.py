"""Export: the marts as Parquet in the lake, one prefix a run, the pointer to it written last.

By query: several marts at once, each a stream of its own. By snapshot, see :mod:`etl.export.snapshot`.
"""

import platform
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from payoff import runs, schema
from payoff.errors import LakeError, PayoffError
from payoff.lake import Lake
from payoff.warehouse import Warehouse

#: Rows in memory at a time for each mart, and in one Parquet file.
BATCH_ROWS = 100_000
#: Marts that are streamed at once: while one waits for the database or the lake, another is being compressed.
STREAMS = 4


def export(
    warehouse: Warehouse,
    lake: Lake,
    origin: dict[str, str],
    *,
    engine: str | None = None,
    via: Mapping[str, Any] | None = None,
    begun: runs.Begun | None = None,
    batch_rows: int = BATCH_ROWS,
) -> str:
    """Write every mart as a new run and make it current; returns the run.

    A run that is killed half-way has no manifest and no pointer: readers stay with the one before. What a run that
    fails has written is removed where that is possible.

    Parameters
    ----------
    origin : dict
        Where the raw tables came from.
    engine : str, optional
        What made the marts, ``duckdb`` or ``mysql``, if not the warehouse they are read from.
    via : mapping, optional
        How they got here, for the manifest; by query unless it says otherwise.
    begun : runs.Begun, optional
        The run, if it began earlier.
    """
    begun = begun or runs.begin(lake)
    with _removed_if_it_fails(lake, begun):
        marts = _export_marts(warehouse, lake, begun.run, batch_rows)
        content = _manifest(begun.run, origin, marts, engine or warehouse.engine) | {
            "export": dict(via or {"via": "query"})
        }
    runs.publish(lake, begun, content)
    return begun.run


def _export_marts(warehouse: Warehouse, lake: Lake, run: str, batch_rows: int) -> dict[str, Any]:
    """What the manifest says of each mart; one that fails stops the others at their next batch."""
    stop = threading.Event()

    def of(mart: str) -> dict[str, Any]:
        return _export_mart(_until(stop, warehouse.stream(mart, batch_rows)), lake, run, mart, batch_rows)

    with ThreadPoolExecutor(STREAMS, thread_name_prefix="export") as pool:
        futures: dict[str, Future[dict[str, Any]]] = {mart: pool.submit(of, mart) for mart in schema.marts()}
        try:
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:  # also when a person stops it
            stop.set()
            pool.shutdown(cancel_futures=True)
    return {mart: future.result() for mart, future in futures.items()}


def _until(stop: threading.Event, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if stop.is_set():
            return
        yield batch


def _export_mart(batches: Iterable[pa.RecordBatch], lake: Lake, run: str, mart: str, batch_rows: int) -> dict[str, Any]:
    prefix = f"runs/{run}/marts/{mart}"
    parts = runs.write_parts(lake, prefix, runs.rebatched(batches, batch_rows))
    fields = schema.table_spec(mart).arrow
    if not parts:  # a mart without rows still has its columns
        parts = runs.write_parts(lake, prefix, [pa.RecordBatch.from_pylist([], schema=fields)])
    return {
        "rows": sum(part.rows for part in parts),
        "parts": [vars(part) for part in parts],
        "schema": {field.name: str(field.type) for field in fields},
    }


@contextmanager
def _removed_if_it_fails(lake: Lake, begun: runs.Begun) -> Iterator[None]:
    try:
        yield
    except PayoffError:
        with suppress(LakeError):  # the first error says what is wrong; what is left behind, nobody reads
            runs.discard(lake, begun)
        raise


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
