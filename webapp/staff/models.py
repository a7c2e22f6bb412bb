"""Models."""

from flask import Blueprint, render_template

from webapp.access import requires

models = Blueprint("models", __name__, url_prefix="/staff/models")


@models.get("/")
@requires("viewer")
def index() -> str:
    """Models."""
    return render_template("staff/models.html")
