"""The API's page in a real browser: its own policy stops nothing of it, and a request can be tried."""

import json
from collections.abc import Iterator

import pytest
from axe import violations
from live import serving
from playwright.sync_api import Browser, Page, expect
from web import api_key, app_with

from webapp.vendored import PARTS

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and key of an app whose parts are installed."""
    app = app_with(tmp_path_factory.mktemp("docs"))
    if "swagger-ui-bundle.js" not in app.config[PARTS]:
        pytest.skip("swagger-ui-dist is not installed: `npm ci`")
    with serving(app) as address:
        yield address, api_key(app, "viewer")


def opened(page: Page, address: str) -> list[str]:
    """Open the page and one operation; what the browser complains of is gathered."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/api/v1/docs")
    page.locator("#operations-Predictions-predict_loan .opblock-summary-control").click()
    expect(page.get_by_role("button", name="Try it out")).to_be_visible()
    return complaints


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_a_request_is_tried_with_a_key(request: pytest.FixtureRequest, served: tuple[str, str], screen: str) -> None:
    page: Page = request.getfixturevalue(screen)
    address, key = served
    complaints = opened(page, address)
    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("dialog").or_(page.locator(".modal-ux")).locator("input").first.fill(key)
    page.locator(".auth-btn-wrapper button.authorize").first.click()
    page.locator(".btn-done").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response-col_description pre").first
    expect(answer).to_contain_text("payoff_probability")
    assert json.loads(answer.inner_text())["application"] == "2026/117"
    assert complaints == []


def test_a_request_without_a_key_shows_what_is_missing(desktop: Page, served: tuple[str, str]) -> None:
    opened(desktop, served[0])
    desktop.get_by_role("button", name="Try it out").click()
    desktop.get_by_role("button", name="Execute").click()
    expect(desktop.locator(".live-responses-table .response-col_status").nth(1)).to_contain_text("401")


def test_the_page_and_an_open_operation_are_accessible(page: Page, served: tuple[str, str]) -> None:
    opened(page, served[0])
    assert violations(page) == []


def test_the_page_does_not_scroll_sideways_on_a_phone(phone: Page, served: tuple[str, str]) -> None:
    opened(phone, served[0])
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_lists_the_operations_without_javascript(browser: Browser, served: tuple[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served[0]}/api/v1/docs")
    expect(page.get_by_role("heading", name="What can be asked for")).to_be_visible()
    expect(page.get_by_text("/api/v1/predictions/{number}/outcome")).to_be_visible()
    context.close()
