"""The dashboard in a browser: on a phone, on a desktop, by night, without JavaScript."""

from collections.abc import Iterator

import pytest
from axe import violations
from live import log_in, serving
from playwright.sync_api import Browser, Page
from predicted import WINDOW, filled
from web import app_with, employ

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def dashboards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Addresses of two apps: one with predictions, one without."""
    apps = filled(tmp_path_factory.mktemp("filled"), "shadow"), app_with(tmp_path_factory.mktemp("empty"))
    for app in apps:
        employ(app, "viewer", "viewer")
    with serving(apps[0]) as full, serving(apps[1]) as empty:
        yield full, empty


def enter(page: Page, address: str) -> None:
    log_in(page, address, "viewer")
    page.get_by_role("heading", name="Dashboard").wait_for()


def wide(page: Page) -> int:
    """By how much the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def test_every_dashboard_is_accessible(page: Page, dashboards: tuple[str, str]) -> None:
    full, empty = dashboards
    enter(page, full)
    for query in (WINDOW, "since=2026-03-10&until=2026-03-01"):
        page.goto(f"{full}/staff/dashboard/?{query}")
        assert violations(page) == []
    page.goto(f"{full}/staff/dashboard/?{WINDOW}")
    for summary in page.get_by_text("The same as a table").all():
        summary.click()
    assert violations(page) == []
    page.goto(f"{full}/staff/dashboard/drift?set=form&{WINDOW}")
    assert violations(page) == []
    enter(page, empty)
    page.get_by_role("heading", name="No prediction yet").wait_for()
    assert violations(page) == []


def test_nothing_of_the_dashboard_is_wider_than_a_phone(phone: Page, dashboards: tuple[str, str]) -> None:
    full, _ = dashboards
    enter(phone, full)
    for address in (f"?{WINDOW}", "?since=2026-03-10&until=2026-03-01", f"drift?set=form&{WINDOW}"):
        phone.goto(f"{full}/staff/dashboard/{address}")
        assert wide(phone) == 0
    phone.goto(f"{full}/staff/dashboard/?{WINDOW}")
    for summary in phone.get_by_text("The same as a table").all():
        summary.click()
    assert wide(phone) == 0


def test_charts_stand_side_by_side_on_a_desktop(desktop: Page, dashboards: tuple[str, str]) -> None:
    full, _ = dashboards
    enter(desktop, full)
    desktop.goto(f"{full}/staff/dashboard/?{WINDOW}")
    first, second, third = (figure.bounding_box() for figure in desktop.get_by_role("figure").all())
    assert first
    assert second
    assert third
    assert first["y"] == second["y"] == third["y"]
    assert first["x"] < second["x"] < third["x"]


def test_without_javascript_a_window_is_chosen_and_a_table_opened(
    browser: Browser, dashboards: tuple[str, str]
) -> None:
    full, _ = dashboards
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    enter(page, full)
    page.get_by_label("First day").fill("2026-02-20")
    page.get_by_label("Last day").fill("2026-03-10")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("20 February 2026 to 10 March 2026").wait_for()
    page.get_by_text("The same as a table").first.click()
    page.get_by_role("table", name="Predictions by day").wait_for()
    page.get_by_role("link", name="7 days").click()
    page.get_by_role("heading", name="No prediction in this window").wait_for()
    context.close()


def test_the_window_is_chosen_by_keyboard(desktop: Page, dashboards: tuple[str, str]) -> None:
    full, _ = dashboards
    enter(desktop, full)
    desktop.get_by_role("link", name="90 days").focus()
    desktop.keyboard.press("Enter")
    desktop.wait_for_url("**/staff/dashboard/?days=90")
    assert desktop.get_by_role("link", name="90 days").get_attribute("aria-current") == "true"
