"""An officer looks an account up: phone and desktop, with and without JavaScript."""

from collections.abc import Iterator

import pytest
from axe import assert_fits
from batches import with_a_bank
from live import log_in, serving
from playwright.sync_api import Browser, Page, expect
from web import employ

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, tiny_warehouse_url: str) -> Iterator[str]:
    """The address of a running app with an officer and a small bank."""
    app = with_a_bank(tmp_path_factory.mktemp("live"), tiny_warehouse_url)
    employ(app, "officer", "officer")
    with serving(app) as address:
        yield address


def enter(page: Page, live: str) -> None:
    log_in(page, live, "officer", "/staff/lookup/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Account lookup")


def fill(page: Page, account: str = "1", amount: str = "44400", months: str = "24") -> None:
    page.get_by_label("Account", exact=True).fill(account)
    page.get_by_label("Amount", exact=True).fill(amount)
    page.get_by_label("Duration", exact=True).fill(months)


def look_up(page: Page) -> None:
    page.get_by_role("button", name="Look up and predict").click()


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_an_account_is_looked_up_and_its_features_are_searched(request, live, screen):
    page: Page = request.getfixturevalue(screen)
    enter(page, live)
    fill(page)
    page.get_by_label("Another day", exact=True).fill("1994-01-05")
    expect(page.get_by_role("radio", name="Another day:")).to_be_checked()
    look_up(page)
    expect(page.get_by_text("Decided on 5 January 1994")).to_be_visible()
    expect(page.get_by_role("img", name="Dial:")).to_be_visible()
    page.get_by_label("Show only features with these words").fill("lowest balance instalment")
    expect(page.get_by_role("rowheader")).to_have_count(1)
    expect(page.locator("#found")).to_have_text("One feature")
    page.get_by_label("Show only features with these words").fill("")
    expect(page.get_by_label("Amount", exact=True)).to_have_value("44400")


def test_all_of_it_works_without_javascript(browser: Browser, live):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    enter(page, live)
    fill(page)
    page.get_by_role("radio", name="The day after that").check()
    look_up(page)
    expect(page.get_by_role("heading", name="The 7 features that the model saw")).to_be_visible()
    expect(page.get_by_label("Show only features with these words")).to_be_hidden()
    page.get_by_role("radio", name="Another day:").check()
    page.get_by_label("Another day", exact=True).fill("1994-01-05")
    look_up(page)
    expect(page.get_by_text("Decided on 5 January 1994")).to_be_visible()
    context.close()


def test_mistakes_are_listed_in_focus_and_lead_to_their_fields(phone: Page, live):
    enter(phone, live)
    fill(phone, account="999")
    look_up(phone)
    alert = phone.get_by_role("alert")
    expect(alert).to_be_focused()
    alert.get_by_role("link", name="Account is none of the bank’s").click()
    account = phone.get_by_label("Account", exact=True)
    expect(account).to_be_focused()
    account.fill("1")
    look_up(phone)
    expect(phone.get_by_role("heading", name="The data ends long before this day")).to_be_visible()


def test_an_account_can_be_looked_up_with_the_keyboard_alone(desktop: Page, live):
    enter(desktop, live)
    desktop.get_by_label("Account", exact=True).focus()
    for text in ("1", "44400", "24"):
        desktop.keyboard.type(text)
        desktop.keyboard.press("Tab")
    expect(desktop.get_by_role("radio", name="Today")).to_be_focused()
    desktop.keyboard.press("ArrowDown")
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("heading", name="How sure is this?")).to_be_visible()
    expect(desktop.get_by_role("radio", name="The day after that")).to_be_checked()


def test_every_page_of_the_lookup_is_accessible_and_fits_a_phone(page: Page, live):
    enter(page, live)
    assert_fits(page)
    look_up(page)
    page.get_by_role("alert").wait_for()
    assert_fits(page)
    fill(page, amount="1900000")
    look_up(page)
    page.get_by_role("heading", name="How sure is this?").wait_for()
    page.get_by_text("The other").click()
    assert_fits(page)
