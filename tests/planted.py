"""A snapshot export as AWS writes it, planted in a bucket: its folders, its types, its gaps.

moto completes an export at once and writes nothing.
"""

import io
import json
import uuid
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from payoff import schema
from payoff.lake import Lake

DATABASE = "bank"
#: AWS's names of the types that sql/schema uses, and what it says it writes them as.
_TYPES = {"int32": ("int", "int32"), "date32[day]": ("date", "binary (UTF8)"), "string": ("varchar", "binary (UTF8)")}


def plant(
    place: Lake, task: str, tables: dict[str, pa.Table], database: str = DATABASE, pieces: int = 3, group: int = 50
) -> None:
    """Write ``tables``, the marts and origin, as the complete export ``task`` of ``database``.

    The rows of each lie in ``pieces`` files of two batches, in groups of ``group`` rows, with gaps between the numbers
    of the files, and not in the order of the key.
    """
    statuses = []
    for name, table in tables.items():
        _plant_table(place, f"{task}/{database}/{database}.{name}", written(table), pieces, group)
        statuses.append(_status(f"{database}.{name}", table, pieces))
    half = len(statuses) // 2
    for first, some in ((1, statuses[:half]), (half + 1, statuses[half:])):
        key = f"{task}/export_tables_info_{task}_from_{first}_to_{first + len(some) - 1}.json"
        place.write(key, json.dumps({"perTableStatus": some}).encode())
    info = {"exportTaskIdentifier": task, "status": "COMPLETE", "percentProgress": 100, "exportedFilesPath": task}
    place.write(f"{task}/export_info_{task}.json", json.dumps(info).encode())


def written(table: pa.Table) -> pa.Table:
    """The same rows in the types that AWS writes: a date as text, and nothing promised not to be missing."""
    fields = [
        pa.field(f.name, pa.string() if pa.types.is_date(f.type) else f.type, nullable=True) for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def _plant_table(place: Lake, folder: str, table: pa.Table, pieces: int, group: int) -> None:
    place.write(f"{folder}/1/_SUCCESS", b"")
    size = -(-table.num_rows // pieces)
    for number in range(pieces if table.num_rows else 0):
        piece = table.slice(number * size, size)
        if not piece.num_rows:
            continue
        batch = 2 if number == 0 else 1  # the first rows by key come last by name
        place.write(f"{folder}/{batch}/_SUCCESS", b"")
        place.write(f"{folder}/{batch}/part-{number * 3:05d}-{uuid.uuid4()}-c000.gz.parquet", parquet(piece, group))


def parquet(table: pa.Table, group: int = 50) -> bytes:
    """The file that AWS would write: gzip, and decimals in as few bytes as hold them."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="gzip", store_decimal_as_integer=True, row_group_size=group)
    return sink.getvalue()


def _status(target: str, table: pa.Table, pieces: int) -> dict[str, Any]:
    mappings = [
        {"columnName": f.name, "originalType": _TYPES.get(str(f.type), ("decimal", "int64"))[0],
         "expectedExportedType": _TYPES.get(str(f.type), ("decimal", "int64"))[1]}
        for f in table.schema
    ]  # fmt: skip
    done = {"numberOfPartitions": pieces, "numberOfCompletedPartitions": pieces}
    return {
        "tableStatistics": {"partitioningInfo": done},
        "schemaMetadata": {"originalTypeMappings": mappings},
        "status": "COMPLETE",
        "sizeGB": 0.001,
        "target": target,
    }


def origin_table(origin: dict[str, str]) -> pa.Table:
    """The table ``origin`` with these rows."""
    rows = [{"name": name, "value": value} for name, value in origin.items()]
    return pa.Table.from_pylist(rows, schema=schema.table_spec("origin").arrow)
