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

    settings, stages = load_settings(), Stages()
    held = Database(settings.database_url, settings.mariadb_ca)
    before, after = held.revision(), held.migrate()
    did = f"revision {after} already" if before == after else f"revision {before or 'none'} → {after}"
    stages("database", f"{did}: {held.shown}")


@database.command()
def show() -> None:
    """Show where the tables are, their revision, and how many rows each has."""
    from webapp.storage import Database

    settings = load_settings()
    held = Database(settings.database_url, settings.mariadb_ca)
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


@database.command()
@click.option(
    "--admin",
    required=True,
    help="An administrator of the server: mysql+pymysql://HOST/mysql?secret=NAME_OR_ARN, or …//USER@HOST/mysql, whose "
    "password is then asked for.",
)
def users(admin: str) -> None:
    """Make the databases and users that the settings name, with their passwords, and the rights of their tasks alone.

    The user of PAYOFF_WAREHOUSE_URL loads, that of PAYOFF_WAREHOUSE_READ_URL exports and looks up, that of
    PAYOFF_DATABASE_URL keeps the web app's tables. Those that exist get their password and rights anew, so this also
    ends a rotation by hand.
    """
    from sqlalchemy.engine import make_url

    from payoff.mariadb import parse_address
    from payoff.mariadb.users import make_users, users_of

    settings, stages = load_settings(), Stages()
    address = parse_address(admin, "--admin", settings.mariadb_ca)
    if address.sign_in == "password" and address.url.password is None:
        typed = click.prompt("Password", hide_input=True, err=True)
        given = make_url(admin).set(password=typed).render_as_string(hide_password=False)
        address = parse_address(given, "--admin", settings.mariadb_ca)
    for line in make_users(address, users_of(settings)):
        stages("user", line)
