"""The users of the databases: each can do its task, and nothing else."""

import uuid

import pytest
from bank import exported, settings_in, silent
from click.testing import CliRunner
from servers import MariaDB

from etl import pipeline
from payoff import mariadb, runs
from payoff.cli import cli
from payoff.errors import SettingsError, StorageError, WarehouseError
from payoff.mariadb.users import RIGHTS, make_users, users_of
from payoff.settings import Settings
from payoff.warehouse import create_table, open_warehouse, rebuild_warehouse
from webapp.storage import Database

USERS = {"loader": "it's a \\ secret", "reader": "100 %", "app": "ž:/@?"}


@pytest.fixture
def settings(mariadb_server: MariaDB, tiny_bank, tmp_path):
    """Settings of three users of this test's own; nobody has made them yet."""
    from urllib.parse import quote

    mark = uuid.uuid4().hex[:8]
    bank, app = f"bank_{mark}", f"app_{mark}"

    def url(who: str, database: str) -> str:
        return f"mysql+pymysql://{who}_{mark}:{quote(USERS[who], safe='')}@127.0.0.1:{mariadb_server.port}/{database}"

    yield settings_in(
        tmp_path, tiny_bank,
        warehouse_url=url("loader", bank), warehouse_read_url=url("reader", bank), database_url=url("app", app),
    )  # fmt: skip
    mariadb_server.drop_database(bank)
    mariadb_server.drop_database(app)
    mariadb_server.execute(*(f"drop user if exists {who}_{mark}@'%'" for who in USERS))


@pytest.fixture
def made(settings: Settings, mariadb_server: MariaDB) -> Settings:
    """The same settings, and the users are there."""
    make_users(mariadb.parse_address(mariadb_server.url("mysql"), "--admin", None), users_of(settings))
    return settings


def refused(url: str, statement: str) -> str:
    """What a user is told who may not run ``statement``."""
    engine = mariadb.open_engine(mariadb.parse_address(url, "PAYOFF_WAREHOUSE_URL", None), WarehouseError)
    try:
        with (
            pytest.raises(WarehouseError, match=r"payoff database users") as told,
            mariadb.worded(WarehouseError, "MariaDB"),
            engine.connect() as connection,
        ):
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
    return str(told.value)


def test_the_loader_loads_twice_and_the_reader_exports(made):
    exported(made)
    lake = exported(made)
    assert runs.read_mart(lake, runs.current_run(lake), "loans").num_rows == 6
    pipeline.run_load(made, silent)
    pipeline.run_transform(made, silent)
    pipeline.run_export(made, silent)


def test_the_reader_looks_accounts_up(made):
    from features.leaks import granted, planted_canary
    from features.lookup import build_for

    exported(made)
    with open_warehouse(made.reading_url) as warehouse:
        asked = granted(warehouse).applications[:2]
        assert len(build_for(warehouse, asked, "full")) == 2
        with planted_canary(warehouse):
            assert warehouse.query("select count(*) as n from stg_transactions").to_pylist()[0]["n"] > 0


@pytest.mark.parametrize(
    "statement",
    [
        "insert into raw_district (district_id) values (99)",
        "update loans set amount_czk = 0",
        "delete from loans",
        "drop table loans",
        "create table own (id int)",
        "rename table loans to lost",
        "create view own as select 1",
        "select * from mysql.user",
        "select * into outfile '/tmp/loans' from loans",
    ],
)
def test_the_reader_cannot_write(made, statement):
    with rebuild_warehouse(made.warehouse_url) as warehouse:
        create_table(warehouse, "raw_district")
        create_table(warehouse, "loans")
    assert "denied" in refused(made.warehouse_read_url, statement)


def test_the_app_migrates_and_serves_and_cannot_read_the_bank(made):
    with rebuild_warehouse(made.warehouse_url) as warehouse:
        create_table(warehouse, "loans")
    database = Database(made.database_url)
    database.migrate()
    assert database.sizes()["users"] == 0
    database.engine.dispose()
    bank = made.warehouse_url.rpartition("/")[2]
    for statement in (f"select * from {bank}.loans", f"insert into {bank}.loans (loan_id) values (1)", f"use {bank}"):
        assert "denied" in refused(made.database_url, statement)


@pytest.mark.parametrize("who", ["warehouse_url", "warehouse_read_url"])
def test_who_loads_or_reads_cannot_enter_the_web_apps_tables(made, who):
    app = made.database_url.rpartition("/")[2]
    assert "denied" in refused(getattr(made, who), f"use {app}")


def test_a_right_in_one_database_is_none_in_another_whose_name_a_wildcard_would_match(made, mariadb_server):
    like = made.warehouse_url.rpartition("/")[2].replace("_", "x")
    mariadb_server.create_database(like)
    try:
        assert "denied" in refused(made.warehouse_url, f"create table {like}.own (id int)")
    finally:
        mariadb_server.drop_database(like)


