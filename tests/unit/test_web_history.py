"""History, one prediction, its outcome, its deletion, the export and the audit log, as a browser gets them."""

import csv
import re
from datetime import UTC, datetime
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select
from stored import MODELS, fill, invented
from web import DOUBTFUL, Served, StandIn, app_with, client_of, metadata, settings

from payoff.choices import Role
from webapp import create_app, csv_safe, storage, wording
from webapp.predictions import predict, typed_answers
from webapp.storage import finding, passwords, queries
from webapp.storage.audit import note
from webapp.storage.history import Circumstances, store, store_shadow
from webapp.storage.tables import AuditEntry, StoredPrediction

# By its name, because the package has the blueprint under the same.
history = import_module("webapp.staff.history")
REASONS = [
    {"base": 0.9},
    {"key": "lows", "effect": -0.2, "values": [["transaction_balance_min_180d", -12000.0]]},
    {"key": "terms", "effect": 0.05, "values": [["loan_amount_czk", 400000.0]]},
]


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return app_with(tmp_path)


def stored(app: Flask, reasons: Any = REASONS, **how: Any) -> int:
    """Store a doubtful prediction with a shadow's score; its number."""
    model, shadow = StandIn(), StandIn(metadata("2026-02-02T02-02-02"), fixed=0.4)
    answers = typed_answers(model, DOUBTFUL)
    given = {"source": "lookup", "application": "A-17", "account_id": 4711, "milliseconds": 41.2} | how
    with app.extensions[storage.EXTENSION].session() as session:
        number = store(session, predict(model, answers), Circumstances(**given), reasons)
        store_shadow(session, number, predict(shadow, answers))
        return number


def filled(app: Flask, rows: int = 120) -> list[dict[str, Any]]:
    with app.extensions[storage.EXTENSION].session() as session:
        fill(session, made := invented(rows))
    return made


def flowed(text: str) -> str:
    return re.sub(r"[ \n]+", " ", text)


def log(app: Flask) -> list[AuditEntry]:
    with app.extensions[storage.EXTENSION].session() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def numbers(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'href="/staff/history/(\d+)"', page)]


@pytest.mark.parametrize(
    ("address", "least"),
    [
        ("/staff/history/", "viewer"),
        ("/staff/history/1", "viewer"),
        ("/staff/history/export.csv", "officer"),
        ("/staff/history/1/delete", "admin"),
        ("/staff/audit/", "admin"),
    ],
)
def test_pages_are_for_those_whose_role_reaches_so_far(app: Flask, address: str, least: Role) -> None:
    stored(app)
    assert app.test_client().get(address).status_code == 302
    for role in ("viewer", "officer", "admin"):
        allowed = ("viewer", "officer", "admin").index(role) >= ("viewer", "officer", "admin").index(least)
        answer = client_of(app, role).get(address)
        assert answer.status_code == (200 if allowed else 403), role
        if allowed:
            assert answer.headers["Cache-Control"] == "no-store"


def test_what_changes_something_is_for_those_whose_role_reaches_so_far(app: Flask) -> None:
    number = stored(app)
    viewer, officer = client_of(app, "viewer"), client_of(app, "officer")
    assert app.test_client().post(f"/staff/history/{number}/outcome", data={"outcome": "default"}).status_code == 302
    assert viewer.post(f"/staff/history/{number}/outcome", data={"outcome": "default"}).status_code == 403
    assert officer.post(f"/staff/history/{number}/delete").status_code == 403
    page = viewer.get(f"/staff/history/{number}").text
    assert "Store the outcome" not in page
    assert "Delete this prediction" not in page
    assert "export.csv" not in viewer.get("/staff/history/").text
    with app.extensions[storage.EXTENSION].session() as session:
        assert session.get_one(StoredPrediction, number).outcome is None


