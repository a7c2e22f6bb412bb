"""Models: where their pages are."""

from flask import Blueprint, render_template

from payoff.errors import LakeError, ModelError
from webapp.staff import applicant, comparing, promotions, versions
from webapp.staff.stale import answer_stale

models = Blueprint("models", __name__, url_prefix="/staff/models")
answer_stale(models)

_BOTH = ["GET", "POST"]

models.add_url_rule("/", view_func=versions.index)
models.add_url_rule("/compare", view_func=comparing.compare)
models.add_url_rule("/applicant", view_func=applicant.applicant, methods=_BOTH)
models.add_url_rule("/rollback/<name>", view_func=promotions.rollback, methods=_BOTH)
models.add_url_rule("/<version>", view_func=versions.version)
models.add_url_rule("/<version>/card", view_func=versions.card)
models.add_url_rule("/<version>/card/<name>", view_func=versions.download_card)
models.add_url_rule("/<version>/promote", view_func=promotions.promote, methods=_BOTH)


@models.errorhandler(ModelError)
@models.errorhandler(LakeError)
def unreadable(error: ModelError | LakeError) -> tuple[str, int]:
    """What is wrong with a version or with the lake, in the words of whoever found it."""
    return render_template("staff/models_unreadable.html", problem=str(error)), 503
