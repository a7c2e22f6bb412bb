"""`payoff predictions`: how many are kept, and deleting them."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from rich.table import Table

from payoff.errors import SettingsError
from payoff.reporting import Stages, console
from payoff.settings import load_settings

if TYPE_CHECKING:
    from webapp.storage import Database

_ACTOR = "command line"
#: A century: no prediction is as old, and the calendar goes so far back.
_LONGEST_DAYS = 36_525


@click.group()
def predictions() -> None:
    """Count and delete stored predictions. Each deletion is noted in the audit log."""


@predictions.command("count")
def count_predictions() -> None:
    """Count the stored predictions by source, with the oldest and the newest."""
    from webapp.storage.retention import by_source

    held = _opened()
    table = Table("source")
    table.add_column("predictions", justify="right")
    for title in ("oldest (UTC)", "newest (UTC)"):
        table.add_column(title)
    with held.session() as session:
        for kept in by_source(session):
            moments = (f"{moment:%Y-%m-%d %H:%M}" for moment in (kept.oldest, kept.newest))
            table.add_row(kept.source, f"{kept.predictions:,}", *moments)
    console.print(table)


@predictions.command()
@click.option(
    "--days",
    type=click.IntRange(1, _LONGEST_DAYS),
    help="Delete what is older than this many days.  [PAYOFF_RETENTION_DAYS]",
)
def purge(days: int | None) -> None:
    """Delete the predictions and the files of batches that are older than they may be kept.

    Meant to be run every day. A purge that was stopped has deleted a part; run it again.
    """
    from payoff.lake import open_lake
    from webapp.batch.discarding import discard_old
    from webapp.storage import retention

    settings, held, stages = load_settings(), _opened(), Stages()
    kept_days = min(days or settings.retention_days, _LONGEST_DAYS)
    older_than = datetime.now(UTC) - timedelta(days=kept_days)
    purged = retention.purge(held, older_than, _ACTOR)
    batches = discard_old(held, open_lake(settings), older_than, _ACTOR)
    before = f"before {older_than:%Y-%m-%d %H:%M} UTC ({kept_days:,} days)"
    stages("purge", f"{purged:,} predictions and {batches:,} batches made {before} deleted")


@predictions.command()
@click.argument("numbers", type=click.IntRange(min=1, max=2**63 - 1), nargs=-1, metavar="[NUMBER]...")
@click.option("--application", metavar="REF", help="Delete all predictions of this reference.")
@click.option(
    "--account", type=click.IntRange(1, 2**31 - 1), metavar="ID", help="Delete all predictions of this account."
)
def delete(numbers: tuple[int, ...], application: str | None, account: int | None) -> None:
    """Delete single predictions, or all of an application or an account: for a person who asks to be forgotten.

    Their figures, reasons, shadow scores and outcomes go with them. They cannot be brought back.
    """
    from webapp.storage import retention

    if sum((bool(numbers), application is not None, account is not None)) != 1:
        raise SettingsError("name either numbers of predictions, or --application, or --account")
    held, stages = _opened(), Stages()
    with held.session() as session:
        if numbers:
            deleted = retention.delete(session, numbers, _ACTOR)
        else:
            deleted = retention.forget(session, _ACTOR, application=application, account_id=account)
    wanted = f" of {len(numbers):,}" if numbers else ""
    stages("delete", f"{deleted:,}{wanted} predictions deleted")


def _opened() -> "Database":
    from webapp.storage import Database

    settings = load_settings()
    held = Database(settings.database_url, settings.mariadb_ca)
    held.migrate()
    return held
