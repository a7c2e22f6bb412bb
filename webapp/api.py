"""The API for programs, and the two addresses that a supervisor asks."""

import json
from collections import Counter
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from payoff.errors import InvalidAnswers, LakeError, ModelError, NoModel
from webapp.answering import answer_form
from webapp.problems import NO_MODEL, UNUSABLE_MODEL
from webapp.security import LARGEST_REQUEST
from webapp.serving import current_model
from webapp.storage.history import Circumstances

api = Blueprint("api", __name__, url_prefix="/api/v1")
health = Blueprint("health", __name__)


@api.post("/predict")
def predict_loan() -> ResponseReturnValue:
    """Score the loan that the JSON object of the request describes."""
    answers = _json_object()
    answered = answer_form(current_model(), answers, Circumstances("api"))
    return jsonify(answered.prediction.as_json())


@health.get("/healthz")
def alive() -> ResponseReturnValue:
    """Whether the process answers at all."""
    return jsonify(status="ok")


@health.get("/readyz")
def ready() -> ResponseReturnValue:
    """Whether a prediction could be made now."""
    try:
        return jsonify(status="ready", model_version=current_model().metadata.version)
    except NoModel:
        return jsonify(status="unavailable", detail=NO_MODEL), 503
    except (ModelError, LakeError):
        return jsonify(status="unavailable", detail=UNUSABLE_MODEL), 503


def _json_object() -> dict[str, Any]:
    """The object sent, strictly: RFC 8259, no NaN, no name twice."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the fields as a JSON object with the header Content-Type: application/json.")
    body = request.get_data()
    if len(body) >= LARGEST_REQUEST:
        # A body sent in chunks states no length; werkzeug cuts it at the limit instead of refusing it.
        raise RequestEntityTooLarge
    try:
        # Integers become floats at once: Python refuses to read those of thousands of digits.
        value = json.loads(
            body.decode("utf-8"),
            parse_int=float,
            parse_constant=_no_number,
            object_pairs_hook=_unambiguous,
        )
    except json.JSONDecodeError as error:
        raise InvalidAnswers({"": f"is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"}) from error
    except UnicodeDecodeError as error:
        raise InvalidAnswers({"": "is not JSON: not encoded as UTF-8"}) from error
    except RecursionError as error:
        raise InvalidAnswers({"": "is nested too deeply"}) from error
    if not isinstance(value, dict):
        raise InvalidAnswers({"": "is not a JSON object of field names and values"})
    return value


def _no_number(name: str) -> float:
    raise InvalidAnswers({"": f"is not JSON: {name} is no number"})


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON can spell lone surrogates, which are no characters: no program could read the name back in an answer.
    named = [(name.encode("utf-8", "replace").decode(), value) for name, value in pairs]
    fields = dict(named)
    if len(fields) < len(named):
        times = Counter(name for name, _ in named)
        raise InvalidAnswers({name[:64]: "is given more than once" for name in fields if times[name] > 1})
    return fields
