"""The layout of the public relational learning server: one MariaDB database with the eight tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from etl.source.loose import ALTERNATIVES, ISO, Chunk, LooseTable, missing_columns
from payoff import mariadb
from payoff.errors import BadRow, SettingsError, SourceUnavailable
from payoff.mariadb.advice import said
from payoff.schema import TableSpec, raw_tables, table_spec

# The public, published read-only guest account.
CTU_URL = "mysql+pymysql://guest:ctu-relational@relational.fel.cvut.cz:3306/financial"
CONNECT_SECONDS = 20
READ_SECONDS = 120
BATCH_ROWS = 20_000


@contextmanager
def opened_database(
    url: str, ca: Path | None = None, *, public: bool = False
) -> Iterator[tuple[dict[str, str], dict[str, LooseTable]]]:
    """Origin and loose tables of a database with the layout of the public server, which can be read while it is open.

    Parameters
    ----------
    url : str
        See :mod:`payoff.mariadb.address`.
    ca : Path, optional
        The certificates that vouch for the server.
    public : bool
        Its data and its password are public, so nothing has to vouch for it.

    Raises
    ------
    SourceUnavailable
        The URL cannot be used, or the server cannot be reached or refuses.
    """
    try:
        address = mariadb.parse_address(url, "PAYOFF_SOURCE", ca, verified=not public)
        timeouts = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
        engine = mariadb.open_engine(address, SourceUnavailable, poolclass=NullPool, connect_args=timeouts)
    except SettingsError as error:
        raise SourceUnavailable(str(error)) from error
    try:
        with engine.connect() as connection:
            found = {name.lower(): name for name in sa.inspect(connection).get_table_names()}
            loose = {name: _loose_table(table_spec(name), connection, address.url, found) for name in raw_tables()}
            yield {"kind": "ctu", "location": address.shown}, loose
    except SQLAlchemyError as error:
        raise SourceUnavailable(f"{address.shown} could not be read: {said(error)} {ALTERNATIVES}") from error


def _loose_table(spec: TableSpec, connection: sa.Connection, url: sa.URL, found: dict[str, str]) -> LooseTable:
    plain = spec.name.removeprefix("raw_")
    file = f"{url.database}.{plain}"
    if plain not in found:
        return LooseTable(file, ISO, broken=(BadRow(file, 0, f"is missing on {url.host}"),))
    columns = {column["name"].lower(): column["name"] for column in sa.inspect(connection).get_columns(found[plain])}
    if broken := missing_columns(file, spec.column_names, columns.values()):
        return LooseTable(file, ISO, broken=broken)
    table = sa.table(found[plain], *(sa.column(columns[name]) for name in spec.column_names))
    return LooseTable(file, ISO, _chunks(spec, connection, table))


def _chunks(spec: TableSpec, connection: sa.Connection, table: sa.TableClause) -> Iterator[Chunk]:
    # The server turns every type into text, so integers, decimals and dates arrive alike, whatever it declares.
    texts = [sa.cast(column, sa.CHAR).label(f"c{place}") for place, column in enumerate(table.columns)]
    query = sa.select(*texts).order_by(table.columns[0])
    streaming = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
    start = 1
    with streaming.execute(query) as result:
        for rows in result.partitions():
            arrays = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            text = pa.RecordBatch.from_arrays(arrays, names=list(spec.column_names))
            yield Chunk(text, np.arange(start, start + len(rows), dtype=np.int64))
            start += len(rows)
