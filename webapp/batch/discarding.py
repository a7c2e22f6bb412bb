"""Deleting batches: their rows and files. The predictions that came of them stay in the history."""

from datetime import datetime

from sqlalchemy import delete, select

from payoff.lake import Lake
from webapp.batch.files import BatchFiles, starts_of
from webapp.storage import Database
from webapp.storage.audit import note
from webapp.storage.tables import Batch


def discard(held: Database, lake: Lake, batch: Batch, actor: str) -> None:
    """Delete a batch with its files."""
    with held.session() as session:
        session.execute(delete(Batch).where(Batch.id == batch.id))
        note(session, actor, "batch.deleted", f"batch {batch.id}", {"rows": batch.rows})
    BatchFiles(lake, batch.options["folder"]).delete(starts_of(batch))


def discard_old(held: Database, lake: Lake, older_than: datetime, actor: str) -> int:
    """Delete the batches that were sent before ``older_than``; returns how many."""
    with held.session() as session:
        old = session.scalars(select(Batch).where(Batch.made_at < older_than)).all()
    for batch in old:
        discard(held, lake, batch, actor)
    return len(old)
