"""What a MariaDB server does on its bad days, and what Payoff makes of it."""

import threading
import time
import uuid
from contextlib import contextmanager

import pyarrow as pa
import pymysql
import pytest
from servers import PartMissing, running_mariadb
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from payoff import mariadb, schema
from payoff.errors import StorageError, WarehouseError
from payoff.mariadb import retrying
from payoff.warehouse import create_table, open_warehouse, rebuild_warehouse
from webapp.storage import Database
from webapp.storage.tables import RateCount


def origin(*names: str) -> pa.Table:
    return pa.table({"name": names, "value": ["x" * 1000] * len(names)})


def build(url: str, *names: str) -> None:
    with rebuild_warehouse(url) as warehouse:
        create_table(warehouse, "origin")
        warehouse.insert("origin", origin(*names))


def stored(url: str) -> list[str]:
    with open_warehouse(url) as warehouse:
        return sorted(warehouse.query("select name from origin")["name"].to_pylist())


def test_a_full_disk_says_so_and_leaves_what_was_published(tmp_path):
    """The server's storage ends at a set size, as that of a full disk does."""
    small = ["--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:20M"]
    try:
        with running_mariadb(tmp_path, *small) as server:
            url = server.create_database("bank")
            build(url, "good")
            with pytest.raises(WarehouseError, match=r"is full.*The server's disk is full, or its storage"):
                build(url, *(str(number) for number in range(20_000)))
            assert stored(url) == ["good"]
            build(url, "better")
            assert stored(url) == ["better"]
    except PartMissing as missing:
        pytest.skip(f"needs MariaDB: {missing}")


def kill_midway(warehouse, server) -> None:
    create_table(warehouse, "origin")
    (row,) = warehouse.query("select connection_id() as number").to_pylist()
    server.execute(f"kill {row['number']}")
    warehouse.insert("origin", origin("never"))


def test_a_build_whose_connection_is_killed_says_so_and_leaves_what_was_published(mariadb_server, mariadb_url):
    build(mariadb_url, "good")
    with (
        pytest.raises(WarehouseError, match=r"Check that the server runs"),
        rebuild_warehouse(mariadb_url) as warehouse,
    ):
        kill_midway(warehouse, mariadb_server)
    assert stored(mariadb_url) == ["good"]
    build(mariadb_url, "better")
    assert stored(mariadb_url) == ["better"]


@contextmanager
def held_by_another(server, url):
    """A transaction that has changed a row and not ended, and a warehouse that waits a second for it."""
    build(url, "one")
    login = {"user": server.user, "password": server.password, "port": server.port}
    with (
        pymysql.connect(host="127.0.0.1", database=url.rpartition("/")[2], **login) as other,
        open_warehouse(url) as warehouse,
    ):
        other.cursor().execute("update origin set value = 'held'")
        warehouse.run("set innodb_lock_wait_timeout = 1")
        yield other, warehouse


def test_a_statement_that_waited_too_long_for_a_lock_is_repeated(mariadb_server, mariadb_url):
    with held_by_another(mariadb_server, mariadb_url) as (other, warehouse):
        freeing = threading.Timer(1.5, other.rollback)
        freeing.start()
        warehouse.run("update origin set value = 'mine'")
        freeing.join()
        assert warehouse.query("select value from origin")["value"].to_pylist() == ["mine"]


def test_a_lock_that_is_never_freed_is_told_after_some_tries(mariadb_server, mariadb_url, monkeypatch):
    monkeypatch.setattr(retrying, "CONNECT_SECONDS", 1.5)
    with (
        held_by_another(mariadb_server, mariadb_url) as (_, warehouse),
        pytest.raises(WarehouseError, match="Another program holds locks on these tables"),
    ):
        warehouse.run("update origin set value = 'mine'")


@pytest.fixture
def limited(mariadb_server, mariadb_url):
    """The URL of a user who may connect once at a time, and write nothing while the server runs read-only."""
    name = f"limited_{uuid.uuid4().hex[:8]}"
    database = mariadb_url.rpartition("/")[2]
    mariadb_server.execute(
        f"create user {name}@'127.0.0.1' identified by 'pw' with max_user_connections 1",
        f"grant all privileges on `{database}`.* to {name}@'127.0.0.1'",
    )
    yield mariadb_url.replace(f"{mariadb_server.user}:{mariadb_server.password}", f"{name}:pw")
    mariadb_server.execute(f"drop user {name}@'127.0.0.1'")


