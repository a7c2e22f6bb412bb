"""axe-core finds nothing to mend on any page, in light and in dark."""

from typing import Any

import pytest
from axe import violations
from playwright.sync_api import Page
from web import ANSWERS, DOUBTFUL, fill, send


def test_the_form_is_accessible(page: Page, live_app: str) -> None:
    page.goto(live_app)
    assert violations(page) == []


def test_the_form_with_mistakes_is_accessible(page: Page, live_app: str) -> None:
    page.goto(live_app)
    send(page)
    page.get_by_role("alert").wait_for()
    assert violations(page) == []


@pytest.mark.parametrize("answers", [ANSWERS, DOUBTFUL], ids=["paid off", "default"])
def test_the_answer_is_accessible(page: Page, live_app: str, answers: dict[str, Any]) -> None:
    page.goto(live_app)
    fill(page, answers)
    send(page)
    page.get_by_role("heading", name="How sure is this?").wait_for()
    assert violations(page) == []


def test_a_page_that_is_not_there_is_accessible(page: Page, live_app: str) -> None:
    page.goto(f"{live_app}/nowhere")
    assert violations(page) == []


def test_other_terms_are_accessible(page: Page, live_app: str) -> None:
    page.goto(live_app)
    fill(page, ANSWERS)
    send(page)
    page.get_by_role("spinbutton", name="Amount").fill("900000")
    page.get_by_text("With 900,000").wait_for()
    assert violations(page) == []
    page.get_by_role("spinbutton", name="Duration").fill("5")
    page.locator("#what_if_loan_duration_months-error").wait_for()
    assert violations(page) == []


def test_an_offered_draft_is_accessible(page: Page, live_app: str) -> None:
    page.goto(live_app)
    page.get_by_label("Amount", exact=True).fill("80952")
    page.goto(f"{live_app}/about")
    page.goto(live_app)
    page.get_by_role("button", name="Fill it in again").wait_for()
    assert violations(page) == []


def test_what_this_is_is_accessible(page: Page, live_app: str) -> None:
    page.goto(f"{live_app}/about")
    assert violations(page) == []
