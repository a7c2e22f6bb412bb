"""Works batches off in the background of a web process, one after the other.

Any process may take over a batch whose runner has died: a chunk's predictions and the count of rows done are stored in
one transaction, and its part of the result is written before, the same whoever writes it. So a batch goes on after the
last chunk that was stored, and no prediction is stored twice.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from payoff.errors import PayoffError, StorageError
from payoff.lake import Lake
from payoff.settings import Settings
from webapp.batch.files import BatchFiles, sheet_of, starts_of
from webapp.batch.reading import Sheet, records
from webapp.batch.scoring import SETS, Explained, Outcome, outcomes
from webapp.batch.writing import bad_rows, result_rows
from webapp.explaining import as_json
from webapp.observing import metrics
from webapp.predictions import Scorer
from webapp.serving import Models
from webapp.storage import Database
from webapp.storage.batches import Scored, advance, beat, claim, end
from webapp.storage.tables import Batch

BEAT_SECONDS = 5.0
WATCH_SECONDS = 10.0

#: From a language tag to a block in which that language is spoken.
Speaking = Callable[[str], AbstractContextManager[None]]

_log = logging.getLogger(__name__)


class Runner:
    """Runs batches, on a thread that lives as long as there is one to run.

    Parameters
    ----------
    speaking : callable
        Reasons and errors are worded in the block that it gives for the batch's language.
    """

    def __init__(self, settings: Settings, database: Database, lake: Lake, models: Models, speaking: Speaking) -> None:
        self._settings, self._database, self._lake, self._models = settings, database, lake, models
        self._speaking = speaking
        self._lock = threading.Lock()
        self._asked = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """See to it that whatever waits is worked off."""
        with self._lock:
            self._asked = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
                self._thread.start()

    def watch(self) -> None:
        """Look for batches for as long as the process lives: those of others that died are taken over."""

        def watching() -> None:
            while True:
                self.wake()
                time.sleep(WATCH_SECONDS)

        threading.Thread(target=watching, name="watch-batches", daemon=True).start()

    def rest(self, seconds: float) -> None:
        """Wait until all is worked off, for so long at most."""
        if thread := self._thread:
            thread.join(seconds)

    def run_next(self) -> bool:
        """Run the oldest batch that is free to its end; False where there is none.

        Raises
        ------
        StorageError
            The database cannot be reached. The batch is taken up again later.
        """
        with self._database.session() as session:
            batch = claim(session, datetime.now(UTC))
        if batch is None:
            return False
        _log.info("batch %s: from row %s of %s", batch.id, batch.done, batch.rows)
        with self._beating(batch), self._speaking(batch.options["language"]):
            try:
                self._run(batch)
            except StorageError:
                raise
            except PayoffError as error:
                _log.warning("batch %s failed: %s", batch.id, error)
                self._end(batch, str(error))
        return True

    def _work(self) -> None:
        while self._take_turn():
            try:
                while self.run_next():
                    pass
            except StorageError as error:
                _log.error("batches rest: %s", error)

    def _take_turn(self) -> bool:
        """Whether somebody has asked since the last turn; otherwise the thread is over, in the same breath."""
        with self._lock:
            asked, self._asked = self._asked, False
            if not asked:
                self._thread = None
            return asked

    def _run(self, batch: Batch) -> None:
        files, sheet = BatchFiles(self._lake, batch.options["folder"]), sheet_of(batch)
        model = self._model(sheet, batch)
        rows = records(files.input(), sheet, skip=batch.done)
        explained: Explained = "all" if batch.options["explain_all"] else "default"
        while chunk := list(islice(rows, batch.options["chunk"])):
            found = outcomes(self._settings, model, sheet.kind, chunk, explained)
            named = [_named(batch, outcome) for outcome in found]
            files.keep(batch.done, result_rows(sheet, named, model.metadata), bad_rows(sheet, named))
            if not self._advance(batch, len(chunk), named):
                return
        self._end(batch)

    def _model(self, sheet: Sheet, batch: Batch) -> Scorer:
        """The model that the batch began with, so that one batch has one model."""
        serving, version = self._models.current(SETS[sheet.kind]), batch.options["version"]
        return serving if serving.metadata.version == version else self._models.version(version)

    def _advance(self, batch: Batch, rows: int, found: Sequence[Outcome]) -> bool:
        with self._database.session() as session:
            held = advance(session, batch, rows, list(_scored(found)))
            gone = not held and session.get(Batch, batch.id) is None
        if held:
            batch.bad += sum(1 for each in found if each.faults)
            batch.done += rows
            for each in found:
                if each.prediction:
                    metrics.predicted("batch", each.prediction.feature_set, each.prediction.prediction)
        elif gone:
            # It was deleted while this chunk was scored, whose files would stay behind.
            BatchFiles(self._lake, batch.options["folder"]).delete(starts_of(batch))
        return held

    def _end(self, batch: Batch, failure: str | None = None) -> None:
        with self._database.session() as session:
            end(session, batch, "failed" if failure else "done", failure)

    @contextmanager
    def _beating(self, batch: Batch) -> Iterator[None]:
        """Says in the meantime that the runner lives, however long a chunk takes."""
        over = threading.Event()

        def beating() -> None:
            while not over.wait(BEAT_SECONDS):
                try:
                    with self._database.session() as session:
                        beat(session, batch)
                except StorageError as error:
                    _log.warning("batch %s could not say that it runs: %s", batch.id, error)

        thread = threading.Thread(target=beating, name="batch-heart", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _named(batch: Batch, outcome: Outcome) -> Outcome:
    """With a reference by which the prediction is found in the history, where the asker gave none."""
    if outcome.application or outcome.prediction is None:
        return outcome
    return replace(outcome, application=f"batch {batch.id}, line {outcome.record.line}")


def _scored(found: Sequence[Outcome]) -> Iterator[Scored]:
    for outcome in found:
        if outcome.prediction is not None:
            reasons = as_json(outcome.explanation) if outcome.explanation else None
            yield Scored(outcome.prediction, outcome.application, outcome.account_id, reasons)
