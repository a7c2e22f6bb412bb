"""Logins: a password against a random token, guesses counted, ended for good."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from webapp.storage import passwords
from webapp.storage.audit import note
from webapp.storage.tables import AuditEntry, Login, User

FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
LOGIN_LASTS = timedelta(hours=12)


def log_in(session: Session, name: str, password: str) -> str | None:
    """The token of a new login; None where name and password do not fit, or the user is locked or kept out.

    After ``FAILURES_ALLOWED`` wrong passwords in a row, no password is accepted for ``LOCKED_FOR``.
    """
    nobody = passwords.of_nobody()
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        passwords.fits(nobody, password)
        # Without what was typed: it may be a password in the wrong field.
        note(session, "nobody", "login.failed", "unknown user")
        return None
    if not knows_password(session, user, password):
        return None
    note(session, name, "login.succeeded", name)
    return begin(session, user)


def knows_password(session: Session, user: User, password: str) -> bool:
    """Whether ``password`` is the user's, who is neither locked nor kept out; wrong ones are counted."""
    checked = user.password_hash
    fits = passwords.fits(checked, password)
    _take(session, user)
    now = datetime.now(UTC)
    if user.disabled or is_locked(user, now):
        note(session, user.name, "login.failed", user.name, {"why": "disabled" if user.disabled else "locked"})
        return False
    if not fits or user.password_hash != checked:
        _count_failure(session, user, now)
        return False
    user.failures, user.locked_until = 0, None
    user.password_hash = passwords.renewed(checked, password)
    return True


def begin(session: Session, user: User) -> str:
    """The token of a new login, which is stored as its hash only."""
    now = datetime.now(UTC)
    session.execute(delete(Login).where(Login.expires_at <= now))
    token = secrets.token_urlsafe(32)
    session.add(Login(token_hash=digest(token), user_id=user.id, created_at=now, expires_at=now + LOGIN_LASTS))
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
    session.execute(delete(Login).where(Login.user_id == user.id))


def count_logins(session: Session, user: User) -> int:
    """Browsers that are logged in as the user now."""
    open_ = select(func.count()).where(Login.user_id == user.id, Login.expires_at > datetime.now(UTC))
    return session.scalar(open_) or 0


def last_logins(session: Session) -> Mapping[str, datetime]:
    """When each name last logged in, from the audit log; names without an entry are left out."""
    latest = select(AuditEntry.actor, func.max(AuditEntry.at)).where(AuditEntry.action == "login.succeeded")
    return dict(session.execute(latest.group_by(AuditEntry.actor)).all())


def is_locked(user: User, now: datetime | None = None) -> bool:
    """Whether no password is accepted of the user for now."""
    return bool(user.locked_until and user.locked_until > (now or datetime.now(UTC)))


def digest(secret: str) -> str:
    """Hexadecimal SHA-256: enough for random secrets of 256 bits, and quick."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _take(session: Session, user: User) -> None:
    """Read the row again, alone: written first, so that many guesses at once are judged one by one on SQLite, too."""
    same = update(User).where(User.id == user.id).values(failures=User.failures)
    session.execute(same, execution_options={"synchronize_session": False})
    session.refresh(user)


def _count_failure(session: Session, user: User, now: datetime) -> None:
    user.failures += 1
    why = "wrong password"
    if user.failures >= FAILURES_ALLOWED:
        user.failures, user.locked_until = 0, now + LOCKED_FOR
        why = f"wrong password, locked until {user.locked_until:%Y-%m-%dT%H:%M:%SZ}"
    note(session, user.name, "login.failed", user.name, {"why": why})
