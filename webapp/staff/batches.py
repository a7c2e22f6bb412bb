"""Batches."""

from flask import Blueprint, render_template

from webapp.access import requires

batches = Blueprint("batches", __name__, url_prefix="/staff/batches")


@batches.get("/")
@requires("officer")
def index() -> str:
    """Batches."""
    return render_template("staff/batches.html")
