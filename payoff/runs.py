"""Runs of the ETL in the lake: ``runs/<run>/manifest.json`` says what a run holds, ``current.json`` which counts."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from payoff.errors import LakeError
from payoff.lake import Lake, read_checked, read_json, sha256, update_json, write_json

POINTER = "current.json"


@dataclass(frozen=True)
class Part:
    """One Parquet file of a table."""

    key: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Begun:
    """A run that is being written: its name, and the run that was current when it began."""

    run: str
    after: str | None


def begin(lake: Lake) -> Begun:
    """Begin a run.

    Raises
    ------
    LakeError
        The lake cannot be reached.
    """
    after = current_run(lake) if lake.exists(POINTER) else None
    return Begun(new_run_id(lake), after)


def new_run_id(lake: Lake) -> str:
    """A run name that sorts by time and is not taken: UTC, to the microsecond."""
    now = datetime.now(UTC)
    while lake.keys(f"runs/{(run := now.strftime('%Y-%m-%dT%H-%M-%S.%f'))}/"):
        now = datetime.now(UTC)
    return run


def write_parts(lake: Lake, prefix: str, batches: Iterable[pa.RecordBatch]) -> list[Part]:
    """Store each batch as ``<prefix>/part-NNNNN.parquet``; memory stays within one batch."""
    parts = []
    for number, batch in enumerate(batches):
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_batches([batch]), buffer, compression="zstd")
        data = buffer.getvalue()
        key = f"{prefix}/part-{number:05d}.parquet"
        lake.write(key, data)
        parts.append(Part(key, batch.num_rows, sha256(data)))
    return parts


def read_parts(lake: Lake, parts: Iterable[dict[str, Any]]) -> pa.Table:
    """The table that ``parts``, as a manifest lists them, hold together; every checksum is verified."""
    tables = [pq.read_table(io.BytesIO(read_checked(lake, part["key"], part["sha256"]))) for part in parts]
    if not tables:
        raise LakeError(f"the manifest in {lake.uri} lists a table without any part")
    return pa.concat_tables(tables)


def current_run(lake: Lake) -> str:
    """The run that readers use.

    Raises
    ------
    LakeError
        Nothing was exported yet.
    """
    if not lake.exists(POINTER):
        raise LakeError(f"{lake.uri} holds no run yet. Run `payoff etl` first.")
    return str(read_json(lake, POINTER)["run"])


def manifest(lake: Lake, run: str) -> dict[str, Any]:
    """The manifest of ``run``."""
    return read_json(lake, f"runs/{run}/manifest.json")


def publish(lake: Lake, begun: Begun, content: dict[str, Any]) -> None:
    """Write the manifest of a run, then point readers at it.

    Raises
    ------
    LakeError
        A run that began later, so may hold newer data, was published meanwhile; it stays current.
    """
    write_json(lake, f"runs/{begun.run}/manifest.json", content)

    def pointed(found: dict[str, Any] | None) -> dict[str, Any]:
        current = str(found["run"]) if found else None
        # One that was current before is replaced whatever its name, so that a clock gone wrong blocks nobody for good.
        if current is not None and current != begun.after and current > begun.run:
            raise LakeError(
                f"run {current}, which began after this one, was published first and stays current. This one is whole "
                f"in {lake.uri}/runs/{begun.run}, where no reader looks. Run `payoff etl export` again if it is wanted."
            )
        return {"run": begun.run}

    update_json(lake, POINTER, pointed)


def discard(lake: Lake, begun: Begun) -> None:
    """Remove what was written of a run that was not published."""
    for key in lake.keys(f"runs/{begun.run}/"):
        lake.delete(key)


def read_mart(lake: Lake, run: str, mart: str) -> pa.Table:
    """One mart of ``run``."""
    marts = manifest(lake, run)["marts"]
    if mart not in marts:
        raise LakeError(f"run {run} has no mart {mart!r}; it has {', '.join(sorted(marts))}")
    return read_parts(lake, marts[mart]["parts"])


def rebatched(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of exactly ``rows``, the last one excepted, so that equal tables give equal files."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(held).combine_chunks()
            yield from table.slice(0, rows).combine_chunks().to_batches()
            rest = table.slice(rows)
            held, count = rest.to_batches(), rest.num_rows
    if count:
        yield from pa.Table.from_batches(held).combine_chunks().to_batches()


def write_features(lake: Lake, run: str, set_name: str, table: pa.Table) -> str:
    """Store a feature table beside the marts it was made from; returns its prefix. Its manifest is written last."""
    prefix = f"runs/{run}/features/{set_name}"
    parts = write_parts(lake, prefix, table.combine_chunks().to_batches())
    content = {"columns": table.column_names, "parts": [vars(part) for part in parts], "rows": table.num_rows}
    write_json(lake, f"{prefix}/manifest.json", content)
    return prefix


def read_features(lake: Lake, run: str, set_name: str) -> pa.Table:
    """The feature table ``set_name`` of ``run``.

    Raises
    ------
    LakeError
        It was not built for this run.
    """
    key = f"runs/{run}/features/{set_name}/manifest.json"
    if not lake.exists(key):
        raise LakeError(f"run {run} has no features {set_name!r} yet. Run `payoff features build --set {set_name}`.")
    return read_parts(lake, read_json(lake, key)["parts"])
