"""Loading MariaDB in bulk: every value arrives as it was, all rows or none."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from servers import MariaDB
from sqlalchemy import Connection, create_engine

from payoff import mariadb as reaching
from payoff import schema
from payoff.errors import WarehouseError
from payoff.warehouse import create_table, mariadb, mariadb_bulk, open_warehouse, rebuild_warehouse

TYPES = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("words", pa.string()),
        pa.field("letter", pa.string()),
        pa.field("amount", pa.decimal128(14, 2)),
        pa.field("tiny", pa.decimal128(12, 10)),
        pa.field("day", pa.date32()),
        pa.field("number", pa.int32()),
    ]
)
VALUES = """
    create or replace table bulk_values (
        id int not null primary key, words varchar(40) null, letter char(1) null, amount decimal(14, 2) null,
        tiny decimal(12, 10) null, day date null, number int null
    ) default charset = utf8mb4 collate = utf8mb4_bin
"""
# CHAR gives its trailing blanks away by definition.
LETTERS = st.sampled_from(["A", "ř", "\\", "'", '"', "\t", "\n", "", "𝄞"])
ROWS = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        st.none() | LETTERS,
        st.none() | st.decimals(Decimal("-999999999999.99"), Decimal("999999999999.99"), places=2),
        st.none() | st.decimals(-99, 99, places=10),
        st.none() | st.dates(date(1000, 1, 1), date(9999, 12, 31)),
        st.none() | st.integers(-(2**31), 2**31 - 1),
    ),
    min_size=1,
    max_size=30,
)
CURIOUS = [
    "", "NULL", "\\N", "N", "\\", "\\\\", "\\t", "\t", "\n", "\r\n", "\r", "\0", "\x1a", '"', "'", " ", "a ",
    "a\tb\\\n'c\"", "%s", "Příliš žluťoučký kůň", "🏦", ",", ";", "-- ", None,
]  # fmt: skip


@pytest.fixture(scope="module")
def connection(mariadb_server: MariaDB) -> Iterator[Connection]:
    address = reaching.parse_address(mariadb_server.create_database("bulk"), "PAYOFF_WAREHOUSE_URL", None)
    engine = reaching.open_engine(address, WarehouseError, local_infile=True, isolation_level="AUTOCOMMIT")
    with engine.connect() as opened:
        opened.exec_driver_sql(VALUES)
        yield opened
    engine.dispose()
    mariadb_server.drop_database("bulk")


@pytest.mark.parametrize("load", [mariadb_bulk.load_rows, mariadb._insert], ids=["LOAD DATA", "INSERT"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=ROWS)
@example(rows=[(text, None, None, None, None, None) for text in CURIOUS])
def test_every_value_comes_back_as_it_was(connection: Connection, load: Callable[..., None], rows: list) -> None:
    table = pa.Table.from_pylist(
        [dict(zip(TYPES.names, (number, *row), strict=True)) for number, row in enumerate(rows)], schema=TYPES
    )
    connection.exec_driver_sql("delete from bulk_values")
    load(connection, "bulk_values", table)
    found = connection.exec_driver_sql("select * from bulk_values order by id").all()
    assert [tuple(row) for row in found] == [tuple(row.values()) for row in table.to_pylist()]


def test_rows_of_several_batches_arrive_whole(connection, monkeypatch):
    monkeypatch.setattr(mariadb_bulk, "_BATCH_ROWS", 7)
    connection.exec_driver_sql("delete from bulk_values")
    table = pa.table({"id": range(100), "words": ["a"] * 100})
    mariadb_bulk.load_rows(connection, "bulk_values", table)
    assert connection.exec_driver_sql("select count(*), sum(id) from bulk_values").one() == (100, 4950)


FAULTS = {
    "a key that stands twice": ({"id": [1, 2, 2]}, r"took 2 of 3 rows into bulk_values .*Duplicate entry '2'"),
    "a text that is too long": ({"id": [1], "words": ["x" * 41]}, "Data too long|Data truncated"),
    "a number that is too great": ({"id": [2**40]}, "Out of range"),
    "no value where one is needed": ({"id": pa.array([None, 1], pa.int32())}, "NULL|null"),
    "an amount with too many digits": ({"id": [1], "amount": [Decimal("1.005")]}, "Data truncated"),
}


@pytest.mark.parametrize(("columns", "words"), FAULTS.values(), ids=FAULTS)
def test_what_load_data_only_warns_of_is_refused_and_nothing_is_kept(connection, columns, words):
    connection.exec_driver_sql("delete from bulk_values")
    connection.exec_driver_sql("insert into bulk_values (id) values (77)")
    with pytest.raises(WarehouseError, match=words):
        mariadb_bulk.load_rows(connection, "bulk_values", pa.table(columns))
    assert connection.exec_driver_sql("select id from bulk_values").scalars().all() == [77]


def test_a_reference_to_nothing_and_a_value_that_is_not_allowed_are_refused(mariadb_url):
    account = {"account_id": 1, "district_id": 99, "frequency": "POPLATEK TYDNE", "date": date(1993, 1, 1)}
    arrow = schema.table_spec("raw_account").arrow
    with rebuild_warehouse(mariadb_url) as warehouse:
        for table in ("raw_district", "raw_account", "raw_loan"):
            create_table(warehouse, table)
        with pytest.raises(WarehouseError, match="foreign key constraint fails"):
            warehouse.insert("raw_account", pa.Table.from_pylist([account], schema=arrow))
        with pytest.raises(WarehouseError, match=r"(?i)constraint"):
            warehouse.insert("raw_account", pa.Table.from_pylist([account | {"frequency": "x"}], schema=arrow))


def test_an_error_while_the_rows_are_written_is_no_short_load(connection, monkeypatch):
    connection.exec_driver_sql("delete from bulk_values")
    monkeypatch.setattr(mariadb_bulk, "_BATCH_ROWS", 10)
    write = mariadb_bulk.as_text

    def failing(batch):
        if batch["id"][0].as_py() >= 20:
            raise ZeroDivisionError
        return write(batch)

    monkeypatch.setattr(mariadb_bulk, "as_text", failing)
    with pytest.raises(ZeroDivisionError):
        mariadb_bulk.load_rows(connection, "bulk_values", pa.table({"id": range(100)}))
    assert connection.exec_driver_sql("select count(*) from bulk_values").scalar() == 0


def test_a_table_that_is_not_there_ends_the_load_at_once(connection):
    with pytest.raises(WarehouseError, match="doesn't exist"), reaching.worded(WarehouseError, "MariaDB"):
        mariadb_bulk.load_rows(connection, "nowhere", pa.table({"id": range(200_000)}))
    assert connection.exec_driver_sql("select 1").scalar() == 1


def test_where_the_server_forbids_local_files_rows_are_inserted(mariadb_server, mariadb_url):
    mariadb_server.execute("set global local_infile = 0")
    try:
        with rebuild_warehouse(mariadb_url) as warehouse:
            create_table(warehouse, "origin")
            warehouse.insert("origin", pa.table({"name": ["a", "b"], "value": ["", "\\N"]}))
        with open_warehouse(mariadb_url) as warehouse:
            assert warehouse.query("select value from origin order by name")["value"].to_pylist() == ["", "\\N"]
    finally:
        mariadb_server.execute("set global local_infile = 1")


def test_who_only_reads_lets_no_server_ask_for_files(mariadb_url, monkeypatch):
    """The driver sends whichever file a server asks for, where it sends any."""
    from sqlalchemy.engine import Engine

    opened: list[Engine] = []
    make = create_engine

    def remembered(*arguments, **named):
        opened.append(make(*arguments, **named))
        return opened[-1]

    monkeypatch.setattr(reaching, "create_engine", remembered)
    allowed = []
    for use in (open_warehouse(mariadb_url), rebuild_warehouse(mariadb_url)):
        with use, opened[-1].connect() as connection:
            allowed.append(connection.connection.driver_connection._local_infile)
    assert allowed == [False, True]
