"""A live app with a stand-in for the model, and the screens to look at it with."""

from collections.abc import Iterator

import pytest
from axe import AXE
from live import serving
from playwright.sync_api import Browser, Page
from web import app_with

PATIENCE_MS = 10_000


@pytest.fixture(scope="session")
def live_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running app, without a slash at its end."""
    with serving(app_with(tmp_path_factory.mktemp("live"))) as address:
        yield address


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A phone for axe-core, once by day and once by night."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: `npm ci`")
    # axe is put into the page from outside, which the site's own policy rightly refuses.
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=request.param, reduced_motion="reduce", bypass_csp=True
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()
