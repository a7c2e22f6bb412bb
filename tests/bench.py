"""A runner of batches with all that it needs, to be watched at work."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from batches import as_csv, loans, rows_of
from sqlalchemy import select, update
from web import Served, StandIn, settings

from payoff.lake import DirectoryLake
from webapp.batch.files import CHUNK_ROWS, BatchFiles, sheet_of, starts_of
from webapp.batch.receiving import Sent, received
from webapp.batch.runner import Runner
from webapp.storage import Database
from webapp.storage.batches import claim
from webapp.storage.tables import Batch, StoredPrediction

CHUNK = 4
#: Ten rows, of which the sixth is bad; the last four have a reference of the sender's own.
ROWS = [*loans(5), *loans(1, district="Nowhere"), *loans(4, application="mine")]


class Bench:
    """A database, a lake and a runner."""

    def __init__(self, directory: Path, url: str) -> None:
        self.settings = settings(directory)
        self.database = Database(url)
        self.database.migrate()
        self.lake: DirectoryLake = DirectoryLake(directory / "lake")
        self.models = Served(StandIn())
        self.runner = self.another_runner()

    def another_runner(self) -> Runner:
        """As another process would have one."""
        return Runner(self.settings, self.database, self.lake, self.models, lambda _language: nullcontext())

    def send(self, rows: Sequence[Mapping[str, Any]], **options: Any) -> int:
        """Send a file of these rows; the number of its batch."""
        sent = Sent(as_csv(rows), "loans.csv", **options)
        return received(self.database, self.lake, self.models, sent, sender="a test").id

    def batch(self, number: int = 1) -> Any:
        """A batch as it is stored, or nothing."""
        with self.database.session() as session:
            return session.get(Batch, number)

    def change(self, **values: Any) -> None:
        """Set columns of every batch."""
        with self.database.session() as session:
            session.execute(update(Batch).values(**values))

    def claim(self, at: datetime | None = None) -> Batch | None:
        """Claim the next batch, as a runner does before it begins."""
        with self.database.session() as session:
            return claim(session, at or datetime.now(UTC))

    def stored(self) -> Sequence[StoredPrediction]:
        """All predictions, in the order in which they were stored."""
        with self.database.session() as session:
            return session.scalars(select(StoredPrediction).order_by(StoredPrediction.id)).all()

    def result(self, number: int = 1) -> list[dict[str, str]]:
        """The rows of the file that comes back."""
        batch = self.batch(number)
        files = BatchFiles(self.lake, batch.options["folder"])
        return rows_of(b"".join(files.result(sheet_of(batch), starts_of(batch))))


@contextmanager
def bench_in(directory: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench over the database of ``url``; its lake is in ``directory``."""
    monkeypatch.setitem(CHUNK_ROWS, "form", CHUNK)
    made = Bench(directory, url)
    yield made
    made.database.engine.dispose()
