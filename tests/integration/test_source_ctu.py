"""Reading a database with the layout of the public server, from a local MariaDB."""

import pyarrow as pa
import pytest
from servers import free_port

import etl.source
from etl.source import ctu, read_source
from payoff.errors import BadRow, BadRows, SourceUnavailable

# As loosely as the public server declares them, and some more loosely: a decimal district, a float, a datetime.
LAYOUT = {
    "account": "account_id int primary key, district_id decimal(10, 0), frequency varchar(18), date date",
    "card": "card_id int primary key, disp_id int, type varchar(7), issued datetime",
    "client": "client_id int primary key, gender varchar(1), birth_date date, district_id int",
    "disp": "disp_id int primary key, client_id int, account_id int, type varchar(9)",
    "district": "district_id int primary key, A2 varchar(40), A3 varchar(40), A4 int, A5 int, A6 int, A7 int, A8 int, "
    "A9 int, A10 decimal(4, 1), A11 int, A12 decimal(4, 2), A13 double, A14 int, A15 int, A16 int",
    "loan": "loan_id int primary key, account_id int, date date, amount int, duration int, payments decimal(10, 0), "
    "status varchar(1)",
    "order": "order_id int primary key, account_id int, bank_to varchar(2), account_to int, amount decimal(15, 1), "
    "k_symbol varchar(10)",
    "trans": "trans_id int primary key, account_id int, date date, type varchar(10), operation varchar(20), "
    "amount double, balance decimal(20, 4), k_symbol varchar(12), bank varchar(2), account int",
}


@pytest.fixture
def expected(tiny_bank):
    return read_source(str(tiny_bank), tiny_bank).tables


@pytest.fixture
def database(mariadb_server, mariadb_url, expected):
    """The tiny bank in the layout of the public server: its URL, and a function that runs statements in it."""
    name = mariadb_url.rpartition("/")[2]
    # The public server takes what it is given, as the tests of bad rows need it.
    statements = ["set sql_mode = ''"]
    for table, columns in LAYOUT.items():
        statements.append(f"create table `{table}` ({columns}) charset utf8mb4")
        statements += [f"insert into `{table}` values ({values(row)})" for row in expected[f"raw_{table}"].to_pylist()]
    # There, blanks stand for a missing symbol.
    statements.append("update `order` set k_symbol = '' where k_symbol is null")
    mariadb_server.execute(*statements, database=name)

    def change(*more):
        mariadb_server.execute("set sql_mode = ''", *more, database=name)

    return mariadb_url, change


def values(row):
    return ", ".join("null" if value is None else f"'{value}'" for value in row.values())


def by_key(table: pa.Table) -> pa.Table:
    return table.sort_by(table.column_names[0])


def problems(url, tmp_path):
    with pytest.raises(BadRows) as caught:
        read_source(url, tmp_path)
    return list(caught.value.rows)


