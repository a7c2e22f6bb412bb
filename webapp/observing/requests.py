"""Each request: its id, its time, its line in the log."""

import logging
import re
import time
import uuid
from dataclasses import dataclass

from flask import Flask, Response, g, has_app_context, request

from payoff.settings import Settings
from webapp.observing import metrics

HEADER = "X-Request-Id"
_FIT = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Others may be any word that a sender likes.
_METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Asked:
    """A request that is being answered."""

    id: str
    endpoint: str
    began: float
    seconds: float = 0.0


def request_id() -> str | None:
    """The id of the request that is being answered, if one is."""
    asked: _Asked | None = g.get("asked") if has_app_context() else None
    return asked.id if asked else None


def observe(app: Flask, settings: Settings) -> None:
    """Count, time and name requests; to be called before anything else acts on them, so that it is in the time."""
    app.before_request(_begin)
    app.teardown_request(_leave)
    if settings.log_format == "json":
        app.after_request(_tell)
    app.after_request(_count)


def _begin() -> None:
    sent = request.headers.get(HEADER, "")
    fit = sent if _FIT.fullmatch(sent) else uuid.uuid4().hex
    g.asked = asked = _Asked(fit, request.endpoint or "none", time.perf_counter())
    metrics.entered(asked.endpoint)


def _count(response: Response) -> Response:
    asked: _Asked = g.asked
    asked.seconds = time.perf_counter() - asked.began
    method = request.method
    metrics.requested(method if method in _METHODS else "other", asked.endpoint, response.status_code, asked.seconds)
    response.headers[HEADER] = asked.id
    return response


def _tell(response: Response) -> Response:
    """Neither the query string, which may hold what somebody typed, nor the address that asked."""
    asked: _Asked = g.asked
    told = {
        "method": request.method,
        "endpoint": asked.endpoint,
        "path": request.path,
        "status": response.status_code,
        "milliseconds": round(asked.seconds * 1000, 3),
    }
    _log.info("%s %s %s", request.method, request.path, response.status_code, extra={"told": told})
    return response


def _leave(_: BaseException | None) -> None:
    if asked := g.pop("asked", None):
        metrics.left(asked.endpoint)
