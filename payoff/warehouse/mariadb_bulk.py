"""Rows into a MariaDB table by the hundred thousand: LOAD DATA LOCAL, fed from memory through a pipe.

A thread turns Arrow batches into the text of LOAD DATA while the driver sends what is there, so memory stays within a
batch, and no file is written.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from payoff.errors import WarehouseError

_BATCH_ROWS = 20_000
#: What LOAD DATA reads as another byte, by that byte: the escapes themselves first.
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0"}
_NULL = "\\N"
# In hexadecimal, so that no sql_mode gives a backslash another meaning.
_FORMAT = "character set utf8mb4 fields terminated by 0x09 enclosed by '' escaped by 0x5C lines terminated by 0x0A"


def load_rows(connection: Connection, table: str, rows: pa.Table) -> None:
    """Append ``rows`` to ``table``: all of them, or none.

    Parameters
    ----------
    connection : Connection
        In autocommit, with ``local_infile`` at both ends.
    table : str
        A name of this program, not of a user.

    Raises
    ------
    WarehouseError
        The server left rows out or changed values, which LOAD DATA LOCAL itself only warns of.
    """
    columns = ", ".join(f"`{name}`" for name in rows.column_names)
    connection.exec_driver_sql("start transaction")
    try:
        with _piped(rows) as file:
            result = connection.exec_driver_sql(
                f"load data local infile '{file}' into table `{table}` {_FORMAT} ({columns})"
            )
        _check(connection, table, rows.num_rows, result.rowcount)
        connection.exec_driver_sql("commit")
    except BaseException:
        if not connection.invalidated:
            connection.exec_driver_sql("rollback")
        raise


def _check(connection: Connection, table: str, sent: int, taken: int) -> None:
    warned = connection.exec_driver_sql("show count(*) warnings").scalar()
    if taken == sent and not warned:
        return
    first = connection.exec_driver_sql("show warnings limit 3").all()
    told = "; ".join(f"{message} ({code})" for _, code, message in first)
    raise WarehouseError(f"MariaDB took {taken:,} of {sent:,} rows into {table} as they are: {told}. None was kept.")


@contextmanager
def _piped(rows: pa.Table) -> Iterator[str]:
    """A path under which the text of ``rows`` can be read once, while the block lasts."""
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1, thread_name_prefix="bulk") as pool:
        written = pool.submit(_write, os.fdopen(writing, "wb"), rows)
        try:
            yield f"/dev/fd/{reading}"
        finally:
            # A writer that nobody reads from any more ends with that.
            os.close(reading)
        written.result()


def _write(pipe: BinaryIO, rows: pa.Table) -> None:
    with suppress(BrokenPipeError), pipe:
        for batch in rows.to_batches(max_chunksize=_BATCH_ROWS):
            pipe.write(as_text(batch))


def as_text(batch: pa.RecordBatch) -> bytes:
    """The rows as LOAD DATA reads them: fields parted by tabs, lines ended by line feeds, and a word for no value."""
    fields = [_fields(column) for column in batch.columns]
    lines = pc.binary_join_element_wise(*fields, "\t")
    whole = pa.LargeListArray.from_arrays([0, len(lines)], lines)
    return bytes(pc.binary_join(whole, "\n")[0].as_buffer()) + b"\n"


def _fields(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string())
    if pa.types.is_string(column.type):
        for byte, written in _ESCAPES.items():
            text = pc.replace_substring(text, byte, written)
    return pc.fill_null(text, _NULL)
