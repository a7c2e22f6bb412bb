"""Whose key asks. Nothing under /api/ looks at a cookie, so no other site can borrow a visitor's rights."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from hashlib import sha256
from typing import ParamSpec, TypeVar, cast

from flask import Blueprint, current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from payoff.choices import Role
from webapp import limits
from webapp.access import Visitor
from webapp.storage import database
from webapp.storage.tables import ApiKey
from webapp.storage.users import key_of

#: What needs a key.
api = Blueprint("api", __name__, url_prefix="/api/v1")

_NOTED_EVERY = timedelta(minutes=1)
#: For so long a key that was found good is taken for good without asking; so long it may outlive its revocation.
TRUSTED_SECONDS = 1.0
_MOST_SEEN = 10_000
_EXTENSION = "payoff.keys_seen"

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Caller(Visitor):
    """The program that asks, with the rights of its key's user."""

    key_id: int


def caller() -> Caller | None:
    """Whose key the request carries; asked of the database once a request."""
    if "caller" not in g:
        # Nobody, until the database has said otherwise: the answer that it cannot be reached asks, too.
        g.caller = None
        g.caller = _known(_key_sent())
    return cast("Caller | None", g.caller)


def known_caller() -> Caller:
    """Whose key it is, behind the check that it is one."""
    found = caller()
    if found is None:
        raise _refusal()
    return found


def asker() -> str:
    """Whom requests are counted for: the key; the address where there is none, so that keys cannot be tried out."""
    found = caller()
    return f"key {found.key_id}" if found else limits.address()


limits.limit_api(api, asker)


@api.before_request
def _with_a_key() -> None:
    known_caller()


def needs(role: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """For keys with at least the rights of ``role``."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            found = known_caller()
            if not found.may(role):
                raise Forbidden(f"This needs a key with the role {role}; yours has the role {found.role}.")
            return view(*args, **kwargs)

        return guarded

    return decorate


def _key_sent() -> str | None:
    sent = request.authorization
    if sent and sent.type == "bearer":
        return sent.token
    return request.headers.get("X-API-Key")


def _known(text: str | None) -> Caller | None:
    if not text:
        return None
    # Keys are random, so one that is taken for another by its hash is as unlikely as one that is guessed.
    digest, seen = sha256(text.encode()).digest(), _seen()
    found, until = seen.get(digest, (None, 0.0))
    if found and time.monotonic() < until:
        return found
    with database().session() as session:
        key = key_of(session, text)
        if key is None:
            seen.pop(digest, None)
            return None
        _note_use(session, key)
        found = Caller(key.user.id, key.user.name, key.user.role, key.id)
    if len(seen) >= _MOST_SEEN:
        seen.clear()
    seen[digest] = found, time.monotonic() + TRUSTED_SECONDS
    return found


def _seen() -> dict[bytes, tuple[Caller, float]]:
    held: dict[bytes, tuple[Caller, float]] = current_app.extensions.setdefault(_EXTENSION, {})
    return held


def _note_use(session: Session, key: ApiKey) -> None:
    """Not at every request: a reader would become a writer each time."""
    now = datetime.now(UTC)
    if key.last_used_at is None or key.last_used_at < now - _NOTED_EVERY:
        key.last_used_at = now


def _refusal() -> Unauthorized:
    challenge = WWWAuthenticate("bearer", {"realm": "payoff"})
    if _key_sent():
        challenge["error"] = "invalid_token"  # RFC 6750, 3.1
        return Unauthorized("This key is unknown, was revoked, or its user may not enter.", www_authenticate=challenge)
    said = (
        "Send a key: `Authorization: Bearer payoff_…` or `X-API-Key: payoff_…`. Keys are made on the users' own pages."
    )
    return Unauthorized(said, www_authenticate=challenge)
