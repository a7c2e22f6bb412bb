"""Members of staff and their API keys."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payoff.choices import Role
from payoff.errors import StorageRefused
from webapp.storage.audit import note
from webapp.storage.logins import digest, end_logins
from webapp.storage.passwords import hashed
from webapp.storage.tables import ApiKey, User

KEY_PREFIX = "payoff_"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def add_user(session: Session, name: str, role: Role, password: str, actor: str) -> User:
    """A new member of staff.

    Raises
    ------
    StorageRefused
        The name is taken or odd, or the password would be guessed.
    """
    if not _NAME.fullmatch(name):
        raise StorageRefused(
            f"{name!r} is no user name: expected lower-case letters, digits and . _ - (64 at most), "
            "the first a letter or a digit"
        )
    user = User(name=name, role=role, password_hash=hashed(password, name), created_at=datetime.now(UTC))
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise StorageRefused(f"there is a user {name!r} already; `payoff user list` shows all") from error
    note(session, actor, "user.added", name, {"role": role})
    return user


def find_user(session: Session, name: str) -> User:
    """The user of that name. Raises StorageRefused where there is none."""
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise StorageRefused(f"there is no user {name!r}; `payoff user list` shows all")
    return user


def all_users(session: Session) -> Sequence[User]:
    """Every user, by name."""
    return session.scalars(select(User).order_by(User.name)).all()


def set_password(session: Session, user: User, password: str, actor: str) -> None:
    """A new password; every browser that is logged in as the user is logged out.

    Raises
    ------
    StorageRefused
        It would be guessed.
    """
    user.password_hash = hashed(password, user.name)
    user.failures, user.locked_until = 0, None
    end_logins(session, user)
    note(session, actor, "user.password", user.name)


def set_role(session: Session, user: User, role: Role, actor: str) -> None:
    """Give the user other rights, at once. Raises StorageRefused where the last admin would lose them."""
    if role != "admin":
        _keep_an_admin(session, user)
    note(session, actor, "user.role", user.name, {"from": user.role, "to": role})
    user.role = role


def set_disabled(session: Session, user: User, disabled: bool, actor: str) -> None:
    """Keep a user out, or let one in again; the keys follow. Raises StorageRefused for the last admin."""
    if disabled:
        _keep_an_admin(session, user)
        end_logins(session, user)
    else:
        user.failures, user.locked_until = 0, None
    user.disabled = disabled
    note(session, actor, "user.disabled" if disabled else "user.enabled", user.name)


def unlock(session: Session, user: User, actor: str) -> None:
    """Accept passwords again of a user who was locked after too many wrong ones."""
    user.failures, user.locked_until = 0, None
    note(session, actor, "user.unlocked", user.name)


def log_out_everywhere(session: Session, user: User, actor: str) -> None:
    """Log every browser of the user out, by somebody's order."""
    end_logins(session, user)
    note(session, actor, "user.logged_out", user.name)


def delete_user(session: Session, user: User, actor: str) -> None:
    """Delete a user with all keys and logins; predictions stay, without a name.

    Raises
    ------
    StorageRefused
        It is the last admin.
    """
    _keep_an_admin(session, user)
    note(session, actor, "user.deleted", user.name, {"role": user.role})
    session.delete(user)


def _keep_an_admin(session: Session, user: User) -> None:
    # Written first, so that of two admins who do this to each other at once, one waits and then sees.
    same = update(User).where(User.role == "admin").values(failures=User.failures)
    session.execute(same, execution_options={"synchronize_session": False})
    session.refresh(user)
    others = select(func.count()).where(User.role == "admin", User.disabled.is_(False), User.id != user.id)
    if user.role == "admin" and not user.disabled and not session.scalar(others):
        raise StorageRefused(_("%(name)s is the last admin. Give somebody else the role admin first.", name=user.name))


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; ``text`` is never to be had again."""

    text: str
    stored: ApiKey


def add_key(session: Session, user: User, label: str, actor: str) -> NewKey:
    """A new API key with the rights of ``user``.

    Raises
    ------
    StorageRefused
        The label is empty, too long, or would not show.
    """
    if not 0 < len(label.strip()) <= 64 or not label.strip().isprintable():
        raise StorageRefused(_("A key needs a label of 1 to 64 printable characters, to tell it from others."))
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


def find_key(session: Session, number: int) -> ApiKey:
    """The key of that number. Raises StorageRefused where there is none."""
    key = session.get(ApiKey, number)
    if key is None:
        raise StorageRefused(f"there is no key {number}; `payoff key list` shows all")
    return key


def revoke_key(session: Session, key: ApiKey, actor: str) -> None:
    """End a key for good."""
    if key.revoked_at is None:
        key.revoked_at = datetime.now(UTC)
        note(session, actor, "key.revoked", f"{key.start}… of {key.user.name}", {"label": key.label})
