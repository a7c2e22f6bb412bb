"""Apps that listen on a free port, and people who use them with a browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import Flask
from web import PASSWORD
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Where a login leads that nothing else led to.
HOME = "/staff/dashboard/"


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an app in threads of this process; its address, without a slash at its end."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def log_in(page: "Page", address: str, name: str, back: str | None = None) -> None:
    """Log in as a person does, on the way to the page ``back`` if there is one."""
    page.goto(f"{address}/staff/login" + (f"?next={back}" if back else ""))
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}{back or HOME}")
