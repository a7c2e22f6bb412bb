"""How the log of ``payoff serve`` is written: for people, or an object a line for programs."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from gunicorn.glogging import Logger

from payoff.choices import LogFormat
from webapp.observing.requests import request_id


def log_as(chosen: LogFormat) -> None:
    """Write what is logged in this process to stderr; with ``json`` every request, too."""
    handler = _Steady()
    handler.setFormatter(_Objects() if chosen == "json" else _Lines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    if chosen == "json":
        logging.getLogger("webapp").setLevel(logging.INFO)
        logging.captureWarnings(True)


class ServerLog(Logger):
    """gunicorn's log, written as the rest is."""

    def setup(self, cfg: Any) -> None:
        """Called at the start, and again when gunicorn reloads its configuration."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Steady(logging.StreamHandler[Any]):
    """Goes on where nothing can be written: a full disk costs lines, never an answer."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class _Lines(logging.Formatter):
    """As gunicorn writes, with the request's id at the end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s [%(process)d] [%(levelname)s] %(message)s", "[%Y-%m-%d %H:%M:%S %z]")

    def formatMessage(self, record: logging.LogRecord) -> str:
        asked = request_id()
        return super().formatMessage(record) + (f" [request {asked}]" if asked else "")


class _Objects(logging.Formatter):
    """An object a line; what belongs to a request carries its id."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if asked := request_id():
            line["request_id"] = asked
        line |= getattr(record, "told", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
