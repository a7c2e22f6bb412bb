import duckdb
import pytest

from payoff import dialect, schema
from payoff.errors import PortabilityError

BANNED = [
    "select timestampdiff(month, a, b) from t",
    "select timestampdiff(year, a, b) from t",
    "select percentile_cont(0.5) within group (order by x) over (partition by y) from t",
    "select str_to_date(x, '%y%m%d') from t",
    "select round(x, 2) from t",
    "select stddev(x) from t",
    "select std(x) from t",
    "select variance(x) from t",
    "select sum(x = 1) from t",
    "select sum(x > 1 and y < 2) from t",
    "select cast(x as unsigned) from t",
    "select cast(x as signed) from t",
    "select avg(x), stddev_samp(cast(x as double)) from t",
    "select stddev_samp(x) from t",
    "select var_pop(x) from t",
    "select dayofweek(d) from t",
    "select weekday(d) from t",
    "select week(d) from t",
    "select length(x) from t",
    "select sum(x) over (order by d range between interval 3 day preceding and current row) from t",
    "create table t (x varchar(3))",
    "create table t (x varchar(3)) default charset = utf8mb4 collate = utf8mb4_general_ci",
]

PORTABLE = [
    "select datediff(a, b), timestampdiff(day, a, b) from t",
    "select avg(cast(x as double)), stddev_samp(cast(x as double)), stddev_pop(cast(x as double)) from t",
    "select sum(case when x = 1 then 1 else 0 end) from t",
    "select cast(x as decimal(14, 2)), cast(x as double), char_length(x) from t",
    "select sum(x) over (order by d rows between 3 preceding and current row) from t",
    "select a / nullif(b, 0), (days_before - 1) div 30, d - interval 30 day from t",
    "create table t (x varchar(3)) default charset = utf8mb4 collate = utf8mb4_bin",
]


@pytest.mark.parametrize("sql", BANNED)
def test_what_means_something_else_on_another_engine_is_refused(sql):
    assert dialect.portability_problems(sql)
    with pytest.raises(PortabilityError):
        dialect.transpile(sql, "duckdb")


@pytest.mark.parametrize("sql", PORTABLE)
def test_what_means_the_same_everywhere_is_accepted(sql):
    assert dialect.portability_problems(sql) == []
    assert dialect.transpile(sql, "duckdb")
    assert dialect.transpile(sql, "mysql")


@pytest.mark.parametrize("path", sorted(schema.SQL_DIR.rglob("*.sql")), ids=lambda path: path.stem)
def test_every_sql_file_is_portable(path):
    assert dialect.portability_problems(path.read_text(encoding="utf-8")) == []


def test_text_that_is_no_sql_is_refused_with_what_the_parser_says():
    with pytest.raises(PortabilityError, match="does not parse"):
        dialect.transpile("select from where (", "duckdb")


def test_what_an_engine_has_no_words_for_is_refused():
    with pytest.raises(PortabilityError, match="spark"):
        dialect.transpile("select truncate(x, 1) from t", "spark")


def test_spark_gets_temporary_tables_as_files():
    made, dropped = dialect.transpile("create temporary table x as select 1 as a; drop temporary table x", "spark")
    assert made == "CREATE TABLE x USING PARQUET AS SELECT 1 AS a"
    assert dropped == "DROP TABLE x"


def test_renaming_reaches_tables_and_references_but_no_common_table_expression():
    sql = "with loans as (select * from raw) select raw.x from loans inner join raw on raw.x = loans.x"
    (renamed,) = dialect.transpile(sql, "duckdb", {"raw": "raw__next", "loans": "loans__next"})
    with duckdb.connect() as connection:
        connection.execute("create table raw__next as select 1 as x")
        assert connection.execute(renamed).fetchall() == [(1,)]


def test_duckdb_gets_no_character_sets_and_plain_indexes():
    ddl = schema.table_spec("raw_trans").ddl.replace(
        "foreign key (account_id) references raw_account (account_id),", ""
    )
    statements = dialect.transpile(ddl, "duckdb")
    with duckdb.connect() as connection:
        for statement in statements:
            connection.execute(statement)
        assert connection.execute("select count(*) from duckdb_indexes()").fetchone() == (1,)
