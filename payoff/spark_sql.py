"""MariaDB's SQL in Spark's words, where the same words would give other values.

Each difference was seen by running both on the same rows. Spark runs in ANSI mode, so what overflows or cannot be cast
is an error and never another value.
"""

from sqlglot import exp


def for_spark(statement: exp.Expression) -> None:
    """Change ``statement`` to what means on Spark what it means on MariaDB."""
    # The innermost first, because a greatest may hold a least.
    for extreme in reversed(list(statement.find_all(exp.Least, exp.Greatest))):
        extreme.replace(_null_if_any_is(extreme))
    for division in statement.find_all(exp.Div, exp.IntDiv, exp.Mod):
        _divide_by_zero_to_null(division)
    for quotient in statement.find_all(exp.Div):
        _in_floating_point(quotient)
    _store_in_files(statement)


def _null_if_any_is(extreme: exp.Func) -> exp.Expression:
    """Spark's least and greatest skip what is NULL."""
    missing = exp.or_(*(value.is_(exp.null()) for value in (extreme.this, *extreme.expressions)))
    return exp.case().when(missing, exp.null()).else_(extreme.copy())


def _divide_by_zero_to_null(division: exp.Binary) -> None:
    divisor = division.expression.unnest()
    never_zero = divisor.is_number and divisor.to_py() != 0
    if not never_zero and not isinstance(divisor, exp.Nullif):
        division.set("expression", exp.Nullif(this=divisor, expression=exp.Literal.number(0)))


def _in_floating_point(quotient: exp.Expression) -> None:
    """The quotient of two decimals is a decimal on Spark, with as few as six digits after the point."""
    if not quotient.this.is_type(exp.DataType.Type.DOUBLE):
        quotient.set("this", exp.cast(quotient.this.unnest(), exp.DataType.Type.DOUBLE))


def _store_in_files(statement: exp.Expression) -> None:
    """Spark has no temporary tables. A cached view is none: joined with itself, it is computed all over again."""
    if isinstance(statement, exp.Create) and statement.find(exp.TemporaryProperty):
        parquet = exp.FileFormatProperty(this=exp.to_identifier("parquet"))
        statement.set("properties", exp.Properties(expressions=[parquet]))
    if isinstance(statement, exp.Drop):
        statement.set("temporary", None)
