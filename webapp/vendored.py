"""The front-end parts that npm installs; the app serves these files of them, and no other."""

import logging
from pathlib import Path

from flask import Flask

from payoff.settings import ROOT

PARTS = "VENDORED"
PICO = "pico.min.css"
#: By the name they are served under.
_FILES = {
    PICO: Path("node_modules/@picocss/pico/css/pico.min.css"),
    "swagger-ui.css": Path("node_modules/swagger-ui-dist/swagger-ui.css"),
    "swagger-ui-bundle.js": Path("node_modules/swagger-ui-dist/swagger-ui-bundle.js"),
}

_log = logging.getLogger(__name__)


def find_parts(app: Flask, root: Path = ROOT) -> None:
    """Tell ``app`` where the installed files lie, and the log of those that do not."""
    found = {name: root / file for name, file in _FILES.items() if (root / file).is_file()}
    for name in sorted(_FILES.keys() - found.keys()):
        _log.warning("%s is missing, pages will look bare. Install it with `make setup`.", _FILES[name])
    app.config[PARTS] = found
    app.context_processor(lambda: {"styled": PICO in app.config[PARTS]})
