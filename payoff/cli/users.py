"""`payoff user`: who may log in, and with what rights."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import click
from rich.table import Table
from rich.text import Text

from payoff.choices import ROLES
from payoff.errors import StorageRefused
from payoff.reporting import console
from payoff.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from payoff.choices import Role

ACTOR = "command line"

role_choice = click.Choice(ROLES)


@contextmanager
def tables() -> "Iterator[Session]":
    """A transaction in the web app's tables, which are made or brought up to date first."""
    from webapp.storage import Database

    settings = load_settings()
    database = Database(settings.database_url, settings.mariadb_ca)
    database.migrate()
    with database.session() as session:
        yield session


def password_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where a new password comes from; never from an argument, which every process of the machine could read."""
    stdin = click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input, for scripts.", show_default=False
    )
    made = click.option(
        "--generate", is_flag=True, help="Make a random password and print it, this once.", show_default=False
    )
    return stdin(made(command))


@click.group("user")
def user() -> None:
    """Members of staff: who may log in, and with what rights.

    A viewer looks at history, dashboard and models; an officer also looks accounts up and scores batches; an admin also
    promotes models, manages users and deletes. `payoff user add NAME --role admin` makes the first one.
    """


@user.command()
@click.argument("name")
@click.option(
    "--role",
    type=role_choice,
    required=True,
    help="viewer looks, officer also scores, admin also promotes, manages and deletes.",
)
@password_options
def add(name: str, role: str, password_stdin: bool, generate: bool) -> None:
    """Add the user NAME. The password is asked for twice, without echo."""
    from webapp.storage.users import add_user

    password = _new_password(name, password_stdin, generate)
    with tables() as session:
        add_user(session, name, cast("Role", role), password, ACTOR)
    _say(f"{name} can log in with the role {role}", password if generate else "")


@user.command("list")
def list_users() -> None:
    """List all users with role, state, last login and how many keys they hold."""
    from webapp.storage.logins import is_locked, last_logins
    from webapp.storage.users import all_users, keys_of

    table = Table("name", "role", "state", "last login (UTC)", "keys")
    with tables() as session:
        seen = last_logins(session)
        for each in all_users(session):
            state = "disabled" if each.disabled else "locked" if is_locked(each) else "active"
            last = seen.get(each.name)
            shown = f"{last:%Y-%m-%d %H:%M}" if last and last >= each.created_at else "never"
            keys = sum(key.revoked_at is None for key in keys_of(session, each))
            table.add_row(Text(each.name), each.role, state, shown, str(keys))
    if not table.rows:
        click.echo("There are no users yet. `payoff user add NAME --role admin` makes the first.")
        return
    console.print(table)


@user.command()
@click.argument("name")
@click.argument("role", type=role_choice)
def role(name: str, role: str) -> None:
    """Give NAME the rights of ROLE, at once. The last admin stays one."""
    from webapp.storage.users import find_user, set_role

    with tables() as session:
        set_role(session, find_user(session, name), cast("Role", role), ACTOR)
    _say(f"{name} has the role {role}")


@user.command()
@click.argument("name")
@password_options
def password(name: str, password_stdin: bool, generate: bool) -> None:
    """Give NAME a new password, and log all of the user's browsers out."""
    from webapp.storage.users import find_user, set_password

    with tables() as session:
        find_user(session, name)  # before anybody types
    chosen = _new_password(name, password_stdin, generate)
    with tables() as session:
        set_password(session, find_user(session, name), chosen, ACTOR)
    _say(f"{name} has a new password; browsers that were logged in are logged out", chosen if generate else "")


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Keep NAME out: logins end, passwords and keys are refused. The last admin cannot be disabled."""
    from webapp.storage.users import find_user, set_disabled

    with tables() as session:
        set_disabled(session, find_user(session, name), True, ACTOR)
    _say(f"{name} is disabled")


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let NAME in again, with the password and keys of before."""
    from webapp.storage.users import find_user, set_disabled

    with tables() as session:
        set_disabled(session, find_user(session, name), False, ACTOR)
    _say(f"{name} is enabled")


@user.command("unlock")
@click.argument("name")
def unlock_user(name: str) -> None:
    """Accept passwords of NAME again before the quarter of an hour is over that five wrong ones cost."""
    from webapp.storage.users import find_user, unlock

    with tables() as session:
        unlock(session, find_user(session, name), ACTOR)
    _say(f"{name} is unlocked")


@user.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.", show_default=False)
def delete(name: str, yes: bool) -> None:
    """Delete NAME with all logins and keys. Predictions stay, without the name; the last admin cannot be deleted."""
    from webapp.storage.users import delete_user, find_user

    with tables() as session:
        find_user(session, name)
    if not yes:
        click.confirm(f"Delete the user {name} with all logins and keys?", abort=True)
    with tables() as session:
        delete_user(session, find_user(session, name), ACTOR)
    _say(f"{name} is deleted")


def _new_password(name: str, from_stdin: bool, generate: bool) -> str:
    from webapp.storage.passwords import check, generated

    if from_stdin and generate:
        raise click.UsageError("--password-stdin and --generate exclude each other.")
    if generate:
        return generated()
    if from_stdin:
        return _first_line()
    if not sys.stdin.isatty():
        raise StorageRefused("there is no terminal to ask for a password at; use --password-stdin or --generate")
    chosen: str = click.prompt(f"Password for {name}", hide_input=True)
    check(chosen, name)  # before it is typed a second time
    if chosen != click.prompt("The same once more", hide_input=True):
        raise StorageRefused("the two passwords differ; nothing was changed")
    return chosen


def _first_line() -> str:
    try:
        return sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise StorageRefused("the password on standard input is not UTF-8; nothing was changed") from error


def _say(what: str, password: str = "") -> None:
    click.echo(f"{what}.")
    if password:
        click.echo(f"Password, shown this once: {password}")
