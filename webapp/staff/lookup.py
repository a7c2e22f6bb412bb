"""Account lookup."""

from flask import Blueprint, render_template

from webapp.access import requires

lookup = Blueprint("lookup", __name__, url_prefix="/staff/lookup")


@lookup.get("/")
@requires("officer")
def index() -> str:
    """Account lookup."""
    return render_template("staff/lookup.html")
