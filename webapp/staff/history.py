"""History."""

from flask import Blueprint, render_template

from webapp.access import requires

history = Blueprint("history", __name__, url_prefix="/staff/history")


@history.get("/")
@requires("viewer")
def index() -> str:
    """History."""
    return render_template("staff/history.html")
