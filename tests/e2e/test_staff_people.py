"""Logging in, users and one's own account in a browser: phone, keyboard, without JavaScript, by day and by night."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from live import log_in, serving
from playwright.sync_api import Browser, Page, expect
from web import PASSWORD, app_with, database_of, employ

from webapp.storage.users import add_key, find_user


@pytest.fixture
def site(tmp_path: Path, quick_passwords: None) -> Iterator[str]:
    """The address of an app with an admin, ada, and an officer, eva, who holds a key."""
    app = app_with(tmp_path)
    employ(app, "ada", "admin")
    employ(app, "eva", "officer")
    with database_of(app).session() as session:
        add_key(session, find_user(session, "eva"), "nightly job", "eva")
    with serving(app) as address:
        yield address


def every_page(page: Page, site: str) -> Iterator[str]:
    """Open each page in turn, all that is folded unfolded; the name of each."""
    page.goto(f"{site}/staff/login")
    yield "login"
    page.get_by_label("Name", exact=True).fill("ada")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()
    yield "a login that failed"
    log_in(page, site, "ada", "/staff/people/")
    yield "users"
    page.get_by_role("link", name="eva").click()
    page.get_by_role("heading", name="eva", exact=True).wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    yield "a user"
    page.get_by_role("button", name="Reset the password").click()
    page.get_by_role("heading", name="New password of eva").wait_for()
    yield "a new password"
    page.goto(f"{site}/staff/people/account")
    yield "an account"
    page.get_by_label("Label of a new key").fill("a program")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("heading", name="Your new key").wait_for()
    yield "a new key"
    page.goto(f"{site}/staff/people/account")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password once more").fill("short")
    page.get_by_role("button", name="Change the password").click()
    page.get_by_text("A password needs 12 to 256 characters.").wait_for()
    yield "an account with a mistake"


def test_axe_finds_nothing_on_any_page(page: Page, site: str) -> None:
    for name in every_page(page, site):
        page.wait_for_load_state()
        assert violations(page) == [], name


def test_no_page_is_wider_than_a_phone(phone: Page, site: str) -> None:
    for name in every_page(phone, site):
        # A heading may be there before the style sheets are.
        phone.wait_for_load_state()
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_a_user_is_found_and_given_another_role_by_keyboard(desktop: Page, site: str) -> None:
    log_in(desktop, site, "ada", "/staff/people/")
    desktop.get_by_role("link", name="eva").focus()
    desktop.keyboard.press("Enter")
    desktop.get_by_role("radio", name=re.compile("^Officer")).focus()
    desktop.keyboard.press("ArrowDown")
    desktop.keyboard.press("Tab")
    expect(desktop.get_by_role("button", name="Change the role")).to_be_focused()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("status")).to_have_text("The role was changed.")
    expect(desktop.get_by_role("radio", name=re.compile("^Admin"))).to_be_checked()


def test_a_user_is_kept_out_let_in_and_deleted_without_scripts(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site, "ada", "/staff/people/")
    page.get_by_role("link", name="eva").click()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("status")).to_contain_text("kept out")
    page.get_by_role("button", name="Enable").click()
    page.get_by_role("button", name="Revoke the key nightly job").click()
    expect(page.get_by_role("cell", name="revoked")).to_be_visible()
    page.get_by_text("Delete eva").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("status")).to_have_text("The user was deleted, with all logins and keys.")
    expect(page.get_by_role("link", name="eva")).to_have_count(0)
    context.close()


def test_the_last_admin_reads_why_not_at_once(desktop: Page, site: str) -> None:
    log_in(desktop, site, "ada", "/staff/people/1")
    desktop.get_by_role("radio", name=re.compile("^Viewer")).check()
    desktop.get_by_role("button", name="Change the role").click()
    alert = desktop.get_by_role("alert")
    expect(alert).to_have_text("ada is the last admin. Give somebody else the role admin first.")
    expect(alert).to_be_focused()


def test_a_key_is_made_copied_and_never_shown_again(browser: Browser, site: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    log_in(page, site, "eva", "/staff/people/account")
    page.get_by_label("Label of a new key").fill("a program")
    page.get_by_role("button", name="Make a key").click()
    key = page.locator("#secret").inner_text()
    assert key.startswith("payoff_")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key
    page.get_by_role("button", name="Back to your account").click()
    expect(page.get_by_role("rowheader", name="a program")).to_be_visible()
    assert key not in page.content()
    context.close()


def test_a_password_is_changed_and_other_browsers_are_logged_out(browser: Browser, site: str) -> None:
    here, there = browser.new_context(), browser.new_context(java_script_enabled=False)
    page, other = here.new_page(), there.new_page()
    log_in(other, site, "eva", "/staff/people/account")
    log_in(page, site, "eva", "/staff/people/account")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("another good password")
    page.get_by_label("New password once more").fill("another good password")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password was changed.")
    other.reload()
    expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{site}/")
    page.goto(f"{site}/staff/people/account")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    here.close()
    there.close()
