"""One contract for both warehouses: readers see what was last published, whatever happens to a rebuild."""

import subprocess
import sys
import time
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from payoff import schema
from payoff.errors import SettingsError, WarehouseError
from payoff.warehouse import create_table, create_view, open_warehouse, rebuild_warehouse

DISTRICT = {"district_id": 1, "a2": "A", "a3": "R", "a10": Decimal("50.00"), "a12": None, "a13": Decimal("1.5")} | {
    f"a{number}": number for number in (4, 5, 6, 7, 8, 9, 11, 14, 15, 16)
}


@pytest.fixture(params=["duckdb", "mariadb"])
def url(request, tmp_path):
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path}/warehouse.duckdb"
    return request.getfixturevalue("mariadb_url")


def fill(warehouse, *names: str) -> None:
    create_table(warehouse, "raw_district")
    rows = [DISTRICT | {"district_id": number, "a2": name} for number, name in enumerate(names, start=1)]
    warehouse.insert("raw_district", pa.Table.from_pylist(rows, schema=schema.table_spec("raw_district").arrow))


def names(url: str) -> list[str]:
    with open_warehouse(url) as warehouse:
        return [row["a2"] for batch in warehouse.stream("raw_district", 2) for row in batch.to_pylist()]


def test_rows_come_back_typed_as_declared_in_bounded_batches(url):
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "a", "B", "č", "d", "e")
    with open_warehouse(url) as warehouse:
        batches = list(warehouse.stream("raw_district", 2))
    assert sum(batch.num_rows for batch in batches) == 5
    table = pa.Table.from_batches(batches)
    assert table.schema.equals(schema.table_spec("raw_district").arrow)
    assert table["a2"].to_pylist() == ["a", "B", "č", "d", "e"]
    assert table["a10"][0].as_py() == Decimal("50.00")
    assert table["a12"][0].as_py() is None


def test_text_is_compared_with_regard_to_case(url):
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "Praha", "praha")
        assert warehouse.query("select count(*) as n from raw_district where a2 = 'praha'").to_pylist() == [{"n": 1}]


def fail_halfway(url: str) -> None:
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "half", "done")
        raise ZeroDivisionError


def test_a_failed_rebuild_leaves_the_last_good_warehouse_in_place(url):
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "good")
    with pytest.raises(ZeroDivisionError):
        fail_halfway(url)
    assert names(url) == ["good"]
    with open_warehouse(url) as warehouse:
        assert warehouse.tables() == {"raw_district"}


def test_a_rebuild_replaces_rows_and_views_together(url):
    for name in ("first", "second"):
        with rebuild_warehouse(url) as warehouse:
            fill(warehouse, name)
            create_view(warehouse, "stg_districts")
        with open_warehouse(url) as warehouse:
            assert warehouse.query("select district_name from stg_districts").to_pylist() == [{"district_name": name}]


def test_what_is_not_built_again_is_gone_unless_it_is_kept(url):
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "kept")
        create_table(warehouse, "districts")
    with rebuild_warehouse(url, keep=["raw_district"]) as warehouse:
        create_view(warehouse, "stg_districts")
    with open_warehouse(url) as warehouse:
        assert warehouse.tables() == {"raw_district", "stg_districts"}
    assert names(url) == ["kept"]
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "alone")
    with open_warehouse(url) as warehouse:
        assert warehouse.tables() == {"raw_district"}


def test_nothing_can_be_kept_of_a_warehouse_that_is_not_there(url):
    with pytest.raises(WarehouseError, match="payoff etl load"), rebuild_warehouse(url, keep=["raw_loan"]):
        pass


def test_keys_and_references_are_enforced(url):
    rows = pa.Table.from_pylist([DISTRICT], schema=schema.table_spec("raw_district").arrow)
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "one")
        with pytest.raises(WarehouseError, match=r"(?i)duplicate"):
            warehouse.insert("raw_district", rows)


def test_sql_that_fails_says_which_engine_refused_it(url):
    with pytest.raises(WarehouseError, match=r"DuckDB|MariaDB"), rebuild_warehouse(url) as warehouse:
        warehouse.run("select nothing from nowhere")


HOLDS_A_BUILD = """
import sys
from payoff.warehouse import rebuild_warehouse
with rebuild_warehouse(sys.argv[1]):
    print("building", flush=True)
    sys.stdin.read()
"""


def test_a_second_build_at_the_same_time_is_refused(url):
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "good")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS_A_BUILD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout.readline() == "building\n"
        with pytest.raises(WarehouseError, match="another build is writing"), rebuild_warehouse(url):
            pass
        other.kill()
    assert names(url) == ["good"]


def test_what_a_killed_build_left_behind_does_not_stand_in_the_way(url):
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "good")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS_A_BUILD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        other.stdout.readline()
        other.kill()
    assert names(url) == ["good"]
    for _ in range(50):  # the server needs a moment to notice that its client is gone
        try:
            with rebuild_warehouse(url) as warehouse:
                fill(warehouse, "better")
            break
        except WarehouseError:
            time.sleep(0.1)
    assert names(url) == ["better"]


def test_half_a_file_that_a_build_left_is_cleared_away(tmp_path):
    url = f"duckdb:///{tmp_path}/warehouse.duckdb"
    (tmp_path / "warehouse.duckdb.next").write_bytes(b"half a database")
    with rebuild_warehouse(url) as warehouse:
        fill(warehouse, "good")
    assert names(url) == ["good"]
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]


def test_a_warehouse_that_is_not_there_says_how_to_build_it(tmp_path):
    with pytest.raises(WarehouseError, match="payoff etl"), open_warehouse(f"duckdb:///{tmp_path}/none.duckdb"):
        pass


def test_a_file_that_is_no_warehouse_is_refused(tmp_path):
    (tmp_path / "text.duckdb").write_text("no database at all, but long enough to be read as one" * 100)
    with pytest.raises(WarehouseError, match="DuckDB"), open_warehouse(f"duckdb:///{tmp_path}/text.duckdb"):
        pass


def test_a_server_that_is_not_there_is_named_without_its_password():
    with (
        pytest.raises(WarehouseError, match="PAYOFF_WAREHOUSE_URL") as caught,
        open_warehouse("mysql+pymysql://someone:secret@127.0.0.1:1/bank"),
    ):
        pass
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://host/db", "duckdb://", "mysql+pymysql://host", "warehouse.duckdb"])
def test_a_url_of_another_kind_is_refused_with_those_that_work(url):
    with pytest.raises(SettingsError, match="PAYOFF_WAREHOUSE_URL"):
        open_warehouse(url)


def test_a_server_of_this_version_enforces_references_after_the_swap(mariadb_url):
    for _ in range(2):
        with rebuild_warehouse(mariadb_url) as warehouse:
            fill(warehouse, "one")
            create_table(warehouse, "raw_account")
    orphan = {"account_id": 1, "district_id": 99, "frequency": "POPLATEK TYDNE", "date": date(1993, 1, 1)}
    rows = pa.Table.from_pylist([orphan], schema=schema.table_spec("raw_account").arrow)
    with open_warehouse(mariadb_url) as warehouse, pytest.raises(WarehouseError, match="foreign key"):
        warehouse.insert("raw_account", rows)
