"""The warehouse on a MariaDB server, through SQLAlchemy and PyMySQL."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from payoff import dialect, mariadb, schema
from payoff.dialect import Engine
from payoff.errors import WarehouseError
from payoff.mariadb import retrying
from payoff.warehouse.mariadb_bulk import load_rows
from payoff.warehouse.mariadb_stream import Streams

_LOADERS, _READERS = "PAYOFF_WAREHOUSE_URL", "PAYOFF_WAREHOUSE_URL or PAYOFF_WAREHOUSE_READ_URL"
#: A server that vanishes without a word is given up after this long; no statement that reads takes longer.
_READ_SECONDS = 900
_INSERT_ROWS = 5_000
_LOCK = "payoff.rebuild"


class MariaDBWarehouse:
    """A :class:`payoff.warehouse.Warehouse` over an open connection.

    Parameters
    ----------
    connection : Connection
        In autocommit. Streams take others from its engine, so they see no temporary table of this one.
    renamed : mapping of table to name
        Which tables are built aside, and under which name.
    bulk : bool
        Whether both ends allow LOAD DATA LOCAL.
    """

    engine: Engine = "mysql"

    def __init__(self, connection: Connection, renamed: Mapping[str, str] | None = None, *, bulk: bool = False) -> None:
        self._connection = connection
        self._renamed = renamed or {}
        self._bulk = bulk
        self._streams = Streams(connection.engine)

    def run(self, sql: str) -> None:
        for statement in dialect.transpile(sql, self.engine, self._renamed):
            _execute(self._connection, statement)

    def query(self, sql: str) -> pa.Table:
        (statement,) = dialect.transpile(sql, self.engine, self._renamed)
        with _worded():
            result = self._connection.exec_driver_sql(statement)
            names, rows = list(result.keys()), result.all()
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        return pa.table([pa.array(column) for column in columns], names)

    def stream(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        with _worded():
            yield from self._streams.stream(schema.table_spec(table), self._name(table), batch_rows)

    def insert(self, table: str, rows: pa.Table) -> None:
        into = self._name(table)
        with _worded():
            if self._bulk:
                retrying.undone(lambda: load_rows(self._connection, into, rows))
            else:
                _insert(self._connection, into, rows)

    def tables(self) -> set[str]:
        return set(_tables(self._connection))

    def _name(self, table: str) -> str:
        return self._renamed.get(table, table)


@contextmanager
def reading(url: str, ca: Path | None) -> Iterator[MariaDBWarehouse]:
    """The published tables."""
    with _connection(url, ca, _READERS, connect_args={"read_timeout": _READ_SECONDS}) as connection:
        yield MariaDBWarehouse(connection)


@contextmanager
def rebuilding(url: str, keep: frozenset[str], ca: Path | None) -> Iterator[MariaDBWarehouse]:
    """Tables named ``…__next``, renamed over the published ones in one statement at the end."""
    replaced = [name for name in (*schema.table_names(), *schema.views()) if name not in keep]
    aside = {name: f"{name}__next" for name in replaced}
    with _connection(url, ca, _LOADERS, local_infile=True) as connection, _lock(connection):
        if missing := sorted(keep - _tables(connection).keys()):
            raise WarehouseError(f"the database lacks {', '.join(missing)}. Run `payoff etl load` first.")
        _drop(connection, aside.values())
        try:
            yield MariaDBWarehouse(connection, aside, bulk=_allows_bulk(connection))
            _publish(connection, aside)
        finally:
            # What a lost connection leaves behind is dropped by the next build.
            if not connection.invalidated:
                _drop(connection, aside.values())


def _allows_bulk(connection: Connection) -> bool:
    with _worded():
        return bool(connection.execute(text("select @@local_infile")).scalar())


def _insert(connection: Connection, table: str, rows: pa.Table) -> None:
    marks = ", ".join(["%s"] * rows.num_columns)
    columns = ", ".join(f"`{name}`" for name in rows.column_names)
    for batch in rows.to_batches(max_chunksize=_INSERT_ROWS):
        values = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        connection.exec_driver_sql(f"insert into `{table}` ({columns}) values ({marks})", values)


def _publish(connection: Connection, aside: Mapping[str, str]) -> None:
    existing = _tables(connection)
    built = [name for name in aside if existing.get(aside[name]) == "BASE TABLE"]
    outdated = [name for name in aside if existing.get(name) == "BASE TABLE"]
    _drop(connection, [f"{name}__old" for name in aside])
    for name in built:
        _execute(connection, f"analyze table `{aside[name]}`")
    moves = [f"`{name}` to `{name}__old`" for name in outdated] + [f"`{aside[name]}` to `{name}`" for name in built]
    if moves:
        _execute(connection, f"rename table {', '.join(moves)}")
    for name in aside:
        if existing.get(aside[name]) == "VIEW":  # a view keeps the names it was made over, so it is made anew
            _execute(connection, f"create or replace view `{name}` as {_select_of_view(name)}")
        elif existing.get(name) == "VIEW":
            _execute(connection, f"drop view `{name}`")
    _drop(connection, [f"{name}__old" for name in outdated])


def _select_of_view(name: str) -> str:
    return dialect.transpile(schema.select_text("staging", name), "mysql")[0]


def _drop(connection: Connection, names: Iterable[str]) -> None:
    wanted = set(names)
    found = {name: kind for name, kind in _tables(connection).items() if name in wanted}
    if not found:
        return
    _execute(connection, "set foreign_key_checks = 0")
    for name, kind in found.items():
        _execute(connection, f"drop {'view' if kind == 'VIEW' else 'table'} if exists `{name}`")
    _execute(connection, "set foreign_key_checks = 1")


def _tables(connection: Connection) -> dict[str, str]:
    """Kind (``BASE TABLE`` or ``VIEW``) of each table of the database, by name."""
    select = text("select table_name, table_type from information_schema.tables where table_schema = database()")
    with _worded():
        return {str(name): str(kind) for name, kind in connection.execute(select)}


@contextmanager
def _lock(connection: Connection) -> Iterator[None]:
    with _worded():
        got = connection.execute(text("select get_lock(:name, 0)"), {"name": _LOCK}).scalar()
    if got != 1:
        raise WarehouseError("another build is writing this database. Wait for it to end, or stop it.")
    try:
        yield
    finally:
        # A lost connection has lost its lock, too.
        if not connection.invalidated:
            with _worded():
                connection.execute(text("select release_lock(:name)"), {"name": _LOCK})


@contextmanager
def _connection(url: str, ca: Path | None, setting: str, **options: Any) -> Iterator[Connection]:
    address = mariadb.parse_address(url, setting, ca)
    engine = mariadb.open_engine(address, WarehouseError, isolation_level="AUTOCOMMIT", **options)
    try:
        with mariadb.worded(WarehouseError, f"no connection to {address.shown} ({setting})"):
            connection = engine.connect().execution_options(no_parameters=True)
        with connection:
            yield connection
    finally:
        engine.dispose()


def _execute(connection: Connection, statement: str) -> None:
    with _worded():
        # In autocommit a statement is all of its transaction.
        retrying.undone(lambda: connection.exec_driver_sql(statement))


def _worded() -> AbstractContextManager[None]:
    return mariadb.worded(WarehouseError, "MariaDB")
