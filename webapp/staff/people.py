"""Users."""

from flask import Blueprint, render_template

from webapp.access import requires

people = Blueprint("people", __name__, url_prefix="/staff/people")


@people.get("/")
@requires("admin")
def index() -> str:
    """Users."""
    return render_template("staff/people.html")


@people.get("/account")
@requires("viewer")
def account() -> str:
    """The visitor's own password and keys."""
    return render_template("staff/account.html")
