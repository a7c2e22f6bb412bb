"""The web app's own tables: of this version, and writable."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from payoff.doctor.finding import Finding
from payoff.settings import Settings

if TYPE_CHECKING:
    from webapp.storage import Database


def look(settings: Settings) -> Iterator[Finding]:
    """Their revision, and whether a row can be written; the row is taken back."""
    from webapp.storage import Database, newest_revision

    held = Database(settings.database_url, settings.mariadb_ca)
    there, wanted = held.revision(), newest_revision()
    if there != wanted:
        found = f"{held.shown} has {f'tables of revision {there}' if there else 'no tables yet'}"
        advice = "Run `payoff database upgrade`; `payoff serve` does so, too."
        yield Finding("doubtful", f"{found}; this version of the program wants {wanted}", advice)
        return
    _try_writing(held)
    yield Finding("good", f"{held.shown}: revision {there}, and it can be written")


def _try_writing(held: "Database") -> None:
    from webapp.storage.audit import note

    with held.session() as session:
        note(session, "payoff doctor", "doctor.tried", "whether a row can be written")
        session.flush()
        session.rollback()
