"""Reading the published .asc layout, and naming what is wrong with it."""

import datetime as dt
from decimal import Decimal

import pytest
from asc_files import edit, problems, read, row

from etl.source import separated, typed
from payoff.errors import BadRow
from payoff.schema import raw_tables, table_spec


def test_all_eight_tables_come_in_their_declared_types(tiny_bank):
    data = read(tiny_bank)
    assert tuple(data.tables) == raw_tables()
    assert all(table.schema.equals(table_spec(name).arrow) for name, table in data.tables.items())
    assert {name: table.num_rows for name, table in data.tables.items()} == {
        "raw_district": 4,
        "raw_account": 10,
        "raw_client": 12,
        "raw_disp": 12,
        "raw_loan": 6,
        "raw_order": 12,
        "raw_card": 6,
        "raw_trans": 91,
    }
    assert data.rejected == ()


def test_a_loan_keeps_its_values(tiny_bank):
    assert row(read(tiny_bank).tables["raw_loan"], 101) == {
        "loan_id": 101,
        "account_id": 1,
        "date": dt.date(1994, 1, 5),
        "amount": Decimal("44400.00"),
        "duration": 24,
        "payments": Decimal("1850.00"),
        "status": "A",
    }


def test_a_birth_number_tells_gender_and_birth_date(tiny_bank):
    clients = read(tiny_bank).tables["raw_client"]
    assert row(clients, 1) == {
        "client_id": 1,
        "gender": "M",
        "birth_date": dt.date(1951, 3, 17),
        "district_id": 1,
    }
    assert row(clients, 2)["gender"] == "F"
    assert row(clients, 2)["birth_date"] == dt.date(1962, 8, 24)


def test_question_marks_and_blanks_are_nulls(tiny_bank):
    tables = read(tiny_bank).tables
    assert row(tables["raw_district"], 4)["a12"] is None
    assert row(tables["raw_district"], 4)["a15"] is None
    assert row(tables["raw_order"], 10)["k_symbol"] is None
    assert set(tables["raw_trans"]["operation"].to_pylist()) >= {None, "VKLAD"}
    assert "" not in tables["raw_trans"]["k_symbol"].to_pylist()


def test_text_is_read_as_latin_1(tiny_bank):
    assert row(read(tiny_bank).tables["raw_district"], 2)["a2"] == "Modrá Lhota"


def test_a_cards_date_may_carry_midnight(tiny_bank):
    assert row(read(tiny_bank).tables["raw_card"], 1)["issued"] == dt.date(1993, 11, 12)