@pytest.mark.parametrize("address", ["/staff/history/1/outcome", "/staff/history/1/delete"])
def test_a_form_without_its_token_changes_nothing(app: Flask, address: str) -> None:
    stored(app)
    client = client_of(app, "admin")
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post(address, data={"outcome": "default"}).status_code == 400
    with app.extensions[storage.EXTENSION].session() as session:
        assert session.get_one(StoredPrediction, 1).outcome is None


def test_an_empty_history_says_where_predictions_come_from(app: Flask) -> None:
    page = client_of(app, "viewer").get("/staff/history/").text
    assert "No predictions</h2>" in page
    assert "No prediction has been made yet" in page
    assert "<table" not in page


def test_a_row_says_all_that_the_list_promises(app: Flask) -> None:
    number = stored(app)
    page = flowed(client_of(app, "officer").get("/staff/history/").text)
    assert "One prediction</h2>" in page
    row = page[page.index("<tbody") : page.index("</tbody>")]
    for text in (
        f'href="/staff/history/{number}"', "A-17", "Account lookup", "400,000\u00a0CZK", "24\u00a0months",
        "61.8\u00a0%", 'width="61.8"', "Doubtful", "2026-01-05T09-30-00", "–",
    ):  # fmt: skip
        assert text in row, text


def test_pages_follow_each_other_and_keep_the_filters(app: Flask) -> None:
    rows = filled(app)
    wanted = sorted((r for r in rows if r["model_id"] == 1), key=lambda r: (r["made_at"], r["id"]), reverse=True)
    client = client_of(app, "viewer")
    address, seen = f"/staff/history/?model={MODELS[0]}", []
    while address:
        page = client.get(address).text
        assert f"{len(wanted)} predictions</h2>" in page
        seen += numbers(page)
        onward = re.search(r'rel="next" href="([^"]+)"', page)
        address = onward[1].replace("&amp;", "&") if onward else ""
        assert not address or f"model={MODELS[0]}" in address
    assert seen == [row["id"] for row in wanted]
    assert numbers(client.get(f"/staff/history/?model={MODELS[0]}&after=0").text) == seen[-50:]


def test_more_than_can_be_counted_quickly_are_not_counted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries.found, "__defaults__", (50,))
    monkeypatch.setattr(history, "MOST_COUNTED", 50)
    filled(app)
    assert "More than 50 predictions</h2>" in client_of(app, "viewer").get("/staff/history/").text


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("source=api", lambda row: row["source"] == "api"),
        (
            "verdict=default&lowest=30&highest=80",
            lambda row: row["verdict"] == "default" and 0.3 <= row["payoff_probability"] <= 0.8,
        ),
        ("lowest=99,1", lambda row: row["payoff_probability"] >= 0.991),
        ("since=2026-01-02&until=2026-01-02", lambda row: row["made_at"].day == 2),
        ("search=A-1", lambda row: row["application"].startswith("A-1")),
        ("search=+7+", lambda row: row["application"].startswith("7") or row["account_id"] == 7),
        ("search=120", lambda row: row["application"].startswith("120") or 120 in (row["account_id"], row["id"])),
    ],
)  # fmt: skip
def test_filters_in_the_address_are_kept_in_the_form_and_applied(app: Flask, query: str, fits: Any) -> None:
    wanted = {row["id"] for row in filled(app, 60) if fits(row)}
    assert wanted
    client = client_of(app, "viewer")
    page = client.get(f"/staff/history/?{query}").text
    assert set(numbers(page)) == wanted
    for name, value in (pair.split("=") for pair in query.split("&")):
        value = value.strip("+")
        field = re.search(rf'<input id="{name}"[^>]*>|<select id="{name}".*?</select>', page, re.S)
        assert field
        assert f'value="{value}"{" selected" if "<select" in field[0] else ""}' in field[0]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("since=yesterday", {"since": "“yesterday” is not a day"}),
        ("until=2026-02-30", {"until": "“2026-02-30” is not a day"}),
        ("since=2026-02-02&until=2026-02-01", {"until": "must not be before the first"}),
        ("lowest=120", {"lowest": "“120” is not a number from 0 to 100"}),
        ("highest=nan", {"highest": "“nan” is not a number"}),
        ("lowest=-1&highest=1e999", {"lowest": "“-1” is not", "highest": "“1e999” is not"}),
        ("lowest=90&highest=10", {"highest": "must not be below the lowest"}),
        ("verdict=maybe", {"verdict": "There is no “maybe”"}),
        ("source=%3Cscript%3E", {"source": "There is no “&lt;script&gt;”"}),
        ("model=2020", {"model": "There is no “2020”"}),
        ("search=" + "x" * 65, {"search": "at most 64 characters"}),
        ("search=a%00b", {"search": "no control characters"}),
    ],
)
def test_every_filter_that_is_wrong_is_named_at_its_field(app: Flask, query: str, wrong: dict[str, str]) -> None:
    stored(app)
    answer = client_of(app, "officer").get(f"/staff/history/?{query}")
    page = flowed(answer.text)
    assert answer.status_code == 400
    assert f"{'One filter needs' if len(wrong) == 1 else '2 filters need'} another look" in page
    for name, words in wrong.items():
        message = re.search(rf'<p class="error" id="{name}-error">([^<]*)</p>', page)
        assert message
        assert words in message[1]
        field = re.search(rf'<(?:input|select) id="{name}"[^>]*>', page)
        assert field
        assert 'aria-invalid="true"' in field[0]
        assert f"{name}-error" in field[0]
        assert f'<li><a href="#{name}">' in page
    assert "<table" not in page


