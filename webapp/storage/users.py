"""Members of staff: their passwords, logins and API keys."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payoff.choices import Role
from payoff.errors import StorageError
from webapp.storage.audit import note
from webapp.storage.tables import ApiKey, Login, User

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
LOGIN_LASTS = timedelta(hours=12)
KEY_PREFIX = "payoff_"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: RFC 9106's second choice, for memory-constrained machines: 64 MiB and three passes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)


def add_user(session: Session, name: str, role: Role, password: str, actor: str) -> User:
    """A new member of staff.

    Raises
    ------
    StorageError
        The name is taken or odd, or the password is too short.
    """
    if not _NAME.fullmatch(name):
        raise StorageError(f"{name!r} is no user name: expected lower-case letters, digits and . _ - (64 at most)")
    user = User(name=name, role=role, password_hash=_hashed(password), created_at=datetime.now(UTC))
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise StorageError(f"there is a user {name!r} already; `payoff user list` shows all") from error
    note(session, actor, "user.added", name, {"role": role})
    return user


def find_user(session: Session, name: str) -> User:
    """The user of that name. Raises StorageError where there is none."""
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise StorageError(f"there is no user {name!r}; `payoff user list` shows all")
    return user


def all_users(session: Session) -> Sequence[User]:
    """Every user, by name."""
    return session.scalars(select(User).order_by(User.name)).all()


def set_password(session: Session, user: User, password: str, actor: str) -> None:
    """A new password; every browser that is logged in as the user is logged out."""
    user.password_hash = _hashed(password)
    user.failures, user.locked_until = 0, None
    end_logins(session, user)
    note(session, actor, "user.password", user.name)


def set_role(session: Session, user: User, role: Role, actor: str) -> None:
    """Give the user other rights, at once."""
    note(session, actor, "user.role", user.name, {"from": user.role, "to": role})
    user.role = role


def set_disabled(session: Session, user: User, disabled: bool, actor: str) -> None:
    """Keep a user out, or let one in again; the keys follow."""
    user.disabled = disabled
    if disabled:
        end_logins(session, user)
    else:
        user.failures, user.locked_until = 0, None
    note(session, actor, "user.disabled" if disabled else "user.enabled", user.name)


def log_in(session: Session, name: str, password: str) -> str | None:
    """The token of a new login; None where name and password do not fit, or the user is locked or kept out.

    After ``FAILURES_ALLOWED`` wrong passwords in a row, no password is accepted for ``LOCKED_FOR``.
    """
    now = datetime.now(UTC)
    # Locked for update, so that many guesses at once are counted one by one.
    user = session.scalar(select(User).where(User.name == name).with_for_update())
    fits = _fits(user.password_hash if user else _nobody(), password)
    if user is None:
        # Without what was typed: it may be a password in the wrong field.
        note(session, "nobody", "login.failed", "unknown user")
        return None
    if user.disabled or (user.locked_until and user.locked_until > now):
        note(session, name, "login.failed", name, {"why": "disabled" if user.disabled else "locked"})
        return None
    if not fits:
        _count_failure(session, user, now)
        return None
    user.failures, user.locked_until = 0, None
    if _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = _hasher.hash(password)
    token = secrets.token_urlsafe(32)
    session.add(Login(token_hash=digest(token), user_id=user.id, created_at=now, expires_at=now + LOGIN_LASTS))
    note(session, name, "login.succeeded", name)
    return token


def logged_in(session: Session, token: str) -> User | None:
    """Whose login ``token`` is, if it still counts."""
    login = session.scalar(select(Login).where(Login.token_hash == digest(token)))
    if login is None or login.expires_at <= datetime.now(UTC) or login.user.disabled:
        return None
    return login.user


def log_out(session: Session, token: str) -> None:
    """End a login for good; a copy of its cookie is worth nothing afterwards."""
    login = session.scalar(select(Login).where(Login.token_hash == digest(token)))
    if login:
        note(session, login.user.name, "login.ended", login.user.name)
        session.delete(login)


def end_logins(session: Session, user: User) -> None:
    """Log every browser of the user out."""
    for login in session.scalars(select(Login).where(Login.user_id == user.id)):
        session.delete(login)


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; ``text`` is never to be had again."""

    text: str
    stored: ApiKey


def add_key(session: Session, user: User, label: str, actor: str) -> NewKey:
    """A new API key with the rights of ``user``.

    Raises
    ------
    StorageError
        The label is empty or too long.
    """
    if not 0 < len(label.strip()) <= 64:
        raise StorageError("a key needs a label of 1 to 64 characters, to tell it from others")
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        user=user, label=label.strip(), start=text[: len(KEY_PREFIX) + 4], key_hash=digest(text),
        created_at=datetime.now(UTC),
    )  # fmt: skip
    session.add(key)
    session.flush()
    note(session, actor, "key.added", f"{key.start}… of {user.name}", {"label": key.label})
    return NewKey(text, key)


def key_of(session: Session, text: str) -> ApiKey | None:
    """The key that ``text`` is, if it still counts."""
    key = session.scalar(select(ApiKey).where(ApiKey.key_hash == digest(text)))
    return None if key is None or key.revoked_at or key.user.disabled else key


def keys_of(session: Session, user: User | None = None) -> Sequence[ApiKey]:
    """Every key, or those of one user, newest first."""
    wanted = select(ApiKey).order_by(ApiKey.id.desc())
    return session.scalars(wanted.where(ApiKey.user_id == user.id) if user else wanted).all()


def revoke_key(session: Session, key: ApiKey, actor: str) -> None:
    """End a key for good."""
    if key.revoked_at is None:
        key.revoked_at = datetime.now(UTC)
        note(session, actor, "key.revoked", f"{key.start}… of {key.user.name}", {"label": key.label})


def digest(secret: str) -> str:
    """Hexadecimal SHA-256: enough for random secrets of 256 bits, and quick."""
    return hashlib.sha256(secret.encode()).hexdigest()


@cache
def _nobody() -> str:
    """Checked where there is no such user, so that the answer takes as long."""
    return _hasher.hash(secrets.token_hex(16))


def _hashed(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise StorageError(f"a password needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return _hasher.hash(password)


def _fits(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password[: LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False


def _count_failure(session: Session, user: User, now: datetime) -> None:
    user.failures += 1
    why = "wrong password"
    if user.failures >= FAILURES_ALLOWED:
        user.failures, user.locked_until = 0, now + LOCKED_FOR
        why = f"wrong password, locked until {user.locked_until:%Y-%m-%dT%H:%M:%SZ}"
    note(session, user.name, "login.failed", user.name, {"why": why})
