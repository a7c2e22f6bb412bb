"""History in a browser: found, opened, corrected and deleted, on a phone and at a desk, with and without JavaScript."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from live import log_in, serving
from playwright.sync_api import Browser, Page, expect
from stored import MODELS, fill, invented
from web import DOUBTFUL, StandIn, app_with, database_of, employ

from payoff.choices import ROLES
from webapp.predictions import predict, typed_answers
from webapp.storage.history import Circumstances, Kept, store, store_shadow

REASONS = [{"base": 0.9}, {"key": "lows", "effect": -0.2, "values": [["transaction_balance_min_180d", -12000.0]]}]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, quick_passwords: None) -> Iterator[str]:
    """The address of an app of its own with a history and three members of staff."""
    app = app_with(tmp_path_factory.mktemp("bank"))
    model = StandIn()
    prediction = predict(model, typed_answers(model, DOUBTFUL))
    with database_of(app).session() as session:
        fill(session, invented(120))
        for number in range(3):
            (stored,) = store(session, [Kept(prediction, Circumstances("lookup", f"Z-{number}", 4711), REASONS)])
            store_shadow(session, stored, prediction)
    for role in ROLES:
        employ(app, role, role)
    with serving(app) as address:
        yield address


def enter(page: Page, bank: str, role: str, address: str = "/staff/history/") -> None:
    log_in(page, bank, role, address)


@pytest.mark.parametrize(
    "address",
    [
        "/staff/history/",
        "/staff/history/?source=api&verdict=default",
        "/staff/history/?since=2027-01-01",
        "/staff/history/?since=never&lowest=x&model=none",
        "/staff/history/241",
        "/staff/history/241/delete",
        "/staff/audit/",
        "/staff/audit/?actor=nobody",
    ],
)
def test_every_page_is_accessible(page: Page, bank: str, address: str) -> None:
    enter(page, bank, "admin")
    page.goto(f"{bank}{address}")
    assert violations(page) == []


@pytest.mark.parametrize("address", ["/staff/history/", "/staff/history/241", "/staff/audit/"])
def test_every_page_is_accessible_at_a_desk(browser: Browser, bank: str, address: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    enter(page, bank, "admin", address)
    assert violations(page) == []
    context.close()


@pytest.mark.parametrize(
    "address", ["/staff/history/", "/staff/history/241", "/staff/history/241/delete", "/staff/audit/"]
)
def test_nothing_is_wider_than_a_phone(phone: Page, bank: str, address: str) -> None:
    enter(phone, bank, "admin", address)
    assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [320, 1023, 1024])
def test_the_list_fits_every_width(browser: Browser, bank: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    enter(page, bank, "viewer")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    context.close()


def test_rows_are_cards_on_a_phone_and_a_table_at_a_desk(phone: Page, desktop: Page, bank: str) -> None:
    for page, display in ((phone, "block"), (desktop, "table-row")):
        enter(page, bank, "viewer")
        row = page.get_by_role("row").nth(1)
        assert row.evaluate("row => getComputedStyle(row).display") == display
        expect(row.get_by_role("cell")).to_have_count(8)
        expect(row.get_by_role("rowheader")).to_have_count(1)


def test_filters_narrow_the_list_and_stay_in_the_address(desktop: Page, bank: str) -> None:
    enter(desktop, bank, "viewer")
    everything = desktop.get_by_role("heading", level=2).inner_text()
    desktop.get_by_label("Model").select_option(MODELS[1])
    desktop.get_by_label("Verdict").select_option("Doubtful")
    desktop.get_by_role("button", name="Show").click()
    # Empty filters are left out where a script can do so.
    expect(desktop).to_have_url(f"{bank}/staff/history/?verdict=default&model={MODELS[1]}")
    assert desktop.get_by_role("heading", level=2).inner_text() != everything
    expect(desktop.get_by_role("row").filter(has_text="Likely paid off")).to_have_count(0)
    desktop.get_by_role("link", name="Clear all filters").click()
    expect(desktop.get_by_role("heading", level=2)).to_have_text(everything)


def test_a_script_opens_the_filters_where_there_is_room(phone: Page, desktop: Page, bank: str) -> None:
    for page, seen in ((phone, False), (desktop, True)):
        enter(page, bank, "viewer")
        expect(page.get_by_label("Source")).to_be_visible(visible=seen)
    phone.get_by_text("Days, probability, verdict, source, model").click()
    expect(phone.get_by_label("Source")).to_be_visible()


def test_a_mistake_is_named_and_its_link_leads_to_the_field(desktop: Page, bank: str) -> None:
    enter(desktop, bank, "viewer")
    desktop.get_by_label("Lowest probability, per cent").fill("high")
    desktop.get_by_role("button", name="Show").click()
    expect(desktop.get_by_role("alert")).to_be_focused()
    desktop.get_by_role("link", name="“high” is not a number from 0 to 100.").click()
    expect(desktop.get_by_label("Lowest probability, per cent")).to_be_focused()
    expect(desktop.get_by_label("Lowest probability, per cent")).to_have_value("high")


def test_pages_are_turned_by_keyboard(desktop: Page, bank: str) -> None:
    enter(desktop, bank, "viewer")
    first = desktop.get_by_role("rowheader").first.inner_text()
    desktop.get_by_role("link", name="Older", exact=True).press("Enter")
    expect(desktop.get_by_role("link", name="Newer", exact=True)).to_be_visible()
    assert desktop.get_by_role("rowheader").first.inner_text() != first
    desktop.get_by_role("link", name="Oldest", exact=True).press("Enter")
    expect(desktop.get_by_role("link", name="Older", exact=True)).to_have_count(0)
    desktop.get_by_role("link", name="Newest", exact=True).press("Enter")
    expect(desktop.get_by_role("rowheader").first).to_have_text(first)


def test_the_export_downloads_what_is_shown(desktop: Page, bank: str) -> None:
    enter(desktop, bank, "officer", "/staff/history/?search=Z-")
    with desktop.expect_download() as waiting:
        desktop.get_by_role("link", name="Export as CSV").click()
    assert waiting.value.suggested_filename == "payoff-history.csv"
    with Path(waiting.value.path()).open(encoding="utf-8-sig", newline="") as file:
        assert {line["application"] for line in csv.DictReader(file)} <= {"Z-0", "Z-1", "Z-2"}


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_prediction_is_found_corrected_and_deleted(browser: Browser, bank: str, scripts: bool) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    page = context.new_page()
    enter(page, bank, "admin")
    reference = "Z-1" if scripts else "Z-2"
    page.get_by_label("Search").fill(reference)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("rowheader").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1, name="Doubtful")).to_be_visible()
    expect(page.get_by_text("−20.0 points")).to_be_visible()
    page.get_by_label("Defaulted").check()
    page.get_by_role("button", name="Store the outcome").click()
    expect(page.get_by_text("Defaulted, as recorded on")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("The outcome is stored.")
    page.get_by_role("link", name="Delete this prediction").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"Delete prediction \d+\?"))
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("link", name="Delete this prediction").click()
    page.get_by_role("button", name="Delete it for good").click()
    expect(page.get_by_role("status")).to_have_text(re.compile(r"Prediction \d+ is deleted\."))
    page.goto(f"{bank}/staff/history/?search={reference}")
    expect(page.get_by_text("No prediction fits these filters.")).to_be_visible()
    page.goto(f"{bank}/staff/audit/?action=prediction.deleted")
    expect(page.get_by_role("rowheader").first).to_be_visible()
    context.close()


def test_a_thorough_explanation_is_a_click_away(desktop: Page, bank: str) -> None:
    enter(desktop, bank, "viewer", "/staff/history/241")
    desktop.get_by_role("button", name="Compute a thorough explanation").click()
    expect(desktop.get_by_text("Computed just now, thoroughly").first).to_be_visible()
    expect(desktop.get_by_role("button", name="Compute a thorough explanation")).to_have_count(0)