LOAN_101 = '101;1;940105;44400;24;1850.00;"A"'


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "reason"),
    [
        ("loan.asc", '1850.00;"A"', '1850.00;"E"', 2, "status 'E' is none of A, B, C, D"),
        ("loan.asc", '1850.00;"A"', '1850.00;"a"', 2, "status 'a' is none of A, B, C, D"),
        ("loan.asc", "940105", "930231", 2, "date '930231' is not a date YYMMDD"),
        ("loan.asc", "940105", "1994-01-05", 2, "date '1994-01-05' is not a date YYMMDD"),
        ("loan.asc", "940105", "", 2, "date is empty; every row needs one"),
        ("loan.asc", "44400;24", "many;24", 2, "amount 'many' is not a decimal number"),
        ("loan.asc", "44400;24", "44400.005;24", 2, "amount '44400.005' does not fit decimal(14, 2)"),
        ("loan.asc", "44400;24", "1000000000000;24", 2, "amount '1000000000000' does not fit decimal(14, 2)"),
        ("loan.asc", "44400;24", "44400;24.5", 2, "duration '24.5' is not an integer"),
        ("loan.asc", "44400;24", "44400;0x18", 2, "duration '0x18' is not an integer"),
        (
            "loan.asc",
            "44400;24",
            "44400;3000000000",
            2,
            "duration '3000000000' does not fit the range of a 32-bit integer",
        ),
        ("loan.asc", LOAN_101, "101;1;9401", 2, "the number of fields is 3; expected 7"),
        ("loan.asc", LOAN_101, '101;1;"9401', 2, "the number of fields is 3; expected 7"),
        ("loan.asc", LOAN_101, LOAN_101 + ";1", 2, "the number of fields is 8; expected 7"),
        ("loan.asc", LOAN_101, LOAN_101[:-1], 2, "status '\"A' has an unmatched quote"),
        ("loan.asc", LOAN_101, LOAN_101.replace("101;1;", '101;1;"'), 2, "date '\"940105' has an unmatched quote"),
        ("loan.asc", "102;2;", "101;2;", 3, "loan_id 101 is already in line 2"),
        ("loan.asc", "106;6;", "106;77;", 7, "account_id 77 is in no row of account.asc"),
        ("loan.asc", "106;6;", ";6;", 7, "loan_id is empty; every row needs one"),
        ("card.asc", "6;11;", "6;99;", 7, "disp_id 99 is in no row of disp.asc"),
        ("card.asc", '"junior"', '"platinum"', 4, "type 'platinum' is none of classic, junior, gold"),
        ("card.asc", "931112 00:00:00", "931112 12:30:00", 2, "issued '931112 12:30:00' is not a date YYMMDD"),
        ("client.asc", "625824", "625832", 3, "birth_number '625832' is not a date YYMMDD"),
        ("client.asc", "625824", "626324", 3, "birth_number '626324' is not a date YYMMDD"),
        ("client.asc", "625824", "6258", 3, "birth_number '6258' is not a date YYMMDD"),
        ("client.asc", "625824", "", 3, "birth_number is empty; every row needs one"),
        ("district.asc", "2;5;52.3", "2;5;523x", 3, "A10 '523x' is not a decimal number"),
        ("district.asc", '3;"Dol', '2;"Dol', 4, "A1 2 is already in line 3"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_reason(tiny_bank, file, old, new, line, reason):
    edit(tiny_bank / file, old, new)
    assert BadRow(file, line, reason) in problems(tiny_bank)


def test_a_row_with_two_faults_is_listed_once_with_the_first(tiny_bank):
    edit(tiny_bank / "loan.asc", LOAN_101, '101;1;930231;many;24;1850.00;"E"')
    assert problems(tiny_bank) == [BadRow("loan.asc", 2, "date '930231' is not a date YYMMDD")]


def test_a_quote_that_is_never_closed_spoils_its_own_line_only(tiny_bank):
    edit(tiny_bank / "order.asc", '1;1;"AB";"40017732"', '1;1;"AB;"40017732"')
    assert problems(tiny_bank) == [BadRow("order.asc", 2, "bank_to '\"AB' has an unmatched quote")]


def test_a_bad_row_does_not_make_the_rows_that_refer_to_it_bad(tiny_bank):
    edit(tiny_bank / "account.asc", '1;1;"POPLATEK MESICNE"', '1;1;"MONTHLY"')
    assert [(bad.file, bad.line) for bad in problems(tiny_bank)] == [("account.asc", 2)]


def test_every_bad_row_is_listed_not_only_the_first(tiny_bank):
    edit(tiny_bank / "loan.asc", '1850.00;"A"', '1850.00;"E"')
    edit(tiny_bank / "loan.asc", "940620", "940631")
    edit(tiny_bank / "card.asc", '"junior"', '"senior"')
    assert [(bad.file, bad.line) for bad in problems(tiny_bank)] == [("loan.asc", 2), ("loan.asc", 3), ("card.asc", 4)]


def test_a_flood_of_bad_rows_is_counted_but_not_kept(tiny_bank, monkeypatch):
    monkeypatch.setattr(typed, "KEPT_PER_TABLE", 3)
    text = (tiny_bank / "trans.asc").read_text(encoding="latin-1").replace('"PRIJEM"', '"INCOME"')
    (tiny_bank / "trans.asc").write_text(text, encoding="latin-1")
    found = problems(tiny_bank)
    assert len(found) == 4
    assert found[-1] == BadRow("trans.asc", 0, "bad rows not listed here: 40")


def test_half_lines_are_counted_against_the_same_limit(tiny_bank, monkeypatch):
    monkeypatch.setattr(typed, "KEPT_PER_TABLE", 2)
    with (tiny_bank / "loan.asc").open("a", encoding="latin-1") as file:
        file.write("1\r\n2\r\n3\r\n")
    assert problems(tiny_bank) == [
        BadRow("loan.asc", 8, "the number of fields is 1; expected 7"),
        BadRow("loan.asc", 9, "the number of fields is 1; expected 7"),
        BadRow("loan.asc", 0, "bad rows not listed here: 1"),
    ]


def test_line_numbers_stay_right_after_blank_and_broken_lines(tiny_bank, monkeypatch):
    monkeypatch.setattr(separated, "BLOCK_BYTES", 150)
    path = tiny_bank / "trans.asc"
    lines = path.read_text(encoding="latin-1").splitlines()
    lines[40] = lines[40].replace(";", "|", 1)
    lines[60] = lines[60].replace('"PRIJEM"', '"X"').replace('"VYDAJ"', '"X"').replace('"VYBER"', '"X"', 1)
    lines.insert(20, "")
    path.write_text("\n".join(lines), encoding="latin-1")
    assert [(bad.line, bad.reason) for bad in problems(tiny_bank)] == [
        (42, "the number of fields is 9; expected 10"),
        (62, "type 'X' is none of PRIJEM, VYDAJ, VYBER"),
    ]


def test_blank_lines_are_no_rows(tiny_bank):
    path = tiny_bank / "loan.asc"
    path.write_bytes(path.read_bytes() + b"\r\n\r\n")
    assert read(tiny_bank).tables["raw_loan"].num_rows == 6


def test_small_and_large_blocks_give_the_same_tables(tiny_bank, monkeypatch):
    whole = read(tiny_bank).tables
    monkeypatch.setattr(separated, "BLOCK_BYTES", 150)
    assert read(tiny_bank).tables == whole


def test_line_endings_do_not_matter(tiny_bank):
    expected = read(tiny_bank).tables
    for path in tiny_bank.iterdir():
        text = path.read_bytes()
        path.write_bytes(text.replace(b"\r\n", b"\n") if b"\r\n" in text else text.replace(b"\n", b"\r\n"))
    assert read(tiny_bank).tables == expected


def test_quoted_text_may_hold_semicolons_and_doubled_quotes(tiny_bank):
    edit(tiny_bank / "district.asc", '"Hradec nad Vodou"', '"Hradec; nad ""Vodou"""')
    edit(tiny_bank / "district.asc", '"Dolní Brod"', '"Dolní ""Brod"""')
    districts = read(tiny_bank).tables["raw_district"]
    assert row(districts, 1)["a2"] == 'Hradec; nad "Vodou"'
    assert row(districts, 3)["a2"] == 'Dolní "Brod"'


def test_a_line_with_a_quoted_semicolon_keeps_its_number(tiny_bank):
    edit(tiny_bank / "district.asc", '1;"Hradec nad Vodou"', '2;"Hradec; nad Vodou"')
    assert BadRow("district.asc", 3, "A1 2 is already in line 2") in problems(tiny_bank)


def test_other_columns_and_another_order_of_columns_are_fine(tiny_bank):
    expected = read(tiny_bank).tables["raw_card"]
    lines = (tiny_bank / "card.asc").read_text(encoding="latin-1").splitlines()
    turned = [";".join([*reversed(line.split(";")), '"note"' if i == 0 else '"x"']) for i, line in enumerate(lines)]
    (tiny_bank / "card.asc").write_text("\n".join(turned), encoding="latin-1")
    assert read(tiny_bank).tables["raw_card"] == expected


@pytest.mark.parametrize("skip", [False, True])
def test_a_missing_column_is_never_skipped(tiny_bank, skip):
    edit(tiny_bank / "loan.asc", '"payments"', '"payment"')
    found = "loan_id, account_id, date, amount, duration, payment, status"
    assert problems(tiny_bank, skip_bad_rows=skip) == [
        BadRow("loan.asc", 1, f"column payments is missing; found {found}")
    ]


def test_a_column_that_is_named_twice_is_refused(tiny_bank):
    edit(tiny_bank / "loan.asc", '"status"', '"status";"status"')
    assert problems(tiny_bank) == [BadRow("loan.asc", 1, "column status is named twice")]


def test_a_missing_file_is_named_before_what_follows_from_it(tiny_bank):
    (tiny_bank / "disp.asc").unlink()
    edit(tiny_bank / "loan.asc", '1850.00;"A"', '1850.00;"E"')
    assert [(bad.file, bad.line) for bad in problems(tiny_bank)] == [("disp.asc", 0), ("loan.asc", 2)]


def test_a_file_without_rows_is_refused(tiny_bank):
    header = (tiny_bank / "card.asc").read_bytes().splitlines(keepends=True)[0]
    (tiny_bank / "card.asc").write_bytes(header)
    assert problems(tiny_bank) == [BadRow("card.asc", 0, "holds no rows")]


def test_a_file_without_a_byte_lacks_every_column(tiny_bank):
    (tiny_bank / "card.asc").write_bytes(b"")
    assert problems(tiny_bank)[0] == BadRow("card.asc", 1, "column card_id is missing; found nothing")


def test_skipping_leaves_out_bad_rows_and_those_that_refer_to_them(tiny_bank):
    edit(tiny_bank / "account.asc", '4;4;"POPLATEK MESICNE"', '4;4;"MONTHLY"')
    data = read(tiny_bank, skip_bad_rows=True)
    assert data.tables["raw_account"].num_rows == 9
    for table in ("raw_loan", "raw_order", "raw_trans", "raw_disp"):
        assert 4 not in data.tables[table]["account_id"].to_pylist()
    assert data.rejected[:2] == (
        BadRow("account.asc", 5, "frequency 'MONTHLY' is none of POPLATEK MESICNE, POPLATEK TYDNE, POPLATEK PO OBRATU"),
        BadRow("loan.asc", 5, "account_id 4 is in no row of account.asc"),
    )
    # The card of that account's owner goes with the owner's disposition.
    assert BadRow("card.asc", 4, "disp_id 5 is in no row of disp.asc") in data.rejected
    assert len(data.rejected) == 1 + 1 + 2 + 12 + 1 + 1


def test_skipping_keeps_the_first_row_of_a_key(tiny_bank):
    edit(tiny_bank / "card.asc", "2;2;", "1;2;")
    data = read(tiny_bank, skip_bad_rows=True)
    assert data.tables["raw_card"]["disp_id"].to_pylist() == [1, 5, 6, 8, 11]
    assert data.rejected == (BadRow("card.asc", 3, "card_id 1 is already in line 2"),)


def test_skipping_does_not_empty_a_table(tiny_bank):
    text = (tiny_bank / "card.asc").read_text(encoding="latin-1").replace("00:00:00", "noon")
    (tiny_bank / "card.asc").write_text(text, encoding="latin-1")
    assert problems(tiny_bank, skip_bad_rows=True)[0] == BadRow("card.asc", 0, "no row is left")
