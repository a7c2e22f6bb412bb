"""Logging in and out."""

import re

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from webapp.access import enter, leave, visitor
from webapp.limits import limited
from webapp.staff.stale import answer_stale
from webapp.storage import database
from webapp.storage.logins import log_in
from webapp.storage.passwords import LONGEST_PASSWORD

entry = Blueprint("entry", __name__, url_prefix="/staff")
answer_stale(entry)

#: One slash at the beginning, and nothing that browsers leave out (control characters) or read as a slash.
_PATH = re.compile(r"/(?!/)[^\\\s\x00-\x1f\x7f]*")


class LoginForm(FlaskForm):
    """Name and password."""

    name = StringField(validators=[InputRequired(), Length(max=64)])
    password = PasswordField(validators=[InputRequired(), Length(max=LONGEST_PASSWORD)])


@entry.route("/login", methods=["GET", "POST"])
@limited("login_rate")
def login() -> tuple[str, int] | Response:
    """The form, and its answer: the page that was asked for, or the same words whatever was wrong."""
    back = _page_here(request.args.get("next"))
    if visitor():
        return redirect(back)
    form, wrong = LoginForm(), False
    if form.validate_on_submit():
        with database().session() as session:
            token = log_in(session, form.name.data.strip().lower(), form.password.data)
        if token:
            enter(token)
            return redirect(back)
    if request.method == "POST":
        wrong = True
    return render_template("staff/login.html", form=form, wrong=wrong, title=_("Log in")), 400 if wrong else 200


@entry.post("/logout")
def logout() -> Response:
    """End the login for good."""
    leave()
    return redirect(url_for("pages.blank_form"))


def _page_here(asked: str | None) -> str:
    """A path of this site; the dashboard for anything else, so that no link can lead elsewhere after a login."""
    return asked if asked and _PATH.fullmatch(asked) else url_for("dashboard.index")
