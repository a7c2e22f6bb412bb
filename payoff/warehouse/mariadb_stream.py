"""Rows out of MariaDB as they come, in order of the key, over a connection that may break.

Each stream has a connection of its own, so several can run at once. One that breaks goes on over another connection
after the last row that arrived; and a stream ends well only if the table was not replaced meanwhile.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine, Row, and_, asc, column, or_, select, table, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import ColumnElement

from payoff.errors import WarehouseError
from payoff.mariadb import forget_rows, retrying
from payoff.mariadb.advice import said
from payoff.schema import TableSpec

_log = logging.getLogger(__name__)
_Rows = Sequence[Row[Any]]


class Streams:
    """The streams of one warehouse. What was published when the first began is what all of them read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._published: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def stream(self, spec: TableSpec, name: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of the table ``name``, which is declared as ``spec``.

        Raises
        ------
        WarehouseError
            The table was replaced before its stream ended.
        SQLAlchemyError
            The server refuses, or is gone for too long.
        """
        with self._lock:
            self._published = self._published or retrying.restarting(self._created)
        for rows in self._batches(spec, name, batch_rows):
            columns = zip(*rows, strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, spec.arrow, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=spec.arrow)
        if retrying.restarting(self._created).get(name) != self._published.get(name):
            raise WarehouseError(
                f"{name} was replaced by another build while it was read. The lake's current run stays as it is; run "
                "`payoff etl export` again."
            )

    def _batches(self, spec: TableSpec, name: str, batch_rows: int) -> Iterator[_Rows]:
        last: Row[Any] | None = None
        while True:
            # The first rows belong to the beginning, so that each new beginning comes nearer to the end.
            begun = retrying.restarting(partial(_Begun, self._engine, _query(spec, name, last), batch_rows))
            with closing(begun):
                try:
                    for rows in begun:
                        yield rows
                        last = rows[-1]
                    return
                except SQLAlchemyError as error:
                    if not retrying.is_lost(error):
                        raise
                    _log.warning("the stream of %s broke and goes on over another connection: %s", name, said(error))

    def _created(self) -> dict[str, Any]:
        """When each table was put in its place."""
        published = text(
            "select table_name, create_time from information_schema.tables where table_schema = database()"
        )
        with self._engine.connect() as connection:
            return {str(name): created for name, created in connection.execute(published)}


class _Begun:
    """A query whose first rows have arrived."""

    def __init__(self, engine: Engine, query: Any, batch_rows: int) -> None:
        self._connection: Connection = engine.connect()
        self._whole, self._cursor = False, None
        try:
            streaming = self._connection.execution_options(stream_results=True, max_row_buffer=batch_rows)
            result = streaming.execute(query)
            self._cursor = result.cursor
            self._rest = result.partitions(batch_rows)
            self._first = next(self._rest, None)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[_Rows]:
        if self._first:
            yield self._first
            yield from self._rest
        self._whole = True

    def close(self) -> None:
        """Give the connection back; one with rows still to come is dropped instead."""
        if not self._whole and not self._connection.invalidated:
            forget_rows(self._cursor)
            self._connection.invalidate()
        self._connection.close()


def _query(spec: TableSpec, name: str, after: Row[Any] | None) -> Any:
    columns: list[ColumnElement[Any]] = [column(each) for each in spec.column_names]
    key: list[ColumnElement[Any]] = [column(each) for each in spec.key]
    query = select(*columns).select_from(table(name)).order_by(*map(asc, key))
    if after is None:
        return query
    return query.where(_beyond(key, [after._mapping[each] for each in spec.key]))


def _beyond(key: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a row comes after ``values``; written out, as MariaDB finds no index for a comparison of tuples."""
    steps = []
    for place, (part, value) in enumerate(zip(key, values, strict=True)):
        same = [earlier == held for earlier, held in zip(key[:place], values[:place], strict=True)]
        steps.append(and_(*same, part > value))
    return or_(*steps)
