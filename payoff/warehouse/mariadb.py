"""The warehouse on a MariaDB server, through SQLAlchemy and PyMySQL."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from payoff import dialect, schema
from payoff.dialect import Engine
from payoff.errors import WarehouseError

_INSERT_ROWS = 5_000
_LOCK = "payoff.rebuild"


class MariaDBWarehouse:
    """A :class:`payoff.warehouse.Warehouse` over an open connection; ``renamed`` says which tables are built aside."""

    engine: Engine = "mysql"

    def __init__(self, connection: Connection, renamed: Mapping[str, str] | None = None) -> None:
        self._connection = connection
        self._renamed = renamed or {}

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
        spec = schema.table_spec(table)
        select = f"select {', '.join(spec.column_names)} from {self._name(table)} order by {', '.join(spec.key)}"
        with _worded():
            result = self._connection.execution_options(stream_results=True, max_row_buffer=batch_rows).execute(
                text(select)
            )
            for rows in result.partitions(batch_rows):
                columns = zip(*rows, strict=True)
                arrays = [pa.array(column, field.type) for column, field in zip(columns, spec.arrow, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, schema=spec.arrow)

    def insert(self, table: str, rows: pa.Table) -> None:
        marks = ", ".join(["%s"] * rows.num_columns)
        columns = ", ".join(f"`{name}`" for name in rows.column_names)
        statement = f"insert into `{self._name(table)}` ({columns}) values ({marks})"
        with _worded():
            for batch in rows.to_batches(max_chunksize=_INSERT_ROWS):
                values = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
                self._connection.exec_driver_sql(statement, values)

    def tables(self) -> set[str]:
        return set(_tables(self._connection))

    def _name(self, table: str) -> str:
        return self._renamed.get(table, table)


@contextmanager
def reading(url: str) -> Iterator[MariaDBWarehouse]:
    """The published tables."""
    with _connection(url) as connection:
        yield MariaDBWarehouse(connection)


@contextmanager
def rebuilding(url: str, keep: frozenset[str]) -> Iterator[MariaDBWarehouse]:
    """Tables named ``…__next``, renamed over the published ones in one statement at the end."""
    replaced = [name for name in (*schema.table_names(), *schema.views()) if name not in keep]
    aside = {name: f"{name}__next" for name in replaced}
    with _connection(url) as connection, _lock(connection):
        if missing := sorted(keep - _tables(connection).keys()):
            raise WarehouseError(f"the database lacks {', '.join(missing)}. Run `payoff etl load` first.")
        _drop(connection, aside.values())
        try:
            yield MariaDBWarehouse(connection, aside)
            _publish(connection, aside)
        finally:
            _drop(connection, aside.values())


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
        connection.execute(text("select release_lock(:name)"), {"name": _LOCK})


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    address = make_url(url)
    engine = create_engine(
        address.update_query_dict({"charset": "utf8mb4"}), isolation_level="AUTOCOMMIT", pool_pre_ping=True
    )
    try:
        connection = engine.connect().execution_options(no_parameters=True)
    except OperationalError as error:
        shown = address.render_as_string(hide_password=True)
        raise WarehouseError(
            f"no connection to {shown}: {error.orig}. Check PAYOFF_WAREHOUSE_URL and the server."
        ) from error
    try:
        with connection:
            yield connection
    finally:
        engine.dispose()


def _execute(connection: Connection, statement: str) -> None:
    with _worded():
        connection.exec_driver_sql(statement)


@contextmanager
def _worded() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise WarehouseError(f"MariaDB: {getattr(error, 'orig', None) or error}") from error
