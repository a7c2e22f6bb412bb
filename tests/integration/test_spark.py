"""Spark computes what DuckDB computes, from the same SQL, and leaves nothing behind."""

import gc
import os
import subprocess
import sys
from decimal import Decimal

import pandas as pd
import pytest
from bank import exported, marts_of, settings_in

from features.sets import SET_NAMES
from features.table import build, over_marts
from payoff import runs
from payoff.errors import SettingsError, WarehouseError
from payoff.warehouse import open_warehouse
from payoff.warehouse.spark import Spark, started


def agree(spark: Spark, marts, set_name: str) -> None:
    """Every column, value for value, with missing values at the same places."""
    with spark.over_marts(marts) as warehouse:
        on_spark = build(warehouse, set_name)
    with over_marts(marts) as warehouse:
        on_duckdb = build(warehouse, set_name)
    pd.testing.assert_frame_equal(on_spark, on_duckdb, rtol=1e-9, atol=0)


@pytest.mark.parametrize("set_name", SET_NAMES)
def test_spark_and_duckdb_agree_on_a_small_bank(spark, tiny_bank, tmp_path, set_name):
    agree(spark, marts_of(exported(settings_in(tmp_path, tiny_bank))), set_name)


def test_spark_and_duckdb_agree_on_every_feature_and_loan(spark, real_lake):
    agree(spark, marts_of(real_lake), "full")


ROWS = """
select 1 as k, 7 as i, 2 as j, cast(10.25 as decimal(14, 2)) as m, cast('1996-01-31' as date) as d, 'a' as s
union all select 2, -7, 2, cast(-3.50 as decimal(14, 2)), cast('1996-02-29' as date), 'B'
union all select 3, 0, null, cast(999999999999.99 as decimal(14, 2)), null, null
union all select 4, null, 0, null, cast('1995-12-31' as date), ''
"""
#: What MariaDB makes of it, row by row.
MEANINGS = {
    "i div j": [3, -3, None, None],
    "i % j": [1, -1, None, None],
    "cast(m as double) / 3": [10.25 / 3, -3.5 / 3, 999999999999.99 / 3, None],
    "cast(m as double) / j": [5.125, -1.75, None, None],
    "k / nullif(j, 0)": [0.5, 1.0, None, None],
    "k / j": [0.5, 1.0, None, None],
    "least(i, j)": [2, -7, None, None],
    "greatest(i, least(j, k))": [7, 2, None, None],
    "datediff(d, date '1996-01-01')": [30, 59, None, -1],
    "d - interval 30 day < date '1996-01-15'": [1, 0, None, 1],
    "s = 'B'": [0, 1, None, 0],
    "s = ''": [0, 0, None, 1],
    "nullif(i, 7)": [None, -7, 0, None],
    "case when i > 0 then m else 0 end": [Decimal("10.25"), 0, 0, 0],
    "position in ((size + 1) div 2, (size + 2) div 2)": [0, 1, 1, 0],
    "cast(m as decimal(19, 2)) * cast(m as decimal(19, 2))":
        [Decimal("105.0625"), Decimal("12.25"), Decimal("999999999999980000000000.0001"), None],
    "row_number() over (order by i, k)": [4, 2, 3, 1],
    "row_number() over (order by i desc)": [1, 3, 2, 4],
    "sum(m) over (order by k rows between unbounded preceding and current row)":
        [Decimal("10.25"), Decimal("6.75"), Decimal("1000000000006.74"), Decimal("1000000000006.74")],
    "lag(i) over (order by k)": [None, 7, -7, 0],
    "(select count(distinct j) from given)": [2, 2, 2, 2],
    "(select sum(i) from given where i > 100)": [None] * 4,
    "(select avg(cast(m as double)) from given where k < 3)": [3.375] * 4,
}  # fmt: skip


@pytest.fixture(params=["duckdb", "mariadb", "spark"])
def engine(request):
    """An empty place to compute in."""
    if request.param == "mariadb":
        opened = open_warehouse(request.getfixturevalue("mariadb_url"))
    elif request.param == "spark":
        opened = request.getfixturevalue("spark").over_marts({})
    else:
        opened = over_marts({})
    with opened as warehouse:
        yield warehouse


def test_one_sql_means_the_same_on_every_engine(engine):
    columns = ", ".join(f"{sql} as c{number}" for number, sql in enumerate(MEANINGS))
    sql = f"with given as ({ROWS}), ranked as (select given.*, k as position, count(*) over () as size from given)"
    answered = engine.query(f"{sql} select {columns} from ranked order by k").to_pydict()
    for (meant, expected), values in zip(MEANINGS.items(), answered.values(), strict=True):
        close = [pytest.approx(value, rel=1e-12) if isinstance(value, float) else value for value in expected]
        assert values == close, meant


def test_spark_compares_text_with_regard_to_case(spark):
    with spark.over_marts({}) as warehouse:
        assert warehouse.query("select 'a' = 'A' as equal, 'B' < 'a' as less").to_pylist() == [
            {"equal": False, "less": True}
        ]


def test_what_spark_cannot_say_in_the_type_of_the_result_is_an_error(spark):
    with spark.over_marts({}) as warehouse, pytest.raises(WarehouseError, match="ARITHMETIC_OVERFLOW"):
        warehouse.query("select k * 2000000000 as x from (select 2 as k union all select 3) given")


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_without_java_the_error_says_which_is_needed(spark, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match=r"Spark did not start: .* Java 17"), started():
        pass
    gc.collect()  # pyspark leaves a pipe open to the Java that did not start


def test_the_command_line_builds_on_spark_and_leaves_nothing_behind(spark, tiny_bank, tmp_path):
    lake = exported(settings_in(tmp_path, tiny_bank))
    here, scratch = tmp_path / "here", tmp_path / "scratch"
    here.mkdir()
    scratch.mkdir()
    command = [sys.executable, "-c", "from payoff.cli import main; main()", "features", "build", "--set", "seed"]
    environment = os.environ | {"PAYOFF_LAKE_URI": lake.uri, "TMPDIR": str(scratch)}
    ran = subprocess.run([*command, "--engine", "spark"], cwd=here, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "seed: 13 features of 6 loans" in ran.stdout
    assert [*here.iterdir(), *scratch.iterdir()] == []
    assert runs.read_features(lake, runs.current_run(lake), "seed").num_rows == 6
