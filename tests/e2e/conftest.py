"""A live app with a stand-in for the model, and the screens to look at it with."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import AXE
from playwright.sync_api import Browser, Page
from web import app_with
from werkzeug.serving import make_server

PATIENCE_MS = 10_000


@pytest.fixture(scope="session")
def live_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running app, without a slash at its end."""
    directory: Path = tmp_path_factory.mktemp("live")
    server = make_server("127.0.0.1", 0, app_with(directory), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


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
