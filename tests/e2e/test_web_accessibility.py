"""axe-core finds nothing to mend on any page, in light and in dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from web import ANSWERS, DOUBTFUL, fill, send

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: `npm ci`")
    # axe is put into the page from outside, which the site's own policy rightly refuses.
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=request.param, reduced_motion="reduce", bypass_csp=True
    )
    yield context.new_page()
    context.close()


def violations(page: Page) -> list[Any]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("tags => axe.run({runOnly: tags})", TAGS)["violations"]
    return [(each["id"], each["help"], [node["html"] for node in each["nodes"]]) for each in found]


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
