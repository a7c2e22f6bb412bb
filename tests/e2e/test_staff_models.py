"""The pages on models in a browser: by phone and desktop, keyboard alone, without JavaScript, by day and by night."""

from collections.abc import Iterator

import pytest
from axe import violations
from live import log_in, serving
from playwright.sync_api import Browser, Page, expect
from staffed import CHALLENGER, CHAMPION, DAMAGED, FULL, staffed
from web import ANSWERS, fill, send

PAGES = {
    "the leaderboard": "/staff/models/?sort=roc_auc",
    "a version": f"/staff/models/{CHAMPION}",
    "a damaged version": f"/staff/models/{DAMAGED}",
    "a comparison": f"/staff/models/compare?left={CHAMPION}&right={FULL}",
    "one applicant": "/staff/models/applicant",
    "a promotion": f"/staff/models/{CHALLENGER}/promote",
    "nothing to go back to": "/staff/models/rollback/form",
}

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an app whose staff is named by role."""
    with serving(staffed(tmp_path_factory.mktemp("staffed"))) as address:
        yield address


def opened(page: Page) -> None:
    """Unfold all that is folded, so that it is looked at, too."""
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")


def test_axe_finds_nothing_on_any_page(page: Page, site: str) -> None:
    log_in(page, site, "admin", "/staff/models/")
    for name, address in PAGES.items():
        page.goto(site + address)
        opened(page)
        assert violations(page) == [], name


def test_axe_finds_nothing_on_the_answers_of_several_models(page: Page, site: str) -> None:
    log_in(page, site, "viewer", "/staff/models/applicant")
    page.get_by_text("Fill the form in").click()
    fill(page, ANSWERS)
    page.get_by_role("button", name="Ask the models").last.click()
    page.get_by_role("heading", name="What the models say").wait_for()
    page.wait_for_load_state()
    assert violations(page) == []


def test_no_page_is_wider_than_a_phone(phone: Page, site: str) -> None:
    log_in(phone, site, "admin", "/staff/models/")
    for name, address in PAGES.items():
        phone.goto(site + address)
        opened(phone)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_the_leaderboard_is_sorted_and_a_version_opened_by_keyboard(desktop: Page, site: str) -> None:
    log_in(desktop, site, "viewer", "/staff/models/")
    desktop.get_by_role("columnheader", name="Brier score").first.get_by_role("link").focus()
    desktop.keyboard.press("Enter")
    board = desktop.get_by_role("table", name="Feature set form")
    expect(board.get_by_role("columnheader", name="Brier score")).to_have_attribute("aria-sort", "ascending")
    expect(board.get_by_role("rowheader")).to_contain_text([CHALLENGER, CHAMPION])
    board.get_by_role("link", name=CHAMPION).focus()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("heading", level=1)).to_have_text(CHAMPION)
    desktop.get_by_text("Points of the ROC curve").focus()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("region", name="Points of the ROC curve")).to_be_visible()
    # A viewer is offered nothing that only an admin may do.
    expect(desktop.get_by_role("button", name="Promote …")).to_have_count(0)


def test_curves_are_pictures_with_a_name_and_a_summary(desktop: Page, site: str) -> None:
    log_in(desktop, site, "viewer", f"/staff/models/{CHAMPION}")
    picture = desktop.get_by_role("img", name="ROC curve")
    expect(picture).to_be_visible()
    summary = desktop.locator(f"#{picture.get_attribute('aria-describedby')}")
    expect(summary).to_contain_text("of the defaults")
    line = picture.locator("polyline")
    box, frame = line.bounding_box(), picture.bounding_box()
    assert box
    assert frame
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    assert box["height"] > 100


def test_a_worse_version_is_promoted_and_taken_back_without_scripts(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site, "admin", f"/staff/models/{CHALLENGER}")
    page.get_by_role("button", name="Promote …").click()
    expect(page.get_by_role("heading", name="What stands against a promotion")).to_be_visible()
    page.get_by_label("Promote it although").check()
    page.get_by_label("Reason").fill("the old one is withdrawn")
    page.get_by_role("button", name="Make it the champion").click()
    expect(page.get_by_role("status")).to_have_text(f"{CHALLENGER} answers now.")
    page.goto(f"{site}/staff/models/")
    page.get_by_role("link", name="Roll back the set form").click()
    page.get_by_role("button", name="Go back to it").click()
    expect(page.get_by_role("status")).to_have_text(f"{CHAMPION} answers again.")
    context.close()


def test_two_versions_are_chosen_and_compared_without_scripts(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site, "viewer", "/staff/models/compare")
    page.get_by_label("This one", exact=True).select_option(CHALLENGER)
    page.get_by_label("beside this one").select_option(CHAMPION)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name=f"Is {CHAMPION} better than {CHALLENGER}?")).to_be_visible()
    context.close()


def test_a_prediction_of_the_history_is_shown_to_several_models_on_a_phone(phone: Page, site: str) -> None:
    phone.goto(site)
    fill(phone, ANSWERS)
    send(phone)
    phone.get_by_role("heading", name="How sure is this?").wait_for()
    log_in(phone, site, "viewer", "/staff/models/applicant")
    phone.get_by_label("Number of the prediction").fill("1")
    phone.get_by_text("Which versions").first.click()
    phone.get_by_label(CHALLENGER).first.check()
    phone.get_by_role("button", name="Ask the models").first.click()
    table = phone.get_by_role("table", name="What the models say")
    expect(table.get_by_role("rowheader")).to_contain_text([CHALLENGER])
    expect(table.get_by_role("cell", name="60.0 %")).to_be_visible()
    phone.wait_for_load_state()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