def test_the_database_gives_the_same_tables_as_the_files(database, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(ctu, "BATCH_ROWS", 10)
    url, _ = database
    data = read_source(url, tmp_path)
    assert list(data.tables) == list(expected)
    for name, table in data.tables.items():
        assert table.schema.equals(expected[name].schema)
        assert by_key(table).equals(by_key(expected[name])), name
    assert data.rejected == ()


def test_the_origin_hides_the_password(database, mariadb_server, tmp_path):
    url, _ = database
    origin = read_source(url, tmp_path).origin
    assert origin == {"kind": "ctu", "location": url.replace(mariadb_server.password, "***")}


def test_ctu_stands_for_the_public_server(database, tmp_path, monkeypatch):
    assert ctu.CTU_URL.endswith("@relational.fel.cvut.cz:3306/financial")
    monkeypatch.setattr(etl.source, "CTU_URL", database[0])
    assert read_source("ctu", tmp_path).tables["raw_loan"].num_rows == 6


@pytest.mark.parametrize(
    ("table", "row", "change", "reason"),
    [
        ("loan", 3, "status = 'E' where loan_id = 103", "status 'E' is none of A, B, C, D"),
        ("loan", 1, "date = '0000-00-00' where loan_id = 101", "date '0000-00-00' is not a date YYYY-MM-DD"),
        ("loan", 1, "date = null where loan_id = 101", "date is empty; every row needs one"),
        ("loan", 6, "account_id = 99 where loan_id = 106", "account_id 99 is in no row of {}.account"),
        (
            "card",
            3,
            "issued = '1997-04-02 10:00:00' where card_id = 3",
            "issued '1997-04-02 10:00:00' is not a date YYYY-MM-DD",
        ),
        ("trans", 1, "amount = 0.125 order by trans_id limit 1", "amount '0.125' does not fit decimal(14, 2)"),
        ("client", 2, "gender = '' where client_id = 2", "gender is empty; every row needs one"),
        ("district", 2, "A2 = '?' where district_id = 2", "a2 is empty; every row needs one"),
    ],
)
def test_a_bad_row_is_named_by_table_ordinal_and_reason(database, tmp_path, table, row, change, reason):
    url, execute = database
    execute(f"update {table} set {change}")
    name = url.rpartition("/")[2]
    assert problems(url, tmp_path) == [BadRow(f"{name}.{table}", row, reason.format(name))]


def test_a_key_that_stands_twice_is_named(database, tmp_path):
    url, execute = database
    execute("alter table card drop primary key", "update card set card_id = 1 where card_id = 2")
    name = url.rpartition("/")[2]
    assert problems(url, tmp_path) == [BadRow(f"{name}.card", 2, "card_id 1 is already in line 1")]


def test_skipping_leaves_bad_rows_out(database, tmp_path):
    url, execute = database
    execute("update loan set status = 'E' where loan_id = 103")
    data = read_source(url, tmp_path, skip_bad_rows=True)
    assert data.tables["raw_loan"]["loan_id"].to_pylist() == [101, 102, 104, 105, 106]
    assert [bad.line for bad in data.rejected] == [3]


def test_a_missing_table_and_a_missing_column_are_named(database, tmp_path):
    url, execute = database
    execute("drop table card", "alter table loan drop column payments")
    name = url.rpartition("/")[2]
    assert problems(url, tmp_path) == [
        BadRow(
            f"{name}.loan", 1, "column payments is missing; found loan_id, account_id, date, amount, duration, status"
        ),
        BadRow(f"{name}.card", 0, "is missing on 127.0.0.1"),
    ]


def test_an_empty_table_is_refused(database, tmp_path):
    url, execute = database
    execute("delete from card")
    assert problems(url, tmp_path) == [BadRow(f"{url.rpartition('/')[2]}.card", 0, "holds no rows")]


def unavailable(url, tmp_path):
    with pytest.raises(SourceUnavailable) as caught:
        read_source(url, tmp_path)
    return str(caught.value)


def test_an_unreachable_server_is_named_with_the_other_sources_but_without_its_password(tmp_path):
    message = unavailable(f"mysql+pymysql://guest:very-secret@127.0.0.1:{free_port()}/financial", tmp_path)
    assert "mysql+pymysql://guest:***@127.0.0.1" in message
    assert "--source DIR" in message
    assert "--source archive" in message
    assert "very-secret" not in message


def test_a_wrong_password_is_not_repeated(mariadb_server, tmp_path):
    url = mariadb_server.url("financial").replace(mariadb_server.password, "very-secret")
    message = unavailable(url, tmp_path)
    assert "Access denied" in message
    assert "very-secret" not in message


def test_a_database_that_is_not_there_is_named(mariadb_server, tmp_path):
    assert "Unknown database 'nowhere'" in unavailable(mariadb_server.url("nowhere"), tmp_path)


def test_a_url_without_a_database_is_refused(tmp_path):
    message = unavailable("mysql+pymysql://guest:very-secret@127.0.0.1:1/", tmp_path)
    assert message == "mysql+pymysql://guest:***@127.0.0.1:1/ names no database; expected …@HOST:PORT/DATABASE"


def test_a_url_that_cannot_be_read_is_not_repeated(tmp_path):
    message = unavailable("mysql+pymysql://guest:very-secret@host:port/financial", tmp_path)
    assert "no valid URL" in message
    assert "very-secret" not in message