def test_a_search_that_fits_too_much_is_named_at_its_field(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(app, 30)
    monkeypatch.setattr(queries, "BROADEST_SEARCH", 1)
    client = client_of(app, "officer")
    answer = client.get("/staff/history/?search=A")
    assert answer.status_code == 400
    assert "Too many predictions fit this search" in answer.text
    back = client.get("/staff/history/export.csv?search=A")
    assert (back.status_code, back.headers["Location"]) == (302, "/staff/history/?search=A")


@pytest.mark.parametrize(
    "cursor", ["before=x", "after=-1", "before=9999999999999999999999", "after=1.5", "before=%C2%B2"]
)
def test_a_mangled_page_address_is_refused(app: Flask, cursor: str) -> None:
    admin = client_of(app, "admin")
    assert admin.get(f"/staff/history/?{cursor}").status_code == 400
    assert admin.get(f"/staff/audit/?{cursor}").status_code == 400


def test_a_page_beyond_the_end_leads_back(app: Flask) -> None:
    stored(app)
    page = client_of(app, "viewer").get("/staff/history/?before=1").text
    assert "Nothing is left on this page" in page


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
    assert [entry.details for entry in log(app) if entry.action == "history.exported"] == [{"filtered by": ["source"]}]


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
    stored(app, application="=cmd|' /C calc'!A0")
    text = client_of(app, "officer").get("/staff/history/export.csv").get_data(as_text=True)
    (line,) = csv.DictReader(StringIO(text.removeprefix(csv_safe.BOM)))
    assert line["application"] == "'=cmd|' /C calc'!A0"


def test_the_detail_page_tells_all_that_is_stored(app: Flask) -> None:
    officer = client_of(app, "officer")
    number = stored(app, user_id=1, arm="champion")
    page = flowed(officer.get(f"/staff/history/{number}").text)
    for text in (
        '<h1 id="verdict">Doubtful</h1>', "61.8\u00a0%</data>", "doubtful at 80\u00a0% and below",
        f"Prediction {number}",
        "400,000\u00a0CZK", "24\u00a0months", "A-17", "4711", "Account lookup", "41.2\u00a0ms", "<td>officer</td>",
        "2026-01-05T09-30-00", "2026-02-02T02-02-02", "Doubtful, 60.0\u00a0%", "champion", "Not known yet.",
        "Lowest balance in the last six months", "−12,000\u00a0CZK", "As stored with the prediction",
        "−20.0\u00a0points", "+5.0\u00a0points",
    ):  # fmt: skip
        assert text in page, text
    assert page.index("−20.0\u00a0points") < page.index("+5.0\u00a0points")
    assert page.count("<tr><th") + page.count("<tr> <th") >= len(StandIn().metadata.features)


def test_a_prediction_without_reasons_says_so_and_offers_to_compute_them(app: Flask) -> None:
    number = stored(app, reasons=None)
    viewer = client_of(app, "viewer")
    page = viewer.get(f"/staff/history/{number}").text
    assert "No reasons were stored" in page
    assert f'href="/staff/history/{number}?thorough=1#reasons"' in page


def test_a_thorough_explanation_is_computed_with_the_model_that_answered(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webapp.explaining import Explanation, Reason
    from webapp.staff import describing

    asked: list[Any] = []

    def explained(model: Any, features: Any, *, thorough: bool) -> Explanation:
        asked.append((model.metadata.version, features, thorough))
        return Explanation(0.9, (Reason("lows", -0.3, (("transaction_balance_min_180d", -12000.0),)),))

    monkeypatch.setattr(describing, "explain", explained)
    number = stored(app, reasons=None)
    page = flowed(client_of(app, "viewer").get(f"/staff/history/{number}?thorough=1").text)
    assert "Computed just now, thoroughly. The reasons add up from the average of 90.0\u00a0%" in page
    assert "−30.0\u00a0points" in page
    ((version, features, thorough),) = asked
    assert (version, thorough, len(features)) == ("2026-01-05T09-30-00", True, 1)
    model = StandIn()
    again = predict(model, typed_answers(model, DOUBTFUL))
    assert features.iloc[0].to_dict() == dict(again.features)
    assert 1 - model.default_probabilities(features)[0] == again.payoff_probability


def test_a_missing_figure_is_not_a_number_when_it_is_explained() -> None:
    from webapp.staff.describing import _frame

    frame = _frame("form", {"loan_amount_czk": None, "card_type": "none", "of another version": 1})
    assert frame["loan_amount_czk"].dtype == "float64"
    assert frame["loan_amount_czk"].isna().all()
    assert frame["card_type"].tolist() == ["none"]


def test_a_model_that_is_gone_leaves_what_was_stored(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path), models=Served(StandIn(metadata("2027-01-01T00-00-00"))))
    number, viewer = stored(app), client_of(app, "viewer")
    for query in ("", "?thorough=1"):
        page = viewer.get(f"/staff/history/{number}{query}").text
        assert "can no longer be loaded" in page
        assert "−20.0\u00a0points" in page
        assert "thorough=1#" not in page


def test_a_prediction_that_is_not_there_is_not_found(app: Flask) -> None:
    admin = client_of(app, "admin")
    assert admin.get("/staff/history/7").status_code == 404
    assert admin.get("/staff/history/7/delete").status_code == 404
    assert admin.post("/staff/history/7/delete").status_code == 404
    assert admin.post("/staff/history/7/outcome", data={"outcome": "default"}).status_code == 404
    assert admin.get("/staff/history/99999999999999999999").status_code == 404


def test_an_outcome_is_recorded_corrected_and_withdrawn(app: Flask) -> None:
    number = stored(app)
    officer = client_of(app, "officer")
    for given, told in (
        ("paid_off", "Paid off, as recorded on"),
        ("default", "Defaulted, as recorded on"),
        ("unknown", "Not known yet"),
    ):
        answer = officer.post(f"/staff/history/{number}/outcome", data={"outcome": given})
        assert answer.status_code == 303
        page = officer.get(answer.headers["Location"]).text
        assert "The outcome is stored." in page
        assert told in page
        assert f'value="{given}" required checked' in page
    changes = [(e.actor, e.details["from"], e.details["to"]) for e in log(app) if e.action == "prediction.outcome"]
    assert changes == [("officer", None, "paid_off"), ("officer", "paid_off", "default"), ("officer", "default", None)]


@pytest.mark.parametrize("given", [{}, {"outcome": ""}, {"outcome": "maybe"}])
def test_an_outcome_that_is_none_is_refused(app: Flask, given: dict[str, str]) -> None:
    number = stored(app)
    assert client_of(app, "officer").post(f"/staff/history/{number}/outcome", data=given).status_code == 400


def test_deleting_asks_first_and_then_does_it(app: Flask) -> None:
    number = stored(app)
    admin = client_of(app, "admin")
    asked = admin.get(f"/staff/history/{number}/delete").text
    assert f"Delete prediction {number}?" in asked
    assert "A-17" in asked
    assert admin.get(f"/staff/history/{number}").status_code == 200
    answer = admin.post(f"/staff/history/{number}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/staff/history/?deleted={number}")
    assert f"Prediction {number} is deleted." in admin.get(answer.headers["Location"]).text
    assert admin.get(f"/staff/history/{number}").status_code == 404
    assert ("admin", "prediction.deleted") in {(entry.actor, entry.action) for entry in log(app)}


@pytest.mark.parametrize("deleted", ["<b>", "x" * 30, "²", "9" * 30])
def test_what_an_address_says_was_deleted_is_only_repeated_if_it_is_a_number(app: Flask, deleted: str) -> None:
    answer = client_of(app, "viewer").get("/staff/history/", query_string={"deleted": deleted})
    assert answer.status_code == 200
    assert "is deleted." not in answer.text


def test_the_audit_log_is_listed_newest_first_by_page_actor_and_action(app: Flask) -> None:
    admin = client_of(app, "admin")
    with app.extensions[storage.EXTENSION].session() as session:
        for number in range(60):
            note(session, "ann" if number % 2 else "ben", "thing.done", f"thing {number}", {"n": number, "more": [1]})
    first = admin.get("/staff/audit/?action=thing.done").text
    assert re.findall(r">thing (\d+)<", first) == [str(n) for n in range(59, 9, -1)]
    assert "n: 59; more: [1]" in flowed(first)
    onward = re.search(r'rel="next" href="([^"]+)"', first)
    assert onward
    second = admin.get(onward[1].replace("&amp;", "&")).text
    assert re.findall(r">thing (\d+)<", second) == [str(n) for n in range(9, -1, -1)]
    back = re.search(r'rel="prev" href="([^"]+)"', second)
    assert back
    assert re.findall(r">thing (\d+)<", admin.get(back[1].replace("&amp;", "&")).text) == [
        str(n) for n in range(59, 9, -1)
    ]
    assert re.findall(r">thing (\d+)<", admin.get("/staff/audit/?actor=ann").text) == [str(n) for n in range(59, 0, -2)]
    assert "Nothing was noted that fits" in admin.get("/staff/audit/?actor=nobody&action=none").text
    assert "login.succeeded" in admin.get("/staff/audit/").text


def test_a_moment_in_a_column_names_day_and_minute() -> None:
    assert wording.short_moment(datetime(2026, 3, 1, 7, 5, tzinfo=UTC)) == "1 Mar 2026, 07:05"


@pytest.mark.parametrize(("effect", "shown"), [(0.031, "+3.1"), (-0.2, "−20.0"), (0.0001, "0.0"), (0.0, "0.0")])
def test_an_effect_has_its_sign_unless_it_is_none(effect: float, shown: str) -> None:
    assert wording.points(effect) == f"{shown}\u00a0points"


def test_what_is_searched_for_is_bounded_by_what_begins_alike() -> None:
    assert finding._after("A") == "B"
    assert finding._after("\ud7ff") == "\ue000"
    assert finding._after("a\U0010ffff") == "b"
    assert finding._after("\U0010ffff") > "\U0010ffff" * 64
