"""`payoff database`: the web app's own tables."""

import click
from rich.table import Table

from payoff.reporting import Stages, console
from payoff.settings import load_settings


@click.group()
def database() -> None:
    """Make, upgrade and inspect the web app's own tables.

    They lie in PAYOFF_DATABASE_URL: predictions, users, batches, the audit log. `payoff serve` upgrades them as well.
    """


@database.command()
def upgrade() -> None:
    """Make the tables, or bring them up to this version of the program; what is in them stays.

    Several machines may do so at once: one does, the others wait.
    """
    from webapp.storage import Database

    held, stages = Database(load_settings().database_url), Stages()
    before, after = held.revision(), held.migrate()
    did = f"revision {after} already" if before == after else f"revision {before or 'none'} → {after}"
    stages("database", f"{did}: {held.shown}")


@database.command()
def show() -> None:
    """Show where the tables are, their revision, and how many rows each has."""
    from webapp.storage import Database

    held = Database(load_settings().database_url)
    revision = held.revision()
    state = f"revision {revision}" if revision else "no tables yet; `payoff database upgrade` makes them"
    console.print(f"{held.shown}: {state}", markup=False, soft_wrap=True)
    if revision is None:
        return
    table = Table("table")
    table.add_column("rows", justify="right")
    for name, rows in held.sizes().items():
        table.add_row(name, f"{rows:,}")
    console.print(table)
