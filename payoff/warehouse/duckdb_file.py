"""The embedded warehouse: one DuckDB file."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from payoff import dialect, schema
from payoff.dialect import Engine
from payoff.errors import WarehouseError


class DuckDBWarehouse:
    """A :class:`payoff.warehouse.Warehouse` over an open DuckDB connection."""

    engine: Engine = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def run(self, sql: str) -> None:
        for statement in dialect.transpile(sql, self.engine):
            with _worded():
                self._connection.execute(statement)

    def query(self, sql: str) -> pa.Table:
        (statement,) = dialect.transpile(sql, self.engine)
        # Not through a relation, which would plan the statement twice: that takes longer than copying a small result.
        with _worded(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result makes an extra copy")
            return self._connection.execute(statement).to_arrow_table()

    def stream(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        spec = schema.table_spec(table)
        select = f"select {', '.join(spec.column_names)} from {table} order by {', '.join(spec.key)}"
        with _worded():
            # A cursor of its own, as one connection answers one question at a time.
            reader = self._connection.cursor().sql(select).to_arrow_reader(batch_rows)
            for batch in reader:
                yield from pa.Table.from_batches([batch]).cast(spec.arrow).to_batches()

    def insert(self, table: str, rows: pa.Table) -> None:
        with _worded():
            self._connection.register("incoming", rows)
            self._connection.execute(f"insert into {table} by name select * from incoming")
            self._connection.unregister("incoming")

    def tables(self) -> set[str]:
        found = self._connection.execute("select table_name from information_schema.tables").fetchall()
        return {name for (name,) in found}


@contextmanager
def reading(path: Path) -> Iterator[DuckDBWarehouse]:
    """The file, opened read-only."""
    if not path.exists():
        raise WarehouseError(f"there is no warehouse at {path}. Run `payoff etl` to build it.")
    with _worded():
        connection = duckdb.connect(str(path), read_only=True)
    with connection:
        yield DuckDBWarehouse(connection)


@contextmanager
def rebuilding(path: Path, keep: frozenset[str]) -> Iterator[DuckDBWarehouse]:
    """A file beside ``path``, renamed to it at the end. The file itself is never written to."""
    beside = path.with_name(f"{path.name}.next")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_unless_in_use(beside)
    if keep:
        if not path.exists():
            raise WarehouseError(f"there is no warehouse at {path} to start from. Run `payoff etl load` first.")
        shutil.copyfile(path, beside)
    try:
        with _worded(), duckdb.connect(str(beside)) as connection:
            warehouse = DuckDBWarehouse(connection)
            _drop_all_but(connection, keep)
            yield warehouse
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _drop_all_but(connection: duckdb.DuckDBPyConnection, keep: frozenset[str]) -> None:
    found = connection.execute("select table_name, table_type from information_schema.tables").fetchall()
    for name, kind in sorted(found, key=lambda row: row[1] != "VIEW"):
        if name not in keep:
            connection.execute(f'drop {"view" if kind == "VIEW" else "table"} "{name}"')


def _remove_unless_in_use(beside: Path) -> None:
    """Delete what a killed build left behind; a build that still runs holds a lock on its file."""
    if not beside.exists():
        return
    try:
        duckdb.connect(str(beside)).close()
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise WarehouseError(f"another build is writing {beside}. Wait for it to end, or stop it.") from error
    except duckdb.Error:
        pass  # half a file: a build was killed while it wrote
    beside.unlink()
    beside.with_name(f"{beside.name}.wal").unlink(missing_ok=True)


@contextmanager
def _worded() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise WarehouseError(f"DuckDB: {error}") from error
