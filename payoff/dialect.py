"""One SQL for every engine: written for MariaDB, checked for constructs that would change meaning, transpiled.

What counts as portable was learnt by running all engines on the same rows: the constructs refused here transpile
without a complaint and then give other values.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from payoff.errors import PortabilityError
from payoff.spark_sql import for_spark

Engine = Literal["duckdb", "mysql", "spark"]
DIALECT = "mysql"


def parse(sql: str) -> list[exp.Expression]:
    """The statements of ``sql``, which is in the MariaDB dialect.

    Raises
    ------
    PortabilityError
        The text does not parse.
    """
    try:
        parsed = sqlglot.parse(sql, read=DIALECT)
    except SqlglotError as error:
        raise PortabilityError(f"this SQL does not parse as MariaDB: {error}") from error
    return [statement for statement in parsed if isinstance(statement, exp.Expression)]


def transpile(sql: str, engine: Engine, renamed: Mapping[str, str] | None = None) -> list[str]:
    """Statements of ``sql`` for ``engine``, with tables renamed as ``renamed`` says.

    Raises
    ------
    PortabilityError
        The text does not parse, or uses a construct that means something else on another engine.
    """
    return list(_transpiled(sql, engine, tuple(sorted((renamed or {}).items()))))


@lru_cache(maxsize=128)
def _transpiled(sql: str, engine: Engine, renamed: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    # Kept, because the statements of a lookup are always the same, and take longer to transpile than to answer.
    statements = parse(sql)
    if problems := _problems(sql, statements):
        raise PortabilityError("; ".join(problems))
    for statement in statements:
        _rename_tables(statement, dict(renamed))
    try:
        return tuple(
            _for_engine(statement, engine).sql(dialect=engine, copy=False, unsupported_level=ErrorLevel.RAISE)
            for statement in statements
        )
    except SqlglotError as error:
        raise PortabilityError(f"this SQL cannot be said in the dialect of {engine}: {error}") from error


def _for_engine(statement: exp.Expression, engine: Engine) -> exp.Expression:
    for division in statement.find_all(exp.Div):
        if isinstance(division.expression, exp.Nullif):
            division.set("safe", False)  # or it would be guarded against 0 a second time
    if engine == "spark":
        for_spark(statement)
    elif engine == "duckdb":
        _for_duckdb(statement)
    return statement


def _for_duckdb(statement: exp.Expression) -> None:
    _materialize_shared(statement)
    if isinstance(statement, exp.Drop):
        statement.set("temporary", None)
    if isinstance(statement, exp.Create):
        # DuckDB knows neither character sets (all text is UTF-8, compared as bytes) nor the order of nulls in an index.
        if isinstance(statement.this, exp.Schema) and (properties := statement.args.get("properties")):
            kept = [part for part in properties.expressions if isinstance(part, exp.TemporaryProperty)]
            statement.set("properties", exp.Properties(expressions=kept))
        for part in statement.find_all(exp.Ordered):
            if part.find_ancestor(exp.Index):
                part.set("nulls_first", None)
                part.set("desc", None)


def _materialize_shared(statement: exp.Expression) -> None:
    """Compute a common table expression that is read more than once only once; DuckDB would inline it each time."""
    read = Counter(table.name for table in statement.find_all(exp.Table))
    for cte in statement.find_all(exp.CTE):
        if read[cte.alias] > 1:
            cte.set("materialized", True)


def _rename_tables(statement: exp.Expression, renamed: Mapping[str, str]) -> None:
    local = {cte.alias for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        if table.name not in renamed or table.name in local:
            continue
        if table.find_ancestor(exp.Select) and not table.alias:  # columns may be qualified with the old name
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
        table.set("this", exp.to_identifier(renamed[table.name]))


def tables_read(statement: exp.Expression) -> set[str]:
    """Names of the relations that a select reads, its own CTEs left out."""
    local = {cte.alias for cte in statement.find_all(exp.CTE)}
    return {table.name for table in statement.find_all(exp.Table)} - local


def portability_problems(sql: str) -> list[str]:
    """What in ``sql`` would give other values on another engine, in words; empty when it is portable."""
    return _problems(sql, parse(sql))


def _problems(sql: str, statements: list[exp.Expression]) -> list[str]:
    parsed = [problem for statement in statements for rule in _RULES for problem in rule(statement)]
    return parsed + list(_ambiguous_deviations(sql))


def _ambiguous_deviations(sql: str) -> Iterator[str]:
    # Read from the tokens: the parser has already chosen a meaning for these names.
    if not re.search(r"\b(std|stddev|variance)\b", sql, re.IGNORECASE):
        return
    for token, following in pairwise(sqlglot.tokenize(sql, read=DIALECT)):
        if token.text.upper() in {"STD", "STDDEV", "VARIANCE"} and following.text == "(":
            yield f"{token.text}: sample on one engine, population on another; name STDDEV_SAMP or STDDEV_POP"


def _banned(node: type[exp.Expression], advice: str) -> Callable[[exp.Expression], Iterator[str]]:
    def rule(statement: exp.Expression) -> Iterator[str]:
        for found in statement.find_all(node):
            yield f"{found.sql(dialect=DIALECT)}: {advice}"

    return rule


def _calendar_differences(statement: exp.Expression) -> Iterator[str]:
    for found in statement.find_all(exp.TimestampDiff, exp.DateDiff):
        unit = found.text("unit").upper()
        if unit not in {"", "DAY", "DAYS"}:
            yield f"{found.sql(dialect=DIALECT)}: engines count part {unit.lower()}s differently; use DATEDIFF in days"


def _sums_of_booleans(statement: exp.Expression) -> Iterator[str]:
    for found in statement.find_all(exp.Sum):
        if isinstance(found.this.unnest(), exp.Predicate | exp.Connector | exp.Not | exp.Boolean):
            yield f"{found.sql(dialect=DIALECT)}: not every engine adds booleans; use SUM(CASE WHEN … THEN 1 END)"


def _casts_to_integers(statement: exp.Expression) -> Iterator[str]:
    for found in statement.find_all(exp.Cast):
        if found.to.this in exp.DataType.INTEGER_TYPES:
            yield f"{found.sql(dialect=DIALECT)}: some engines round, others cut off or wrap around; use FLOOR"


def _averages_of_decimals(statement: exp.Expression) -> Iterator[str]:
    for found in statement.find_all(exp.Avg, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop):
        if not any(cast.to.this == exp.DataType.Type.DOUBLE for cast in found.find_all(exp.Cast)):
            yield f"{found.sql(dialect=DIALECT)}: rounded to a few more digits on some engines; cast to DOUBLE inside"


def _days_of_weeks(statement: exp.Expression) -> Iterator[str]:
    for found in statement.find_all(exp.DayOfWeek, exp.Week, exp.WeekOfYear, exp.Anonymous):
        if not isinstance(found, exp.Anonymous) or found.name.upper() in {"WEEKDAY", "YEARWEEK"}:
            yield f"{found.sql(dialect=DIALECT)}: engines start weeks on different days; count days with DATEDIFF"


def _lengths_in_bytes(statement: exp.Expression) -> Iterator[str]:
    for found in statement.find_all(exp.Length):
        if found.args.get("binary"):
            yield f"{found.sql(dialect=DIALECT)}: bytes on one engine, characters on another; use CHAR_LENGTH"


def _interval_frames(statement: exp.Expression) -> Iterator[str]:
    for frame in statement.find_all(exp.WindowSpec):
        if frame.text("kind").upper() == "RANGE" and frame.find(exp.Interval):
            yield f"{frame.sql(dialect=DIALECT)}: MariaDB has no RANGE INTERVAL frames; use ROWS over one row a day"


def _case_insensitive_text(statement: exp.Expression) -> Iterator[str]:
    if not isinstance(statement, exp.Create) or not isinstance(statement.this, exp.Schema):
        return
    collation = statement.find(exp.CollateProperty)
    if collation is None or collation.name != "utf8mb4_bin":
        yield f"table {statement.this.this.name}: without utf8mb4_bin MariaDB compares text without regard to case"


_RULES: tuple[Callable[[exp.Expression], Iterator[str]], ...] = (
    _calendar_differences,
    _banned(exp.PercentileCont, "MariaDB has it as a window function only; rank rows with ROW_NUMBER"),
    _banned(exp.StrToTime, "engines place two-digit years in different centuries; parse dates at load"),
    _banned(exp.StrToDate, "engines place two-digit years in different centuries; parse dates at load"),
    _banned(exp.Round, "engines round halves differently; keep all digits"),
    _sums_of_booleans,
    _casts_to_integers,
    _averages_of_decimals,
    _days_of_weeks,
    _lengths_in_bytes,
    _interval_frames,
    _case_insensitive_text,
)
