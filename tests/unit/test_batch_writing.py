"""What comes back: readable by spreadsheets, and never a formula."""

import csv
from io import StringIO

import pytest
from batches import as_csv, rows_of
from web import ANSWERS, StandIn, metadata, settings

from webapp.batch.reading import inspected, records
from webapp.batch.scoring import outcomes
from webapp.batch.writing import bad_head, bad_rows, result_head, result_rows, template
from webapp.csv_safe import neutralised


def judged(tmp_path, rows, model=None, delimiter=",", **options):
    data = as_csv(rows, delimiter)
    sheet = inspected(data)
    return sheet, outcomes(settings(tmp_path), model or StandIn(), sheet.kind, list(records(data, sheet)), **options)


def result(tmp_path, rows, **options) -> bytes:
    sheet, found = judged(tmp_path, rows, **options)
    return result_head(sheet) + result_rows(sheet, found, metadata())


def bad(tmp_path, rows) -> bytes:
    sheet, found = judged(tmp_path, rows)
    return bad_head(sheet) + bad_rows(sheet, found)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_what_a_spreadsheet_takes_for_a_formula_is_neutralised(start):
    assert neutralised(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["-3000", "+5", "-0.25", "1e-9", "-1.5E+10", "", "Pisek", "'quoted", "0.97"])
def test_numbers_and_other_text_stay_as_they_are(text):
    assert neutralised(text) == text


@pytest.mark.parametrize("text", ["-1-1", "+1+cmd", "-", "=-3000", "--1", "-1e5e5"])
def test_what_only_begins_like_a_number_is_neutralised(text):
    assert neutralised(text) == f"'{text}"


def test_a_reference_that_is_a_formula_comes_back_neutralised(tmp_path):
    (row,) = rows_of(result(tmp_path, [ANSWERS | {"application": '=HYPERLINK("http://e.example")'}]))
    assert row["application"] == """'=HYPERLINK("http://e.example")"""


def test_the_probability_comes_back_with_all_its_digits(tmp_path):
    model = StandIn(fixed=1 / 3)
    (row,) = rows_of(result(tmp_path, [ANSWERS], model=model))
    assert float(row["payoff_probability"]) == 1 - 1 / 3
    assert (row["verdict"], row["model_version"]) == ("default", metadata().version)


def test_every_fault_of_a_row_is_told_and_the_row_keeps_its_place(tmp_path):
    rows = [ANSWERS, ANSWERS | {"loan_amount_czk": "much", "district": "", "application": "A2"}, ANSWERS]
    found = rows_of(result(tmp_path, [{"application": ""} | row for row in rows]))
    assert [row["line"] for row in found] == ["2", "3", "4"]
    assert found[1]["errors"] == "loan_amount_czk is not a number; district is missing"
    assert found[1]["application"] == "A2"
    assert found[1]["payoff_probability"] == found[1]["verdict"] == ""
    assert found[0]["errors"] == found[2]["errors"] == ""


def test_a_reference_that_is_too_long_is_a_fault_beside_the_others(tmp_path):
    row = ANSWERS | {"application": "x" * 65, "card_type": "platinum"}
    (found,) = rows_of(bad(tmp_path, [row]))
    assert found["errors"].startswith("application must have at most 64 characters; card_type must be one of")


def test_refused_rows_come_with_reasons_and_others_only_if_asked_for(tmp_path):
    doubtful = ANSWERS | {"transaction_balance_min_180d": -12000, "month_balance_min_mean_180d": -4000}
    some = rows_of(result(tmp_path, [ANSWERS, doubtful]))
    assert [row["verdict"] for row in some] == ["paid_off", "default"]
    assert [bool(row["reason_1"]) for row in some] == [False, True]
    every = rows_of(result(tmp_path, [ANSWERS, doubtful], explained="all"))
    assert all(row["reason_1"] for row in every)
    none = rows_of(result(tmp_path, [ANSWERS, doubtful], explained="none"))
    assert not any(row["reason_1"] for row in none)


def test_bad_rows_come_back_as_they_were_sent_and_can_be_sent_again(tmp_path):
    rows = [ANSWERS, ANSWERS | {"loan_amount_czk": "-5", "district": "=cmd()"}, ANSWERS | {"card_type": ""}]
    back = bad(tmp_path, rows)
    first, second = rows_of(back)
    assert first["errors"].startswith("loan_amount_czk must be at least 1,000 CZK")
    assert (first["loan_amount_czk"], first["district"]) == ("-5", "'=cmd()")
    assert (second["line"], second["card_type"], second["as_sent"]) == ("4", "", "")
    sheet = inspected(back)
    (again, _) = records(back, sheet)
    assert again.fields == {name: str(value) for name, value in rows[1].items()}


def test_a_row_whose_columns_cannot_be_told_apart_comes_back_as_a_whole(tmp_path):
    data = as_csv([ANSWERS]) + b'"half,of,a,row\r\n'
    sheet = inspected(data)
    found = outcomes(settings(tmp_path), StandIn(), sheet.kind, list(records(data, sheet)))
    (row,) = rows_of(bad_head(sheet) + bad_rows(sheet, found))
    assert row["as_sent"] == '"half,of,a,row'
    assert row["errors"].startswith("has a quotation mark")


def test_the_answer_has_the_delimiter_of_the_question_and_begins_as_excel_wants_it(tmp_path):
    text = result(tmp_path, [ANSWERS], delimiter=";")
    assert text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}line;application;".encode())
    assert len(next(csv.reader(StringIO(text.decode().splitlines()[1]), delimiter=";"))) == 10


@pytest.mark.parametrize("kind", ["form", "accounts"])
def test_a_template_is_a_file_that_can_be_sent(kind):
    data = template(kind, metadata())
    sheet = inspected(data)
    assert (sheet.kind, sheet.rows) == (kind, 1)


def test_the_row_of_the_forms_template_can_be_predicted(tmp_path):
    data = template("form", metadata())
    (found,) = outcomes(settings(tmp_path), StandIn(), "form", list(records(data, inspected(data))))
    assert found.prediction
    assert not found.faults
