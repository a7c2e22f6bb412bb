"""The page of an evaluation in a real browser, opened as a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from evaluations import COMMAND, RUN, evaluated, simulated
from playwright.sync_api import Browser, Page

from training.evaluation.report import as_html


@pytest.fixture(scope="module")
def several_folds(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("report"), repeats=3, folds=5)


@pytest.fixture(scope="module")
def one_fold(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("report"), repeats=1, folds=1)


@pytest.fixture
def night(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(color_scheme="dark")
    yield context.new_page()
    context.close()


def written(directory: Path, *, repeats: int, folds: int) -> str:
    """The address of a report on disk."""
    entry = evaluated(simulated(repeats=repeats, folds=folds), repeats=repeats)
    file = directory / "evaluation.html"
    file.write_text(as_html(entry, data_run=RUN, command=COMMAND), encoding="utf-8")
    return file.as_uri()


def papers(page: Page) -> list[str]:
    """What the first picture and the card around it are painted on."""
    return [
        page.evaluate("getComputedStyle(document.querySelector('svg path')).fill"),
        page.evaluate("getComputedStyle(document.querySelector('svg').closest('section')).backgroundColor"),
    ]


def test_the_report_is_accessible(page: Page, several_folds: str) -> None:
    page.goto(several_folds)
    assert violations(page) == []


def test_the_report_of_one_fold_is_accessible(page: Page, one_fold: str) -> None:
    page.goto(one_fold)
    assert violations(page) == []


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_no_width_needs_scrolling_sideways(desktop: Page, several_folds: str, width: int) -> None:
    desktop.set_viewport_size({"width": width, "height": 800})
    desktop.goto(several_folds)
    assert desktop.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_asks_nothing_of_a_network_and_its_own_policy_lets_its_styles_in(desktop: Page, one_fold: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    desktop.on("request", lambda request: asked.append(request.url))
    desktop.on("console", lambda message: said.append(message.text))
    desktop.goto(one_fold)
    assert asked == [one_fold]
    assert said == []
    assert desktop.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(244, 246, 246)"


def test_pictures_have_the_paper_of_their_card_by_day_and_by_night(desktop: Page, night: Page, one_fold: str) -> None:
    for page, paper in ((desktop, "rgb(255, 255, 255)"), (night, "rgb(24, 33, 38)")):
        page.goto(one_fold)
        assert papers(page) == [paper, paper]


def test_the_report_prints_dark_on_white_even_by_night(night: Page, one_fold: str) -> None:
    night.emulate_media(media="print", color_scheme="dark")
    night.goto(one_fold)
    assert papers(night) == ["rgb(255, 255, 255)"] * 2
    assert night.evaluate("getComputedStyle(document.body).color") == "rgb(38, 50, 58)"


def test_pictures_are_told_to_those_who_do_not_see_them(desktop: Page, one_fold: str) -> None:
    desktop.goto(one_fold)
    assert desktop.get_by_role("img").count() == 5
    for name in ("Reliability", "ROC curve", "Precision and recall", "Cumulative gain", "Cost of each threshold"):
        assert desktop.get_by_role("img", name=name).count() == 1