@pytest.mark.parametrize("right", [(task, each) for task in RIGHTS for each in RIGHTS[task]], ids=" ".join)
def test_no_right_is_one_too_many(made, mariadb_server, right):
    task, needless = right
    who = {"load": "loader", "read": "reader", "serve": "app"}[task]
    url = {"load": made.warehouse_url, "read": made.reading_url, "serve": made.database_url}[task]
    database, mark = url.rpartition("/")[2], made.warehouse_url.rpartition("_")[2]
    if task == "read":
        pipeline.run_load(made, silent)
        pipeline.run_transform(made, silent)
    mariadb_server.execute(f"revoke {needless} on `{database.replace('_', chr(92) + '_')}`.* from {who}_{mark}@'%'")
    with pytest.raises((WarehouseError, StorageError)):
        TASKS[task](made)


def load_twice(made: Settings) -> None:
    for _ in range(2):
        pipeline.run_load(made, silent)
        pipeline.run_transform(made, silent)
    with rebuild_warehouse(made.warehouse_url) as warehouse:
        create_table(warehouse, "loans", temporary=True)


def read(made: Settings) -> None:
    from features.leaks import granted
    from features.lookup import build_for

    pipeline.run_export(made, silent)
    with open_warehouse(made.reading_url) as warehouse:
        build_for(warehouse, granted(warehouse).applications[:1], "form")


def serve(made: Settings) -> None:
    from sqlalchemy import delete

    from webapp.storage.tables import RateCount

    database = Database(made.database_url)
    try:
        database.migrate()
        with database.session() as session:
            session.add(RateCount(key="one", count=1, expires_at=0))
        with database.session() as session:
            session.get_one(RateCount, "one").count = 2
        with database.session() as session:
            session.execute(delete(RateCount))
    finally:
        database.engine.dispose()


TASKS = {"load": load_twice, "read": read, "serve": serve}


def test_the_command_makes_the_users_and_tells_no_password(settings, mariadb_server, monkeypatch):
    for name in ("warehouse_url", "warehouse_read_url", "database_url"):
        monkeypatch.setenv(f"PAYOFF_{name.upper()}", getattr(settings, name))
    admin = mariadb_server.url("mysql").replace(f":{mariadb_server.password}@", "@")
    for _ in range(2):
        done = CliRunner().invoke(cli, ["database", "users", "--admin", admin], input=f"{mariadb_server.password}\n")
        assert done.exit_code == 0, done.output
    assert done.output.count(" may ") == 3
    for password in (mariadb_server.password, *USERS.values()):
        assert password not in done.output
    TASKS["serve"](settings)


def test_a_changed_password_takes_the_place_of_the_old_one(made, mariadb_server):
    changed = made.warehouse_read_url.replace("100%20%25", "new")
    again = made.model_copy(update={"warehouse_read_url": changed})
    make_users(mariadb.parse_address(mariadb_server.url("mysql"), "--admin", None), users_of(again))
    with open_warehouse(changed) as warehouse:
        assert warehouse.tables() == set()
    with pytest.raises(WarehouseError, match="Access denied"), open_warehouse(made.warehouse_read_url):
        pass


def test_one_user_for_two_tasks_or_one_database_for_both_is_refused(made, mariadb_server):
    admin = mariadb.parse_address(mariadb_server.url("mysql"), "--admin", None)
    one = made.model_copy(update={"warehouse_read_url": made.warehouse_url})
    with pytest.raises(SettingsError, match="each task needs a user of its own"):
        make_users(admin, users_of(one))
    shared = made.model_copy(update={"database_url": made.database_url.replace("/app_", "/bank_")})
    with pytest.raises(SettingsError, match="PAYOFF_DATABASE_URL names the database bank_"):
        make_users(admin, users_of(shared))


def test_without_a_mariadb_in_the_settings_there_is_nobody_to_make(tmp_path):
    with pytest.raises(SettingsError, match="no setting names a MariaDB server"):
        users_of(settings_in(tmp_path, "archive"))


def test_a_user_who_signs_in_with_iam_is_made_for_amazons_plugin(made, mariadb_server):
    """This server has no such plugin; that it misses it says that it understood the statement."""
    host = made.database_url.partition("@")[2]
    user = made.model_copy(update={"database_url": f"mysql+pymysql://iam_user@{host}?auth=iam"})
    admin = mariadb.parse_address(mariadb_server.url("mysql"), "--admin", None)
    with pytest.raises(StorageError, match="Plugin 'AWSAuthenticationPlugin' is not loaded"):
        make_users(admin, users_of(user))
