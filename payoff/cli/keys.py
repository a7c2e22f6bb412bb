"""`payoff key`: keys with which programs ask the API."""

import click
from rich.table import Table
from rich.text import Text

from payoff.cli.users import ACTOR, tables
from payoff.reporting import console


@click.group("key")
def key() -> None:
    """API keys: each has the rights of its user, and is shown once.

    A program sends its key in a header. Only a hash is stored, so a lost key cannot be shown again: revoke it and make
    another.
    """


@key.command()
@click.argument("user")
@click.option("--label", required=True, help="What the key is for, to tell it from others.")
def add(user: str, label: str) -> None:
    """Make a key for USER and print it, this once."""
    from webapp.storage.users import add_key, find_user

    with tables() as session:
        made = add_key(session, find_user(session, user), label, ACTOR)
        number, text = made.stored.id, made.text
    click.echo(f"Key {number} of {user}, shown this once: {text}")


@key.command("list")
@click.argument("user", required=False)
def list_keys(user: str | None) -> None:
    """List all keys, or those of USER, newest first."""
    from webapp.storage.users import find_user, keys_of

    table = Table("number", "begins with", "user", "label", "made (UTC)", "last used (UTC)", "state")
    with tables() as session:
        for each in keys_of(session, find_user(session, user) if user else None):
            used = f"{each.last_used_at:%Y-%m-%d %H:%M}" if each.last_used_at else "never"
            state = "revoked" if each.revoked_at else "disabled with its user" if each.user.disabled else "active"
            made = f"{each.created_at:%Y-%m-%d %H:%M}"
            table.add_row(str(each.id), Text(each.start), Text(each.user.name), Text(each.label), made, used, state)
    if not table.rows:
        click.echo("There are no keys. `payoff key add USER --label LABEL` makes one.")
        return
    console.print(table)


@key.command()
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """End the key NUMBER of `payoff key list` for good."""
    from webapp.storage.users import find_key, revoke_key

    with tables() as session:
        found = find_key(session, number)
        revoke_key(session, found, ACTOR)
        said = f"The key {found.start}… of {found.user.name} is revoked."
    click.echo(said)
