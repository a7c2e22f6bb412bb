"""The history as a browser gets it: who may, its pages, its filters and its searches."""

import re
from importlib import import_module
from typing import Any

import pytest
from flask import Flask
from pages import flowed
from stored import MODELS, doubtful, filled
from web import client_of, database_of

from payoff.choices import ROLES, Role
from webapp.storage import finding, queries
from webapp.storage.tables import StoredPrediction

# By its name, because the package has the blueprint under the same.
history = import_module("webapp.staff.history")

pytestmark = pytest.mark.usefixtures("quick_passwords")


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
    doubtful(app)
    assert app.test_client().get(address).status_code == 302
    for role in ROLES:
        allowed = ROLES.index(role) >= ROLES.index(least)
        answer = client_of(app, role).get(address)
        assert answer.status_code == (200 if allowed else 403), role
        if allowed:
            assert answer.headers["Cache-Control"] == "no-store"


def test_what_changes_something_is_for_those_whose_role_reaches_so_far(app: Flask) -> None:
    number = doubtful(app)
    viewer, officer = client_of(app, "viewer"), client_of(app, "officer")
    assert app.test_client().post(f"/staff/history/{number}/outcome", data={"outcome": "default"}).status_code == 302
    assert viewer.post(f"/staff/history/{number}/outcome", data={"outcome": "default"}).status_code == 403
    assert officer.post(f"/staff/history/{number}/delete").status_code == 403
    page = viewer.get(f"/staff/history/{number}").text
    assert "Store the outcome" not in page
    assert "Delete this prediction" not in page
    assert "export.csv" not in viewer.get("/staff/history/").text
    with database_of(app).session() as session:
        assert session.get_one(StoredPrediction, number).outcome is None


@pytest.mark.parametrize("address", ["/staff/history/1/outcome", "/staff/history/1/delete"])
def test_a_form_without_its_token_changes_nothing(app: Flask, address: str) -> None:
    doubtful(app)
    client = client_of(app, "admin")
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post(address, data={"outcome": "default"}).status_code == 400
    with database_of(app).session() as session:
        assert session.get_one(StoredPrediction, 1).outcome is None


def test_an_empty_history_says_where_predictions_come_from(app: Flask) -> None:
    page = client_of(app, "viewer").get("/staff/history/").text
    assert "No predictions</h2>" in page
    assert "No prediction has been made yet" in page
    assert "<table" not in page


def test_a_row_says_all_that_the_list_promises(app: Flask) -> None:
    number = doubtful(app)
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
        ("lowest=50&highest=50", lambda row: row["payoff_probability"] == 0.5),
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
    doubtful(app)
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


def test_a_search_may_be_as_long_as_a_reference(app: Flask) -> None:
    number = doubtful(app, application="x" * 64)
    assert numbers(client_of(app, "viewer").get(f"/staff/history/?search={'x' * 64}").text) == [number]


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
    doubtful(app)
    page = client_of(app, "viewer").get("/staff/history/?before=1").text
    assert "Nothing is left on this page" in page


@pytest.mark.parametrize("deleted", ["<b>", "x" * 30, "²", "9" * 30])
def test_what_an_address_says_was_deleted_is_only_repeated_if_it_is_a_number(app: Flask, deleted: str) -> None:
    answer = client_of(app, "viewer").get("/staff/history/", query_string={"deleted": deleted})
    assert answer.status_code == 200
    assert "is deleted." not in answer.text


def test_what_is_searched_for_is_bounded_by_what_begins_alike() -> None:
    assert finding._after("A") == "B"
    assert finding._after("\ud7ff") == "\ue000"
    assert finding._after("a\U0010ffff") == "b"
    assert finding._after("\U0010ffff") > "\U0010ffff" * 64
