"""The visitor's own password and API keys."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from payoff.errors import StorageRefused
from webapp.access import enter, requires, staff
from webapp.storage import database, users
from webapp.storage.logins import begin, knows_password
from webapp.storage.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, check
from webapp.storage.tables import ApiKey, User

#: What each role may do, the least first.
ROLE_WORDS = {
    "viewer": (lazy_gettext("Viewer"), lazy_gettext("looks at the history, the dashboard and the models")),
    "officer": (lazy_gettext("Officer"), lazy_gettext("also looks accounts up and scores batches")),
    "admin": (lazy_gettext("Admin"), lazy_gettext("also promotes models, manages users and deletes")),
}

Page = tuple[str, int]


@requires("viewer")
def account() -> Page:
    """The visitor's own password and keys."""
    return _page()


@requires("viewer")
def change_password() -> Page | Response:
    """Another password; every other browser is logged out, and this one gets a new login."""
    present, new, again = (request.form.get(name, "") for name in ("present", "new", "again"))
    with database().session() as session:
        user = _self(session)
        problems = _problems_of(user, new, again)
        # Asked last: a wrong guess is counted, and what is wrong with the new one is nobody's guess.
        if not problems and not knows_password(session, user, present):
            problems = {"present": _("This is not the present password, or too many wrong ones were tried.")}
        if not problems:
            users.set_password(session, user, new, user.name)
            token = begin(session, user)
    if problems:
        return _page(problems, status=400)
    enter(token)
    flash(_("Your password was changed. Other browsers were logged out."))
    return redirect(url_for("people.account"))


@requires("viewer")
def make_key() -> Page:
    """A new key, on the page that answers and nowhere else."""
    try:
        with database().session() as session:
            key = users.add_key(session, _self(session), request.form.get("label", ""), staff().name)
    except StorageRefused as error:
        return _page({"label": str(error)}, status=400)
    return render_template("staff/account_key.html", key=key), 200


@requires("viewer")
def revoke_own(number: int) -> Response:
    """End one of the visitor's own keys; those of others are not there."""
    with database().session() as session:
        key = session.get(ApiKey, number)
        if key is None or key.user_id != staff().user_id:
            raise NotFound
        users.revoke_key(session, key, staff().name)
    flash(_("The key was revoked."))
    return redirect(url_for("people.account"))


def _problems_of(user: User, new: str, again: str) -> dict[str, str]:
    try:
        check(new, user.name)
    except StorageRefused as error:
        return {"new": str(error)}
    return {} if new == again else {"again": _("This is not the same as the new password.")}


def _page(problems: dict[str, str] | None = None, status: int = 200) -> Page:
    with database().session() as session:
        keys = users.keys_of(session, _self(session))
    page = render_template(
        "staff/account.html",
        keys=keys,
        role=ROLE_WORDS[staff().role],
        problems=problems or {},
        least=SHORTEST_PASSWORD,
        most=LONGEST_PASSWORD,
    )
    return page, status


def _self(session: Session) -> User:
    user = session.get(User, staff().user_id)
    if user is None:
        raise NotFound
    return user
