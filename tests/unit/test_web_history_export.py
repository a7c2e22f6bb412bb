"""The export of the history, and how it is kept from running in a spreadsheet."""

import csv
from datetime import datetime
from importlib import import_module
from io import StringIO

import pytest
from flask import Flask
from stored import MODELS, doubtful, filled
from web import audited, client_of

from webapp import csv_safe

# By its name, because the package has the blueprint under the same.
history = import_module("webapp.staff.history")

pytestmark = pytest.mark.usefixtures("quick_passwords")


def test_the_export_is_what_the_filters_show_in_many_parts(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_EXPORTED_AT_ONCE", 7)
    rows = [row for row in filled(app) if row["source"] == "api"]
    answer = client_of(app, "officer").get("/staff/history/export.csv?source=api")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=payoff-history.csv"
    assert answer.is_streamed
    text = answer.get_data(as_text=True)
    assert text.startswith(csv_safe.BOM)
    lines = list(csv.DictReader(StringIO(text.removeprefix(csv_safe.BOM))))
    by_number = {int(line["number"]): line for line in lines}
    assert len(lines) == len(rows) == len(by_number)
    for row in rows:
        line = by_number[row["id"]]
        assert float(line["payoff_probability"]) == row["payoff_probability"]
        assert datetime.fromisoformat(line["made_at"]) == row["made_at"]
        assert line["application"].removeprefix("'") == row["application"]
        assert (line["model"], line["outcome"]) == (MODELS[row["model_id"] - 1], "")
    assert [entry.details for entry in audited(app, "history.exported")] == [{"filtered by": ["source"]}]


def test_an_export_of_nothing_has_its_header(app: Flask) -> None:
    answer = client_of(app, "officer").get("/staff/history/export.csv")
    assert answer.get_data(as_text=True).count("\n") == 1


def test_an_export_with_a_wrong_filter_leads_to_the_page_that_names_it(app: Flask) -> None:
    client = client_of(app, "officer")
    answer = client.get("/staff/history/export.csv?lowest=many&source=api")
    assert answer.headers["Location"] == "/staff/history/?source=api&lowest=many"
    assert client.get(answer.headers["Location"]).status_code == 400


@pytest.mark.parametrize("text", ["=1+1", "+1-2", "-a", "@x", "\tx", "\rx", '=HYPERLINK("a","b")'])
def test_a_text_that_looks_like_a_formula_is_neutralised(text: str) -> None:
    (row,) = csv.reader(StringIO(csv_safe.lines([[text, -1.5, 7, None, "a=b"]]), newline=""))
    assert row == [f"'{text}", "-1.5", "7", "", "a=b"]


def test_a_reference_cannot_run_in_a_spreadsheet(app: Flask) -> None:
    doubtful(app, application="=cmd|' /C calc'!A0")
    text = client_of(app, "officer").get("/staff/history/export.csv").get_data(as_text=True)
    (line,) = csv.DictReader(StringIO(text.removeprefix(csv_safe.BOM)))
    assert line["application"] == "'=cmd|' /C calc'!A0"
