"""Dashboard."""

from flask import Blueprint, render_template

from webapp.access import requires

dashboard = Blueprint("dashboard", __name__, url_prefix="/staff/dashboard")


@dashboard.get("/")
@requires("viewer")
def index() -> str:
    """Dashboard."""
    return render_template("staff/dashboard.html")
