"""Streams out of MariaDB: several at once, and over connections that break."""

import threading
import time
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pymysql
import pytest
from servers import MariaDB, PartMissing, SwitchedMariaDB, switched_mariadb

from etl import export as exporting
from payoff import runs, schema
from payoff.errors import WarehouseError
from payoff.lake import DirectoryLake
from payoff.mariadb import retrying
from payoff.warehouse import create_table, open_warehouse, rebuild_warehouse

TABLE = "loan_transactions"
#: More than the sockets between server and client hold, so that a stream that broke has rows to come.
ROWS, LOANS = 150_000, 300
ORIGIN = {"kind": "invented", "location": "here"}


def history() -> pa.Table:
    """Transactions of a key of two columns, out of order."""
    number = pa.array(range(ROWS, 0, -1), pa.int64())
    loan = pc.subtract(number, pc.multiply(pc.divide(number, LOANS), LOANS))
    money = pa.array([Decimal("1234.56")] * ROWS)
    columns = {
        "loan_id": loan, "transaction_id": number, "account_id": loan,
        "booked_on": pa.array([date(1996, 2, 29)] * ROWS), "days_before": number,
    }  # fmt: skip
    columns |= {name: pa.array(["withdrawal"] * ROWS) for name in ("operation", "purpose")}
    columns |= dict.fromkeys(("amount_czk", "signed_amount_czk", "balance_czk"), money)
    columns["direction"] = pa.array(["debit"] * ROWS)
    arrow = schema.table_spec(TABLE).arrow
    return pa.table({name: columns[name] for name in arrow.names}).cast(arrow)


def build(url: str, rows: pa.Table) -> str:
    with rebuild_warehouse(url) as warehouse:
        for mart in schema.marts():
            create_table(warehouse, mart)
        warehouse.insert(TABLE, rows)
    return url


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory):
    """A server of this module's own, which its tests may stop."""
    try:
        with switched_mariadb(tmp_path_factory.mktemp("switched")) as switched:
            yield switched
    except PartMissing as missing:
        pytest.skip(f"needs MariaDB: {missing}")


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return history()


@pytest.fixture(scope="module")
def filled(switch: SwitchedMariaDB, rows: pa.Table) -> str:
    return build(switch.server.create_database("bank"), rows)


@pytest.fixture
def ordered(rows: pa.Table) -> list[tuple[int, int]]:
    return keys(rows.sort_by([("loan_id", "ascending"), ("transaction_id", "ascending")]).to_batches())


def keys(batches) -> list[tuple[int, int]]:
    return [
        key
        for batch in batches
        for key in zip(batch["loan_id"].to_pylist(), batch["transaction_id"].to_pylist(), strict=True)
    ]


def streaming(server: MariaDB) -> list[int]:
    """The connections that are sending rows."""
    login = {"user": server.user, "password": server.password, "port": server.port}
    with pymysql.connect(host="127.0.0.1", **login) as connection, connection.cursor() as cursor:
        cursor.execute("select id from information_schema.processlist where info like 'select loan_id%'")
        return [number for (number,) in cursor.fetchall()]


def restart(switch: SwitchedMariaDB) -> threading.Thread:
    """Stop the server now, and start it while others wait."""
    switch.stop()
    starting = threading.Thread(target=switch.start)
    starting.start()
    return starting


def test_a_killed_stream_goes_on_after_the_last_row_that_arrived(filled, switch, ordered, caplog):
    with open_warehouse(filled) as warehouse:
        got = []
        for place, batch in enumerate(warehouse.stream(TABLE, 1000)):
            got += keys([batch])
            if place in {1, 60}:
                (number,) = streaming(switch.server)
                switch.server.execute(f"kill {number}")
    assert got == ordered
    assert caplog.text.count("goes on over another connection") == 2


def test_a_stream_goes_on_when_the_server_is_back_from_a_restart(filled, switch, ordered, caplog):
    with open_warehouse(filled) as warehouse:
        stream = warehouse.stream(TABLE, 1000)
        got = keys([next(stream)])
        starting = restart(switch)
        got += keys(stream)
        starting.join()
    assert got == ordered
    assert "goes on over another connection" in caplog.text


