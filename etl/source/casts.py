"""Text columns to typed ones, many rows at a time; what does not fit becomes null and is marked."""

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.source.loose import DateFormat
from payoff.schema import Column

Mask = npt.NDArray[np.bool_]

_INTEGER = r"^[+-]?\d{1,18}(\.0*)?$"
_DECIMAL = r"^[+-]?\d{1,18}(\.\d{0,10}0*)?$"
_EXACT = pa.decimal128(38, 10)


def cast_column(text: pa.Array, column: Column, dates: DateFormat) -> tuple[pa.Array, Mask]:
    """Values of one column in its declared type.

    Parameters
    ----------
    text : array of string
        As the source wrote it, blanks and ``?`` already null.
    column : Column
    dates : DateFormat

    Returns
    -------
    values : array of ``column.type``
        Null where the text was null or does not fit.
    bad : boolean array
        True where the text does not fit the type, is not among the allowed values, or is null but must not be.
    """
    values = _typed(text, column, dates)
    bad = pc.and_(pc.is_valid(text), pc.is_null(values))
    if not column.nullable:
        bad = pc.or_(bad, pc.is_null(text))
    return values, mask(bad)


def without_blanks(text: pa.Array) -> pa.Array:
    """Text without outer blanks; nothing, blanks and ``?`` become null."""
    trimmed = pc.utf8_trim_whitespace(text)
    return _keep(trimmed, pc.invert(pc.is_in(trimmed, value_set=pa.array(["", "?"]))))


def mask(flags: pa.Array) -> Mask:
    """A boolean array as NumPy's, null as False."""
    found: Mask = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return found


def explain(value: str | None, column: Column, name: str, dates: DateFormat) -> str:
    """Why ``value`` does not fit ``column``, which the source calls ``name``."""
    if value is None:
        return f"{name} is empty; every row needs one"
    if column.allowed:
        return f"{name} {value!r} is none of {', '.join(column.allowed)}"
    if pa.types.is_date(column.type):
        return f"{name} {value!r} is not a date {dates.shown}"
    if pa.types.is_integer(column.type):
        return _explain_number(value, name, _INTEGER, "an integer", "the range of a 32-bit integer")
    shown = f"decimal({column.type.precision}, {column.type.scale})"
    return _explain_number(value, name, _DECIMAL, "a decimal number", shown)


def _explain_number(value: str, name: str, pattern: str, kind: str, bounds: str) -> str:
    if re.search(pattern, value):
        return f"{name} {value!r} does not fit {bounds}"
    return f"{name} {value!r} is not {kind}"


def parse_dates(text: pa.Array, dates: DateFormat) -> pa.Array:
    """Dates as date32; null where the text is null or names no day of the calendar."""
    # A bank's life is a few thousand days long: each different text is parsed once.
    encoded = pc.dictionary_encode(text)
    parts = pc.extract_regex(encoded.dictionary, pattern=dates.pattern)
    year, month, day = (
        pc.fill_null(pc.cast(pc.struct_field(parts, part), pa.int64()), 0).to_numpy() for part in ("y", "m", "d")
    )
    in_calendar = (month >= 1) & (month <= 12) & (day >= 1)
    first = ((year + dates.century - 1970) * 12 + np.where(in_calendar, month, 1) - 1).astype("datetime64[M]")
    found = first.astype("datetime64[D]") + (day - 1)
    in_calendar &= found.astype("datetime64[M]") == first
    days = pa.array(found, mask=~in_calendar).cast(pa.date32())
    return days.take(encoded.indices)


def _typed(text: pa.Array, column: Column, dates: DateFormat) -> pa.Array:
    if pa.types.is_date(column.type):
        return parse_dates(text, dates)
    if pa.types.is_integer(column.type):
        return _integers(text, column.type)
    if pa.types.is_decimal(column.type):
        return _decimals(text, column.type)
    return _keep(text, pc.is_in(text, value_set=pa.array(column.allowed))) if column.allowed else text


def _integers(text: pa.Array, kind: pa.DataType) -> pa.Array:
    numbers = _exact(text, _INTEGER)
    top = 2 ** (kind.bit_width - 1)
    return _keep(numbers, _between(numbers, -top, top - 1)).cast(kind)


def _decimals(text: pa.Array, kind: pa.DataType) -> pa.Array:
    numbers = _exact(text, _DECIMAL)
    top = 10 ** (kind.precision - kind.scale)
    # Within the bounds once the places that the type does not have are known to be empty.
    exact = pc.equal(numbers, pc.round(numbers, kind.scale))
    inside = pc.and_(pc.less(numbers, _scalar(top)), pc.greater(numbers, _scalar(-top)))
    return _keep(numbers, pc.and_(exact, inside)).cast(kind)


def _exact(text: pa.Array, pattern: str) -> pa.Array:
    return _keep(text, pc.match_substring_regex(text, pattern)).cast(_EXACT)


def _between(numbers: pa.Array, low: int, high: int) -> pa.Array:
    return pc.and_(pc.greater_equal(numbers, _scalar(low)), pc.less_equal(numbers, _scalar(high)))


def _scalar(number: int) -> pa.Scalar:
    return pa.scalar(number, pa.int64()).cast(_EXACT)


def _keep(values: pa.Array, wanted: pa.Array) -> pa.Array:
    return pc.if_else(wanted, values, pa.scalar(None, values.type))
