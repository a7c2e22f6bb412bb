"""The users of the databases, each with the rights of its task and no others.

Who they are, and how they sign in, is what the settings say already; an administrator of the server makes it so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, text
from sqlalchemy.pool import NullPool

from payoff.errors import SettingsError, StorageError
from payoff.mariadb import open_engine
from payoff.mariadb.address import DRIVER, Address, parse_address
from payoff.mariadb.advice import worded
from payoff.mariadb.logins import login_of
from payoff.settings import Settings

Task = Literal["load", "read", "serve"]

#: What each may do in its one database. A lookup puts what is asked for into temporary tables, which nobody else sees.
RIGHTS: dict[Task, tuple[str, ...]] = {
    "load": ("select", "insert", "create", "drop", "alter", "index", "create view", "create temporary tables"),
    "read": ("select", "create temporary tables"),
    "serve": ("select", "insert", "update", "delete", "create", "alter", "index"),
}  # fmt: skip


@dataclass(frozen=True)
class User:
    """Who does a task, and where."""

    task: Task
    address: Address

    @property
    def database(self) -> str:
        return str(self.address.url.database)


def users_of(settings: Settings) -> list[User]:
    """The users that the settings name on MariaDB servers; where nobody only reads, the loader does."""
    named: list[tuple[Task, str, str | None]] = [
        ("load", "PAYOFF_WAREHOUSE_URL", settings.warehouse_url),
        ("read", "PAYOFF_WAREHOUSE_READ_URL", settings.warehouse_read_url),
        ("serve", "PAYOFF_DATABASE_URL", settings.database_url),
    ]
    found = [
        User(task, parse_address(url, setting, settings.mariadb_ca))
        for task, setting, url in named
        if url and url.startswith(f"{DRIVER}:")
    ]
    if not found:
        raise SettingsError(
            "no setting names a MariaDB server; set PAYOFF_WAREHOUSE_URL, PAYOFF_WAREHOUSE_READ_URL and "
            "PAYOFF_DATABASE_URL as the loader, the reader and the web app will use them"
        )
    return found


def make_users(admin: Address, users: Sequence[User]) -> list[str]:
    """Make databases and users on the server of ``admin``, or give those that exist their password and rights anew.

    Returns
    -------
    list of str
        What each user may do, for people.

    Raises
    ------
    SettingsError
        Two tasks have one user, or the web app's tables share a database with the bank's.
    StorageError
        The server refuses, or a secret cannot be read.
    """
    names = [_name_and_password(user) for user in users]
    _check(users, [name for name, _ in names])
    engine = open_engine(admin, StorageError, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with worded(StorageError, admin.shown), engine.connect() as connection:
        for user, (name, password) in zip(users, names, strict=True):
            for statement in _statements(user, engine, password):
                connection.execute(text(statement), {"user": name, "password": password})
    return [
        f"{name} may {', '.join(RIGHTS[user.task])} in {user.database} ({user.address.setting})"
        for user, (name, _) in zip(users, names, strict=True)
    ]


def _name_and_password(user: User) -> tuple[str, str | None]:
    address = user.address
    if address.sign_in == "iam":
        return str(address.url.username), None
    credentials = login_of(address, StorageError).credentials()
    if not credentials.get("user") or not credentials.get("password"):
        raise SettingsError(f"{address.setting} names no user with a password; a user without one is not made")
    return credentials["user"], credentials["password"]


def _check(users: Sequence[User], names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise SettingsError(f"each task needs a user of its own; the settings name {', '.join(names)}")
    bank = {user.database for user in users if user.task != "serve"}
    for user in users:
        if user.task == "serve" and user.database in bank:
            raise SettingsError(
                f"{user.address.setting} names the database {user.database} of the bank's tables, which the web app's "
                "user must not read. Name another."
            )


def _statements(user: User, engine: Engine, password: str | None) -> Iterator[str]:
    quote = engine.dialect.identifier_preparer.quote_identifier
    # Amazon's name for it; the token takes the place of the password.
    how = "identified by :password" if password else "identified with AWSAuthenticationPlugin as 'RDS'"
    yield f"create database if not exists {quote(user.database)} character set utf8mb4"
    yield f"create user if not exists :user@'%' {how}"
    yield f"alter user :user@'%' {how} require {'none' if user.address.is_loopback else 'ssl'}"
    yield "revoke all privileges, grant option from :user@'%'"
    # Here _ and % would stand for any letter and any letters.
    only = user.database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    yield f"grant {', '.join(RIGHTS[user.task])} on {quote(only)}.* to :user@'%'"
