"""Text to typed columns, and the keys between them."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from etl.source.casts import cast_column, explain, parse_dates, without_blanks
from etl.source.keys import later_rows, orphans, same_rows
from etl.source.loose import ISO, YYMMDD, missing_columns
from payoff.schema import Column

INTEGER = Column("duration", pa.int32(), nullable=True)
MONEY = Column("amount", pa.decimal128(6, 2), nullable=True)
CODE = Column("type", pa.string(), nullable=True, allowed=("OWNER", "DISPONENT"))


def cast(value, column, dates=YYMMDD):
    values, bad = cast_column(pa.array([value], pa.string()), column, dates)
    return values[0].as_py(), bool(bad[0])


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        (INTEGER, "12", 12),
        (INTEGER, "-12", -12),
        (INTEGER, "+12", 12),
        (INTEGER, "12.00", 12),
        (INTEGER, "2147483647", 2147483647),
        (INTEGER, "-2147483648", -2147483648),
        (MONEY, "100", Decimal("100.00")),
        (MONEY, "100.0", Decimal("100.00")),
        (MONEY, "0.10000000000000", Decimal("0.10")),
        (MONEY, "-9999.99", Decimal("-9999.99")),
        (CODE, "OWNER", "OWNER"),
    ],
)
def test_text_that_fits_its_column_keeps_its_value(column, text, value):
    assert cast(text, column) == (value, False)


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        (INTEGER, "twelve", "duration 'twelve' is not an integer"),
        (INTEGER, "1e3", "duration '1e3' is not an integer"),
        (INTEGER, "0x10", "duration '0x10' is not an integer"),
        (INTEGER, "12.5", "duration '12.5' is not an integer"),
        (INTEGER, "2147483648", "duration '2147483648' does not fit the range of a 32-bit integer"),
        (INTEGER, "-2147483649", "duration '-2147483649' does not fit the range of a 32-bit integer"),
        (INTEGER, "9" * 40, f"duration '{'9' * 40}' is not an integer"),
        (MONEY, "nan", "amount 'nan' is not a decimal number"),
        (MONEY, "1,5", "amount '1,5' is not a decimal number"),
        (MONEY, "1.005", "amount '1.005' does not fit decimal(6, 2)"),
        (MONEY, "10000", "amount '10000' does not fit decimal(6, 2)"),
        (MONEY, "-10000", "amount '-10000' does not fit decimal(6, 2)"),
        (CODE, "owner", "type 'owner' is none of OWNER, DISPONENT"),
    ],
)
def test_text_that_does_not_fit_becomes_null_and_is_explained(column, text, reason):
    assert cast(text, column) == (None, True)
    assert explain(text, column, column.name, YYMMDD) == reason


def test_a_null_is_bad_only_where_a_value_is_needed():
    assert cast(None, INTEGER) == (None, False)
    assert cast(None, CODE) == (None, False)
    assert cast(None, Column("duration", pa.int32(), nullable=False)) == (None, True)


def test_every_day_of_the_nineteen_hundreds_is_read_in_both_formats():
    days = [dt.date(1900, 1, 1) + dt.timedelta(days=n) for n in range(36_524)]
    short = pa.array([day.strftime("%y%m%d") for day in days])
    long = pa.array([f"{day.year}-{day.month}-{day.day}" for day in days])
    assert parse_dates(short, YYMMDD).to_pylist() == days
    assert parse_dates(long, ISO).to_pylist() == days


@pytest.mark.parametrize("text", ["930231", "950229", "930431", "931301", "930001", "930100", "93011", "1993-1-1", ""])
def test_a_day_that_the_calendar_lacks_is_no_date(text):
    assert parse_dates(pa.array([text]), YYMMDD).to_pylist() == [None]


@pytest.mark.parametrize("text", ["0000-00-00", "1993-2-30", "93-02-01", "1993-02-01 12:00:00"])
def test_only_whole_days_are_dates(text):
    assert parse_dates(pa.array([text]), ISO).to_pylist() == [None]


def test_midnight_may_follow_a_date():
    assert parse_dates(pa.array(["1993-2-1 00:00:00.000"]), ISO).to_pylist() == [dt.date(1993, 2, 1)]


def test_blanks_and_question_marks_count_as_nothing():
    assert without_blanks(pa.array(["", " ", "?", None, " a b "])).to_pylist() == [None, None, None, None, "a b"]


def test_missing_columns_are_found_whatever_their_case():
    assert [bad.reason for bad in missing_columns("x", ["A1", "A2"], ["a1"])] == ["column A2 is missing; found a1"]


def test_a_later_row_is_matched_with_the_first_line_of_its_key():
    keys = pa.chunked_array([pa.array([7, 5, None], pa.int32()), pa.array([7, None, 5, 7], pa.int32())])
    lines = np.array([2, 9, 4, 5, 6, 7, 8])
    later, first = later_rows(keys, lines, np.ones(7, np.bool_))
    assert sorted(zip(lines[later], lines[first], strict=True)) == [(5, 2), (8, 2), (9, 7)]


def test_rows_that_do_not_count_hold_no_key():
    keys = pa.chunked_array([pa.array([7, 7], pa.int32())])
    later, _ = later_rows(keys, np.array([2, 3]), np.array([False, True]))
    assert later.tolist() == []


def test_rows_are_the_same_if_every_value_or_null_is():
    table = pa.table({"a": [1, 1, 1], "b": [None, None, 2]})
    assert same_rows(table, np.array([1, 2]), np.array([0, 0])).tolist() == [True, False]


def test_an_absent_reference_is_no_orphan():
    references = pa.chunked_array([pa.array([1, None, 3], pa.int32())])
    keys = pa.chunked_array([pa.array([1, None], pa.int32())])
    assert orphans(references, keys).tolist() == [False, False, True]