def test_an_export_outlives_a_restart_of_the_server(filled, switch, rows, tmp_path):
    lake = DirectoryLake(tmp_path)
    restarted = []
    write = lake.write

    def writing(key: str, data: bytes) -> None:
        if TABLE in key and not restarted:
            restarted.append(restart(switch))
        write(key, data)

    lake.write = writing
    with open_warehouse(filled) as warehouse:
        run = exporting.export(warehouse, lake, ORIGIN, batch_rows=5000)
    restarted[0].join()
    exported = runs.read_mart(lake, run, TABLE)
    assert exported.equals(rows.sort_by([("loan_id", "ascending"), ("transaction_id", "ascending")]))
    assert runs.current_run(lake) == run


def test_an_export_from_a_server_that_stays_away_leaves_the_current_run(filled, switch, tmp_path, monkeypatch):
    lake = DirectoryLake(tmp_path)
    with open_warehouse(filled) as warehouse:
        good = exporting.export(warehouse, lake, ORIGIN)
    monkeypatch.setattr(retrying, "RESTART_SECONDS", 1)
    monkeypatch.setattr(retrying, "CONNECT_SECONDS", 0.5)
    write = lake.write

    def writing(key: str, data: bytes) -> None:
        if TABLE in key:
            switch.stop()
        write(key, data)

    lake.write = writing
    try:
        with (
            pytest.raises(WarehouseError, match="Check that the server runs and can be reached"),
            open_warehouse(filled) as warehouse,
        ):
            exporting.export(warehouse, lake, ORIGIN, batch_rows=5000)
    finally:
        switch.start()
    assert runs.current_run(lake) == good


def test_a_stream_that_is_given_up_reads_no_further_and_leaves_the_pool_whole(filled, switch):
    with open_warehouse(filled) as warehouse:
        for _ in range(16):  # more than the pool has
            stream = warehouse.stream(TABLE, 10)
            assert next(stream).num_rows == 10
            stream.close()
        assert sum(batch.num_rows for batch in warehouse.stream(TABLE, 50_000)) == ROWS
    assert streaming(switch.server) == []


def test_several_streams_run_at_once(filled, switch):
    with open_warehouse(filled) as warehouse:
        streams = [warehouse.stream(TABLE, 1000) for _ in range(4)]
        firsts = [keys([next(stream)]) for stream in streams]
        assert len(streaming(switch.server)) == 4
        assert all(first == firsts[0] for first in firsts)
        for stream in streams:
            stream.close()


def test_an_export_reads_marts_side_by_side(filled, tmp_path, monkeypatch):
    """Three streams must be open at once before any of them may end."""
    together = threading.Barrier(3, timeout=60)
    ask = exporting._export_mart
    names = iter(schema.marts())

    def waiting(*arguments):
        if next(names, None) in schema.marts()[:3]:
            together.wait()
        return ask(*arguments)

    monkeypatch.setattr(exporting, "_export_mart", waiting)
    with open_warehouse(filled) as warehouse:
        run = exporting.export(warehouse, DirectoryLake(tmp_path), ORIGIN)
    assert list(runs.manifest(DirectoryLake(tmp_path), run)["marts"]) == sorted(schema.marts())


def test_tables_of_two_builds_are_never_mixed(switch, rows):
    url = build(switch.server.create_database("mixed"), rows.slice(0, 10))
    with open_warehouse(url) as warehouse:
        assert sum(batch.num_rows for batch in warehouse.stream(TABLE, 5)) == 10
        time.sleep(1.1)  # the server tells times in seconds
        build(url, rows.slice(0, 3))
        with pytest.raises(WarehouseError, match="replaced by another build while it was read"):
            list(warehouse.stream(TABLE, 5))
    with open_warehouse(url) as warehouse:
        assert sum(batch.num_rows for batch in warehouse.stream(TABLE, 5)) == 3
