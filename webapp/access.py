"""Who is asking, and what they may do: a cookie for people, a key for programs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, g, has_request_context, redirect, request, session, url_for
from flask_babel.speaklater import LazyString
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from payoff.choices import ROLES, Role
from webapp.storage import database, logins

_COOKIE = "login"

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Visitor:
    """A member of staff who is logged in, or whose key asks."""

    user_id: int
    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the visitor has at least the rights of ``role``."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Place:
    """A page of the staff's navigation."""

    label: LazyString
    endpoint: str
    role: Role


def introduce(app: Flask, places: Sequence[Place]) -> None:
    """Tell templates who is logged in, and where they may go."""

    def known() -> dict[str, object]:
        found = visitor() if has_request_context() else None
        return {"visitor": found, "places": [place for place in places if found and found.may(place.role)]}

    app.context_processor(known)


def visitor() -> Visitor | None:
    """Who is logged in; asked of the database once a request."""
    if "visitor" not in g:
        # Nobody, until the database has said otherwise: the page that says it cannot be reached asks, too.
        g.visitor = None
        g.visitor = _logged_in()
    return cast("Visitor | None", g.visitor)


def staff() -> Visitor:
    """Who is logged in. Raises Forbidden where nobody is."""
    found = visitor()
    if found is None:
        raise Forbidden
    return found


def enter(token: str) -> None:
    """Remember a login in the cookie, which is made anew: nothing of what it held before stays."""
    session.clear()
    session[_COOKIE] = token
    session.permanent = False
    g.pop("visitor", None)


def leave() -> None:
    """End the login, here and in the database."""
    token = session.get(_COOKIE)
    session.clear()
    g.pop("visitor", None)
    if isinstance(token, str):
        with database().session() as transaction:
            logins.log_out(transaction, token)


def requires(role: Role) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """A page for staff with at least the rights of ``role``; others are asked to log in, or told that they may not."""

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            found = visitor()
            if found is None:
                # Only pages can be gone back to after logging in.
                back = request.root_path + request.full_path.rstrip("?") if request.method == "GET" else None
                return redirect(url_for("entry.login", next=back))
            if not found.may(role):
                raise Forbidden(f"This needs the role {role}; {found.name} has the role {found.role}.")
            return view(*args, **kwargs)

        return guarded

    return decorate


def _logged_in() -> Visitor | None:
    token = session.get(_COOKIE)
    if not isinstance(token, str):
        return None
    with database().session() as transaction:
        user = logins.logged_in(transaction, token)
        return Visitor(user.id, user.name, user.role) if user else None
