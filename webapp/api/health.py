"""Whether the app answers, and could predict: for programs, and the two addresses that a supervisor asks."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from payoff.errors import LakeError, ModelError, NoModel
from webapp.api import schemas
from webapp.api.describing import described
from webapp.problems import NO_MODEL, UNUSABLE_MODEL
from webapp.serving import current_model
from webapp.storage import database

health = Blueprint("health", __name__)


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


@health.get("/api/v1/health")
@described("Health", schemas.Health, "It could.", keyed=False)
def show_health() -> schemas.Health:
    """Tell whether a prediction could be made and kept now. Needs no key."""
    with database().session() as session:
        session.execute(text("select 1"))
    return schemas.Health(status="ready", model_version=current_model().metadata.version)
