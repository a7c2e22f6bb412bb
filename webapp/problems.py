"""Errors in words: pages for people, problem+json (RFC 9457) for programs."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus

from flask import Flask, Response, render_template, request
from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString
from werkzeug.exceptions import HTTPException, ServiceUnavailable
from werkzeug.wrappers import Response as AnyResponse

from payoff.errors import Busy, InvalidAnswers, LakeError, ModelError, NoModel, StorageError
from webapp.observing import metrics
from webapp.observing.requests import request_id

NO_MODEL = "No model has been trained yet. Run `payoff run`, or `payoff model train` if the data is loaded."
UNUSABLE_MODEL = "The model cannot be loaded. The log of the server says why; `payoff model list` shows the others."
UNREACHABLE = "The database cannot be reached, and nothing is answered that cannot be kept. Try again later."
BUSY = "More is asked at the moment than can be answered. Try again in a moment."
_RETRY_SECONDS = 1

_WORDS = {
    400: (
        _("This request was not understood"),
        _("It is not what a browser would send. Start again from the form."),
    ),
    403: (
        _("You may not do this"),
        _("Your role does not reach so far. Ask an administrator for another one."),
    ),
    404: (
        _("There is no such page"),
        _("The address may be mistyped, or the page may have moved."),
    ),
    405: (
        _("This page does not work that way"),
        _("It was probably opened outside the form that leads to it."),
    ),
    413: (
        _("That was too much to send"),
        _("The form needs 64 kB at most. Start again from the form."),
    ),
    429: (
        _("That was too often"),
        _("Wait a minute. Then go back, where what you typed still stands, and send it again."),
    ),
    503: (
        _("Out of order for the moment"),
        _("The database cannot be reached, and nothing is answered that cannot be kept. Try again later."),
    ),
    500: (
        _("Something went wrong here"),
        _("It was not your doing, and the server’s log has noted it. Try again later."),
    ),
}
_TOO_BUSY = (
    _("Many are asking at the moment"),
    _("Wait some seconds. Then go back, where what you typed still stands, and send it again."),
)
_OTHERWISE = (_("This did not work"), _("Start again from the form."))

_log = logging.getLogger(__name__)


def word_errors(app: Flask) -> None:
    """Answer every error of ``app`` in the form that its reader expects."""
    app.register_error_handler(HTTPException, lambda error: _refused(error))
    app.register_error_handler(ModelError, unavailable)
    app.register_error_handler(LakeError, unavailable)
    app.register_error_handler(StorageError, _unstored)
    app.register_error_handler(Busy, _busy)
    app.register_error_handler(InvalidAnswers, _invalid)


def problem(status: int, detail: str, errors: Mapping[str, str] | None = None) -> Response:
    """A problem+json answer; ``errors`` names what is wrong with each field."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if asked := request_id():
        body["request_id"] = asked
    if errors is not None:
        body["errors"] = [{"field": name, "reason": reason} for name, reason in errors.items()]
    return Response(json.dumps(body), status, mimetype="application/problem+json")


def unavailable(error: ModelError | LakeError) -> Response | AnyResponse:
    """503: what to do so that there is a model."""
    if not isinstance(error, NoModel):
        _log.error("no answer could be given: %s", error)
    if expects_json():
        return problem(503, NO_MODEL if isinstance(error, NoModel) else UNUSABLE_MODEL)
    page = render_template("no_model.html", trained=not isinstance(error, NoModel))
    return Response(page, 503)


def _refused(error: HTTPException, words: tuple[LazyString, LazyString] | None = None) -> AnyResponse:
    status = error.code or 500
    if expects_json():
        worded = problem(status, error.description or HTTPStatus(status).phrase)
    else:
        title, advice = words or _WORDS.get(status, _OTHERWISE)
        worded = Response(render_template("error.html", title=title, advice=advice, status=status), status)
    # Keeps what belongs to the status, such as the Allow of a 405.
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            worded.headers[name] = value
    return worded


def _unstored(error: StorageError) -> AnyResponse:
    """503: what cannot be stored is not answered."""
    _log.error("the database failed: %s", error)
    return _refused(ServiceUnavailable(UNREACHABLE, retry_after=_RETRY_SECONDS))


def _busy(error: Busy) -> AnyResponse:
    """503: better than to wait for long."""
    _log.warning("too busy to answer: %s", error)
    metrics.refused("busy")
    return _refused(ServiceUnavailable(BUSY, retry_after=_RETRY_SECONDS), _TOO_BUSY)


def _invalid(error: InvalidAnswers) -> Response:
    return problem(400, "The request is faulty: `errors` says what is wrong with each field.", error.fields)


def expects_json() -> bool:
    """Whether a program asks, or a script of a page, rather than a browser that shows what comes back."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"