def test_a_server_with_too_many_connections_is_asked_again(limited):
    first = Database(limited)
    with first.session() as session:
        session.connection()
        leaving = threading.Timer(1, lambda: (session.close(), first.engine.dispose()))
        leaving.start()
        start = time.monotonic()
        second = Database(limited)
        assert second.revision() is None
        assert time.monotonic() - start > 0.5
        leaving.join()
    second.engine.dispose()


def test_too_many_connections_for_too_long_are_told_with_what_to_do(limited, monkeypatch):
    monkeypatch.setattr(retrying, "CONNECT_SECONDS", 0.5)
    first, second = Database(limited), Database(limited)
    with first.session() as session:
        session.connection()
        with pytest.raises(StorageError, match="too many connections, also after several tries"):
            second.revision()
    first.engine.dispose()


def test_no_connection_to_a_server_that_became_read_only_is_kept(limited, mariadb_server):
    """As after a failover, when the name of the writer leads to another machine."""
    database = Database(limited)
    database.migrate()

    def number() -> int:
        with database.session() as session:
            return session.connection().exec_driver_sql("select connection_id()").scalar()

    before = number()
    assert number() == before
    mariadb_server.execute("set global read_only = 1")
    try:
        with (
            pytest.raises(StorageError, match=r"read-only.*after a restart or a failover"),
            database.session() as session,
        ):
            session.connection().exec_driver_sql("insert into rate_counts values ('k', 1, 0)")
    finally:
        mariadb_server.execute("set global read_only = 0")
    assert number() != before
    database.engine.dispose()


def test_a_connection_that_the_server_ended_is_not_handed_out(mariadb_server, mariadb_url):
    database = Database(mariadb_url)
    database.migrate()
    with database.session() as session:
        number = session.connection().exec_driver_sql("select connection_id()").scalar()
    mariadb_server.execute(f"kill {number}")
    assert database.revision()
    database.engine.dispose()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace("tester:", "tester:x"), "Access denied.*Check user and password"),
        (lambda url: f"{url}_none", "Unknown database.*`payoff database users` creates it"),
    ],
    ids=["a wrong password", "an unknown database"],
)
def test_what_does_not_pass_by_itself_is_tried_once(mariadb_url, monkeypatch, change, words):
    tries, connect = [], pymysql.connect

    def counted(*arguments, **named):
        tries.append(named["host"])
        return connect(*arguments, **named)

    monkeypatch.setattr(pymysql, "connect", counted)
    monkeypatch.setattr(retrying, "CONNECT_SECONDS", 3600)
    with pytest.raises(WarehouseError, match=words):
        open_warehouse(change(mariadb_url)).__enter__()
    assert len(tries) == 1


def test_a_host_that_no_name_server_knows_is_told_at_once(monkeypatch):
    monkeypatch.setattr(retrying, "CONNECT_SECONDS", 3600)
    address = mariadb.parse_address("mysql+pymysql://a:hidden@none.invalid/b", "PAYOFF_SOURCE", None, verified=False)
    engine = mariadb.open_engine(address, WarehouseError)
    with pytest.raises(OperationalError) as refused:
        engine.connect()
    assert not retrying.is_busy(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_table_that_is_missing_is_named_once(mariadb_url):
    with open_warehouse(mariadb_url) as warehouse, pytest.raises(WarehouseError, match=r"doesn't exist"):
        warehouse.query(f"select * from {schema.marts()[0]}")


def test_a_transaction_that_was_chosen_to_end_a_deadlock_is_run_anew(mariadb_url):
    database = Database(mariadb_url)
    database.migrate()
    keys, met, runs = ["a", "b"], threading.Barrier(2, timeout=30), []
    with database.session() as session:
        session.add_all(RateCount(key=key, count=0, expires_at=0) for key in keys)

    def both(order: list[str]) -> None:
        def work(session: Session) -> None:
            runs.append(order)
            for place, key in enumerate(order):
                session.execute(update(RateCount).where(RateCount.key == key).values(count=RateCount.count + 1))
                if place == 0 and len(runs) <= 2:
                    met.wait()

        database.repeated(work)

    threads = [threading.Thread(target=both, args=[order]) for order in (keys, keys[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        assert session.scalars(select(RateCount.count)).all() == [2, 2]
    assert len(runs) == 3
    database.engine.dispose()
