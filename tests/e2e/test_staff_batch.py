"""An officer sends a batch, follows it and fetches the result: phone and desktop, with and without JavaScript."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import assert_fits
from batches import as_csv, loans, rows_of
from live import log_in, serving
from playwright.sync_api import Browser, Page, expect
from web import app_with, employ

from webapp.batch import files, runner

ROWS = [*loans(5), *loans(1, district="Nowhere")]

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running app with an officer."""
    app = app_with(tmp_path_factory.mktemp("live"))
    employ(app, "officer", "officer")
    with serving(app) as address:
        yield address


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Chunks of two rows; from the second on they wait for the event."""
    monkeypatch.setitem(files.CHUNK_ROWS, "form", 2)
    go_on, scored, calls = threading.Event(), runner.outcomes, []

    def waiting(*args):
        calls.append(args)
        if len(calls) > 1:
            go_on.wait(20)
        return scored(*args)

    monkeypatch.setattr(runner, "outcomes", waiting)
    return go_on


@pytest.fixture
def loans_file(tmp_path: Path) -> Path:
    (tmp_path / "loans.csv").write_bytes(as_csv(ROWS))
    return tmp_path / "loans.csv"


def enter(page: Page, live: str) -> None:
    log_in(page, live, "officer", "/staff/batches/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Batches")


def send(page: Page, file: Path) -> None:
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Send and predict").click()


def fetched(page: Page, link: str) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_text(link, exact=True).click()
    return rows_of(Path(download.value.path()).read_bytes())


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_a_batch_is_sent_followed_and_fetched(request, live, slowly, loans_file, screen):
    page: Page = request.getfixturevalue(screen)
    enter(page, live)
    send(page, loans_file)
    expect(page.get_by_role("status")).to_have_text("2 of 6 rows")
    expect(page.get_by_role("progressbar")).to_have_js_property("value", 2)
    expect(page.get_by_role("link", name="Refresh")).to_be_hidden()
    slowly.set()
    expect(page.get_by_role("heading", name="The result")).to_be_visible()
    result = fetched(page, "Download the result")
    assert [bool(row["payoff_probability"]) for row in result] == [True] * 5 + [False]
    (bad,) = fetched(page, "Download the rows with mistakes")
    assert (bad["line"], bad["district"]) == ("7", "Nowhere")


def test_all_of_it_works_without_javascript(browser: Browser, live, slowly, loans_file):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    enter(page, live)
    send(page, loans_file)
    refresh = page.get_by_role("link", name="Refresh")
    expect(refresh).to_be_visible()
    slowly.set()
    for _ in range(50):
        if not refresh.is_visible():
            break
        refresh.click()
        page.wait_for_timeout(100)
    assert len(fetched(page, "Download the result")) == 6
    page.get_by_text("Delete this batch").click()
    page.get_by_role("button", name="Delete the files").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Batches")
    context.close()


def test_a_file_that_cannot_be_read_is_explained_at_its_field(desktop: Page, live, tmp_path):
    (tmp_path / "other.csv").write_text("colour\nred\n", encoding="utf-8")
    enter(desktop, live)
    send(desktop, tmp_path / "other.csv")
    expect(desktop.get_by_role("alert")).to_contain_text("Unknown: colour.")
    expect(desktop.get_by_label("CSV file")).to_have_attribute("aria-invalid", "true")


def test_a_file_that_is_too_large_is_told_before_it_is_sent_and_after(browser: Browser, desktop: Page, live, tmp_path):
    (tmp_path / "large.csv").write_bytes(b"a\n" * (17 * 2**20))
    enter(desktop, live)
    desktop.get_by_label("CSV file").set_input_files(tmp_path / "large.csv")
    expect(desktop.get_by_text("The file is larger than 32 MB.")).to_be_visible()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(page, live)
    send(page, tmp_path / "large.csv")
    expect(page.get_by_role("alert")).to_contain_text("The file is larger than 32 MB.")
    context.close()


def test_a_template_is_downloaded(desktop: Page, live):
    enter(desktop, live)
    with desktop.expect_download() as download:
        desktop.get_by_role("link", name="Template for accounts").click()
    (row,) = rows_of(Path(download.value.path()).read_bytes())
    assert set(row) == {"application", "account_id", "loan_amount_czk", "loan_duration_months", "granted_on"}


def test_a_batch_can_be_sent_with_the_keyboard_alone(desktop: Page, live, loans_file):
    enter(desktop, live)
    desktop.get_by_label("CSV file").set_input_files(loans_file)
    desktop.get_by_label("CSV file").focus()
    desktop.keyboard.press("Tab")
    expect(desktop.get_by_label("Reasons for every row")).to_be_focused()
    desktop.keyboard.press("Space")
    desktop.keyboard.press("Tab")
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("heading", name="The result")).to_be_visible()
    expect(desktop.get_by_role("row", name="Reasons")).to_contain_text("for every row")


def test_every_page_of_batches_is_accessible_and_fits_a_phone(page: Page, live, slowly, loans_file, tmp_path):
    (tmp_path / "other.csv").write_text("colour\nred\n", encoding="utf-8")
    enter(page, live)
    assert_fits(page)
    send(page, tmp_path / "other.csv")
    page.get_by_role("alert").wait_for()
    assert_fits(page)
    send(page, loans_file)
    page.get_by_role("progressbar").wait_for()
    assert_fits(page)
    slowly.set()
    page.get_by_role("heading", name="The result").wait_for()
    page.get_by_text("Delete this batch").click()
    assert_fits(page)
