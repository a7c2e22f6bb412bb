"""Users: who may log in, with what rights, and whose keys there are. They are added by command line only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from payoff.choices import ROLES
from payoff.errors import StorageRefused
from webapp.access import requires, staff, visitor
from webapp.staff import account
from webapp.staff.stale import answer_stale
from webapp.storage import database, users
from webapp.storage.finding import LARGEST_NUMBER
from webapp.storage.logins import count_logins, is_locked, last_logins
from webapp.storage.passwords import generated
from webapp.storage.tables import ApiKey, User

people = Blueprint("people", __name__, url_prefix="/staff/people")
#: In addresses; beyond it neither database has a number.
_LARGEST = f"max={LARGEST_NUMBER}"
answer_stale(people)

people.add_url_rule("/account", view_func=account.account)
people.add_url_rule("/account/password", view_func=account.change_password, methods=["POST"])
people.add_url_rule("/account/keys", view_func=account.make_key, methods=["POST"])
people.add_url_rule(f"/account/keys/<int({_LARGEST}):number>/revoke", view_func=account.revoke_own, methods=["POST"])

Page = tuple[str, int]


@dataclass(frozen=True)
class Row:
    """A user with what is known beside the account itself."""

    user: User
    locked: bool
    last_login: datetime | None
    keys: int


@dataclass(frozen=True)
class Change:
    """Something that an admin does to a user, and what is said afterwards."""

    carry_out: Callable[[Session, User, str], None]
    done: LazyString


_CHANGES: Mapping[str, Change] = {
    "role": Change(lambda *who: _set_role(*who), lazy_gettext("The role was changed.")),
    "disable": Change(
        lambda session, user, by: users.set_disabled(session, user, True, by),
        lazy_gettext("The user is kept out now; every login has ended, and the keys are refused."),
    ),
    "enable": Change(
        lambda session, user, by: users.set_disabled(session, user, False, by),
        lazy_gettext("The user may log in again."),
    ),
    "unlock": Change(users.unlock, lazy_gettext("Passwords are accepted again.")),
    "logout": Change(users.log_out_everywhere, lazy_gettext("Every browser was logged out.")),
    "delete": Change(users.delete_user, lazy_gettext("The user was deleted, with all logins and keys.")),
}


@people.get("/")
@requires("admin")
def index() -> str:
    """Every user."""
    with database().session() as session:
        seen = last_logins(session)
        rows = [_row(session, user, seen) for user in users.all_users(session)]
    return render_template("staff/people.html", rows=rows, roles=account.ROLE_WORDS)


@people.get(f"/<int({_LARGEST}):number>")
@requires("admin")
def person(number: int) -> Page:
    """One user, with all that can be changed."""
    return _person(number)


@people.post(f"/<int({_LARGEST}):number>/<any(role,disable,enable,unlock,logout,delete):what>")
@requires("admin")
def change(number: int, what: str) -> Page | Response:
    """Change a user; what breaks a rule is said on the user's page."""
    try:
        with database().session() as session:
            _CHANGES[what].carry_out(session, _user(session, number), staff().name)
    except StorageRefused as error:
        return _person(number, str(error), status=409)
    flash(str(_CHANGES[what].done))
    return redirect(_next_page(number, gone=what == "delete"))


@people.post(f"/<int({_LARGEST}):number>/password")
@requires("admin")
def reset_password(number: int) -> str:
    """A generated password, on the page that answers and nowhere else."""
    password = generated()
    with database().session() as session:
        user = _user(session, number)
        users.set_password(session, user, password, staff().name)
    return render_template("staff/people_password.html", user=user, password=password)


@people.post(f"/<int({_LARGEST}):number>/keys/<int({_LARGEST}):key>/revoke")
@requires("admin")
def revoke(number: int, key: int) -> Response:
    """End anybody's key."""
    with database().session() as session:
        found = session.get(ApiKey, key)
        if found is None or found.user_id != number:
            raise NotFound
        users.revoke_key(session, found, staff().name)
    flash(_("The key was revoked."))
    return redirect(url_for("people.person", number=number))


def _person(number: int, problem: str = "", status: int = 200) -> Page:
    with database().session() as session:
        user = _user(session, number)
        page = render_template(
            "staff/people_person.html",
            row=_row(session, user, last_logins(session)),
            logins=count_logins(session, user),
            keys=users.keys_of(session, user),
            roles=account.ROLE_WORDS,
            problem=problem,
        )
    return page, status


def _row(session: Session, user: User, seen: Mapping[str, datetime]) -> Row:
    last = seen.get(user.name)
    # An earlier user of the same name may have logged in before.
    known = last if last and last >= user.created_at else None
    keys = sum(key.revoked_at is None for key in users.keys_of(session, user))
    return Row(user, is_locked(user), known, keys)


def _user(session: Session, number: int) -> User:
    user = session.get(User, number)
    if user is None:
        raise NotFound
    return user


def _set_role(session: Session, user: User, by: str) -> None:
    role = request.form.get("role")
    if role not in ROLES:
        raise BadRequest
    users.set_role(session, user, role, by)


def _next_page(number: int, *, gone: bool) -> str:
    """Where to go on: who has just given up the role admin may not see the users any more."""
    g.pop("visitor", None)
    found = visitor()
    if found is None:
        return url_for("entry.login")
    if not found.may("admin"):
        return url_for("people.account")
    return url_for("people.index") if gone else url_for("people.person", number=number)
