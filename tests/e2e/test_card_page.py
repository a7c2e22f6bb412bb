"""The page of a model card in a real browser, opened as a file."""

from pathlib import Path

import pytest
from axe import violations
from playwright.sync_api import Page
from web import metadata

from training.card import card_files

FAIRNESS = (
    "| group | loans |\n|---|---|\n| <script>alert(1)</script> "
    + "| a_name_that_is_far_too_long_for_a_phone " * 4
    + "|"
)


@pytest.fixture
def card(tmp_path: Path) -> str:
    file = tmp_path / "card.html"
    file.write_bytes(card_files(metadata(), FAIRNESS)["card.html"])
    return file.as_uri()


def test_the_card_is_accessible(page: Page, card: str) -> None:
    page.goto(card)
    assert violations(page) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_no_width_needs_scrolling_sideways(desktop: Page, card: str, width: int) -> None:
    desktop.set_viewport_size({"width": width, "height": 800})
    desktop.goto(card)
    assert desktop.evaluate("document.documentElement.scrollWidth") <= width


def test_what_looks_like_a_script_is_text(desktop: Page, card: str) -> None:
    desktop.goto(card)
    assert desktop.locator("script").count() == 0
    assert "<script>alert(1)</script>" in desktop.inner_text("main")
