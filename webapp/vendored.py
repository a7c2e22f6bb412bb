"""The front-end parts that npm installs; the app serves one file of them."""

import logging
from pathlib import Path

from flask import Flask

from payoff.settings import ROOT

PICO = "PICO_CSS"
_FILE = Path("node_modules/@picocss/pico/css/pico.min.css")

_log = logging.getLogger(__name__)


def find_parts(app: Flask, root: Path = ROOT) -> None:
    """Tell ``app`` where the installed style sheet lies, and the log if it does not."""
    app.config[PICO] = root / _FILE
    if not app.config[PICO].is_file():
        _log.warning("the style sheet %s is missing, pages will look bare. Install it with `make setup`.", _FILE)
    app.context_processor(lambda: {"styled": app.config[PICO].is_file()})
