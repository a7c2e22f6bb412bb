"""Hostile and careless CSV files: each has a clear answer, and no row hides another."""

import pytest
from batches import TERMS, as_csv, loans
from hypothesis import given
from hypothesis import strategies as st
from web import ANSWERS

from payoff.errors import ContractError
from webapp.batch.reading import MOST_ROWS, NAMES, inspected, records

HEADER = ",".join(TERMS)
ROW = ",".join(TERMS.values())


def read(text: str | bytes):
    data = text.encode() if isinstance(text, str) else text
    return list(records(data, inspected(data)))


def faults(text: str | bytes) -> list[tuple[int, str]]:
    return [(row.line, row.fault) for row in read(text)]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_any_spreadsheet_are_read(delimiter, encoding, end):
    lines = as_csv([ANSWERS, ANSWERS], delimiter).decode().split("\r\n")
    sheet = inspected(end.join(lines).encode(encoding))
    assert (sheet.kind, sheet.delimiter, sheet.names, sheet.rows) == ("form", delimiter, NAMES["form"], 2)
    rows = list(records(end.join(lines).encode(encoding), sheet))
    assert [row.line for row in rows] == [2, 3]
    assert rows[0].fields == {name: str(value) for name, value in ANSWERS.items()}


def test_a_column_account_id_makes_it_a_file_of_accounts():
    sheet = inspected(as_csv([TERMS | {"application": "A1"}]))
    assert (sheet.kind, sheet.rows) == ("accounts", 1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \r\n \n", "empty"),
        (HEADER.encode(), "a header and no rows"),
        (f"{HEADER}\n\n,,,\n".encode(), "a header and no rows"),
        (b"PK\x03\x04rest of a workbook", "a workbook, not CSV"),
        (f"{HEADER}\n{ROW}".encode("utf-16"), "encoded as UTF-16"),
        (f"{HEADER}\n{ROW}\n{ROW}".encode() + b"\xed\n", "Line 3 is not encoded as UTF-8"),
        ("jméno\n".encode("cp1250"), "Line 1 is not encoded as UTF-8"),
        (b"\0\0\0\0", "Unknown: “”. Missing: loan_amount_czk"),
        (f"{HEADER},colour\n{ROW},red".encode(), r"Unknown: colour\.$"),
        (f"{HEADER},granted_on\n{ROW},1994-01-05".encode(), r"Given more than once: granted_on\.$"),
        (b"account_id,loan_amount_czk\n1,2", r"Missing: loan_duration_months, granted_on\.$"),
        (b"one loan\n1", r"Unknown: one loan\. Missing: loan_amount_czk, .* \(\+12\)\.$"),
        (b'"account_id\n1', "Missing"),
        (b"x" * 10_000_000, "Unknown: x{40}. "),
        (b"a\n" * 40 * 2**19, "larger than 32 MB"),
        (HEADER.encode() + b"\n" + b"1\n" * (MOST_ROWS + 1), "has 200,001 rows; at most 200,000 are taken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_says_why(data, words):
    with pytest.raises(ContractError, match=words):
        inspected(data)


def test_as_many_rows_as_are_allowed_are_taken():
    assert inspected(HEADER.encode() + b"\n" + b"1\n" * MOST_ROWS).rows == MOST_ROWS


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('1,"2,3,4', "a quotation mark that is not closed"),
        ('1,"2"x,3,4', "a quotation mark that is not closed, or stands alone"),
        ("1,2,3", "has 3 columns; the header has 4"),
        ("1,2,3,4,5", "has 5 columns; the header has 4"),
        ("1;2;3;4", "has 1 columns; the header has 4"),
        ("1,2\0,3,4", "characters that are no text"),
        ("1,2\N{REPLACEMENT CHARACTER},3,4", "characters that are no text"),
        ("1,2," + "3" * 10_000_000 + ",4", "longer than any row can be"),
    ],
    ids=["open quote", "text after a quote", "too few", "too many", "other delimiter", "NUL", "lost letter", "10 MB"],
)
def test_a_bad_row_is_named_and_the_others_are_read(row, fault):
    found = read(f"{HEADER}\n{ROW}\n{row}\n{ROW}\n")
    assert [each.line for each in found] == [2, 3, 4]
    assert [bool(each.fault) for each in found] == [False, True, False]
    assert fault in found[1].fault
    assert found[1].fields == {}
    assert len(found[1].text) <= 10_000


def test_blank_lines_are_no_rows_but_count_as_lines():
    assert [line for line, _ in faults(f"\n{HEADER}\n\n{ROW}\n,,,\n  \n{ROW}\n\n")] == [4, 7]


def test_quoted_cells_may_hold_the_delimiter_and_spaces_around_cells_are_dropped():
    (row,) = read(f'application,{HEADER}\n" A, ""1"" ",{ROW}')
    assert row.fields["application"] == 'A, "1"'


def test_what_was_added_to_a_row_that_came_back_is_ignored_and_its_apostrophes_are_taken_off():
    (row,) = read(f"line,errors,as_sent,application,{HEADER}\n7,'=wrong,,'-A1,{ROW}")
    assert row.fields == {"application": "-A1"} | TERMS


def test_an_apostrophe_that_belongs_to_a_name_stays():
    (row,) = read(f"application,{HEADER}\n'Neill,{ROW}")
    assert row.fields["application"] == "'Neill"


def test_rows_can_be_read_from_the_middle():
    data = as_csv(loans(5))
    sheet = inspected(data)
    assert [row.line for row in records(data, sheet, skip=3)] == [5, 6]


@given(st.binary(max_size=200))
def test_any_bytes_are_either_read_or_refused(data):
    try:
        sheet = inspected(data)
    except ContractError:
        return
    assert len(list(records(data, sheet))) == sheet.rows


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_lines_after_a_header_lose_no_good_row(lines):
    text = "\n".join([HEADER, ROW, *lines, ROW])
    found = read(text.encode("utf-8", "replace"))
    good = [row for row in found if row.fields == TERMS]
    assert (found[0], found[-1]) == (good[0], good[-1])
    assert len(found) >= 2
