"""What AWS wrote: which files hold which table, whether they are all there, and their rows in the declared types.

The layout is AWS's, see "File naming conventions" and "Data conversion" of its guide to snapshot exports:
``TASK/DATABASE/DATABASE.TABLE/BATCH/part-NNNNN-UUID.gz.parquet``, in older exports without the batch. Part numbers have
gaps. ``export_tables_info_*.json`` has the state of each table, but no count of rows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from payoff import schema
from payoff.errors import ExportError
from payoff.lake import Lake, read_json

_ANEW = "Export anew, under another name."
_PART = re.compile(r".*/part-[^/]*\.parquet")


def files_of(place: Lake, task: str, database: str, tables: Sequence[str]) -> dict[str, list[str]]:
    """The keys of the Parquet files of each table; none for a table without rows.

    Raises
    ------
    ExportError
        A table is missing, or not whole.
    """
    keys = place.keys(f"{task}/")
    told = _told(place, task, keys)
    return {table: _files(task, database, table, keys, told.get(f"{database}.{table}")) for table in tables}


def batches_of(path: Path, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of one file in the declared types of ``table``, ``batch_rows`` at a time.

    Raises
    ------
    ExportError
        It is no Parquet file, is damaged, lacks a column, or holds a value that its declared type cannot take.
    """
    fields = schema.table_spec(table).arrow
    try:
        with pq.ParquetFile(path) as file:
            if missing := [name for name in fields.names if name not in file.schema_arrow.names]:
                raise ExportError(f"{path.name} of the table {table} has no column {', '.join(missing)}")
            rows = 0
            for batch in file.iter_batches(batch_rows, columns=fields.names):
                rows += batch.num_rows
                yield _cast(batch, fields, table)
            if rows != file.metadata.num_rows:
                raise ExportError(
                    f"{path.name} of {table} says that it has {file.metadata.num_rows} rows, but has {rows}"
                )
    except (pa.ArrowException, OSError) as error:
        raise ExportError(f"{path.name} of the table {table} cannot be read: {error}. {_ANEW}") from error


def _cast(batch: pa.RecordBatch, fields: pa.Schema, table: str) -> pa.RecordBatch:
    """AWS writes DATE as text, and DECIMAL in as few bytes as it takes; nothing is rounded or cut to fit."""
    arrays = []
    for field in fields:
        try:
            arrays.append(batch.column(field.name).cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ExportError(
                f"the column {field.name} of the exported table {table} is declared {field.type}: {error}. "
                "The tables are not those of sql/schema: run `payoff etl transform`, and export a new snapshot."
            ) from error
    return pa.RecordBatch.from_arrays(arrays, schema=fields)


def _told(place: Lake, task: str, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """What AWS says of each table, by its name with the database before it."""
    infos = [key for key in keys if re.fullmatch(re.escape(task) + r"/export_tables_info_[^/]*\.json", key)]
    found = [status for key in infos for status in read_json(place, key).get("perTableStatus", [])]
    return {str(status.get("target")): status for status in found}


def _files(task: str, database: str, table: str, keys: Sequence[str], told: Mapping[str, Any] | None) -> list[str]:
    folder = f"{task}/{database}/{database}.{table}/"
    inside = [key for key in keys if key.startswith(folder)]
    parts = [key for key in inside if _PART.fullmatch(key)]
    if told is None and not inside:
        raise ExportError(
            f"the export {task} holds no table {database}.{table}. Was it in the database when the snapshot was taken? "
            "Run `payoff etl transform`, and export anew, under another name."
        )
    if told and (fault := _fault(told)):
        raise ExportError(f"the table {database}.{table} is not whole in the export {task}: {fault}. {_ANEW}")
    folders = {key.rpartition("/")[0] for key in parts}
    if unmarked := sorted(each for each in folders if f"{each}/_SUCCESS" not in inside):
        raise ExportError(f"{unmarked[0]} has no _SUCCESS, so AWS did not finish it. {_ANEW}")
    return parts


def _fault(told: Mapping[str, Any]) -> str:
    status = str(told.get("status", "")).upper()
    statistics = told.get("tableStatistics") or told.get("TableStatistics") or {}
    partitions = statistics.get("partitioningInfo") or {}
    wanted, done = partitions.get("numberOfPartitions"), partitions.get("numberOfCompletedPartitions")
    if status != "COMPLETE":
        return f"AWS calls it {status or 'nothing'} ({told.get('warningMessage') or 'without a reason'})"
    return f"AWS wrote {done} of its {wanted} partitions" if wanted != done else ""
