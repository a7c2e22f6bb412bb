"""The warehouse: one interface over an embedded DuckDB file and a MariaDB server. Spark computes and holds nothing.

Readers open what was last published. A rebuild happens beside it and takes its place only when all of it worked:
DuckDB builds another file and renames it, MariaDB builds other tables and renames them in one statement.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pyarrow as pa
from sqlglot import exp

from payoff import dialect, schema
from payoff.dialect import Engine
from payoff.errors import SettingsError


class SqlSession(Protocol):
    """What computes. SQL is MariaDB's, see :mod:`payoff.dialect`."""

    engine: Engine

    def run(self, sql: str) -> None:
        """Run every statement of ``sql``."""

    def query(self, sql: str) -> pa.Table:
        """All rows of one select; types as the engine gives them, so for small results."""


class Warehouse(SqlSession, Protocol):
    """What every stage may ask of a warehouse: to compute, and to hold tables."""

    def stream(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The declared columns of ``table``, typed as declared, ordered by its key, ``batch_rows`` rows at a time.

        Several threads may each run a stream of the same warehouse.
        """

    def insert(self, table: str, rows: pa.Table) -> None:
        """Append ``rows``, which have the declared schema of ``table``."""

    def tables(self) -> set[str]:
        """Names of the tables and views that exist."""


def open_warehouse(url: str, ca: Path | None = None) -> AbstractContextManager[Warehouse]:
    """The published warehouse, for reading.

    Parameters
    ----------
    url : str
        ``duckdb:///FILE`` or ``mysql+pymysql://…``, see :mod:`payoff.mariadb.address`.
    ca : Path, optional
        The certificates that vouch for a MariaDB server, which needs them outside this machine.

    Raises
    ------
    SettingsError
        The URL is neither a DuckDB file nor a MariaDB server, or the server needs ``ca``.
    WarehouseError
        It does not exist yet, or cannot be reached.
    """
    if (path := duckdb_path(url)) is not None:
        from payoff.warehouse import duckdb_file

        return duckdb_file.reading(path)
    from payoff.warehouse import mariadb

    return mariadb.reading(url, ca)


def rebuild_warehouse(url: str, keep: Iterable[str] = (), ca: Path | None = None) -> AbstractContextManager[Warehouse]:
    """A warehouse under construction, published when the block ends and dropped when it fails.

    Parameters
    ----------
    url, ca
        As for :func:`open_warehouse`.
    keep : names of tables
        These are taken over from the published warehouse. All others start empty.
    """
    if (path := duckdb_path(url)) is not None:
        from payoff.warehouse import duckdb_file

        return duckdb_file.rebuilding(path, frozenset(keep))
    from payoff.warehouse import mariadb

    return mariadb.rebuilding(url, frozenset(keep), ca)


def duckdb_path(url: str) -> Path | None:
    """The file of a ``duckdb:///`` URL; None for MariaDB. Relative with three slashes, absolute with four."""
    parts = urlsplit(url)
    if parts.scheme == "duckdb" and not parts.netloc and len(parts.path) > 1:
        return Path(parts.path[1:])
    if parts.scheme == "mysql+pymysql" and parts.netloc and len(parts.path) > 1:
        return None
    raise SettingsError(
        f"the warehouse URL has the scheme {parts.scheme or 'none'!r}; expected duckdb:///FILE or "
        "mysql+pymysql://USER:PASSWORD@HOST/DATABASE. Set PAYOFF_WAREHOUSE_URL."
    )


def create_table(warehouse: Warehouse, table: str, *, temporary: bool = False) -> None:
    """Create ``table`` with its keys and indexes, as sql/schema declares it.

    A temporary one is for few rows, so has no indexes. While it exists, it hides the published one of its name from
    this connection.
    """
    warehouse.run(_temporary_ddl(table) if temporary else schema.table_spec(table).ddl)


@cache
def _temporary_ddl(table: str) -> str:
    create = dialect.parse(schema.table_spec(table).ddl)[0]
    create.args["properties"].append("expressions", exp.TemporaryProperty())
    return create.sql(dialect=dialect.DIALECT)


def create_view(warehouse: Warehouse, view: str) -> None:
    """Create the staging relation ``view``."""
    warehouse.run(f"create view {view} as {schema.select_text('staging', view)}")


def fill_mart(warehouse: Warehouse, mart: str) -> None:
    """Fill ``mart``, which was created, with the rows that its select gives."""
    columns = ", ".join(schema.table_spec(mart).column_names)
    select = schema.select_text("marts", mart)
    # By name, so that the order of columns in the select cannot matter.
    warehouse.run(f"insert into {mart} ({columns}) select {columns} from ({select}) as filled")
