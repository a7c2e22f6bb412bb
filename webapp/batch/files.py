"""Where the files of a batch lie in the lake: what was sent, and what each chunk of it gave."""

from collections.abc import Iterator, Sequence
from typing import cast
from uuid import uuid4

from payoff.lake import Lake
from webapp.batch.reading import Kind, Sheet
from webapp.batch.writing import bad_head, result_head
from webapp.storage.tables import Batch

#: Rows that are scored, stored and written at once. An account costs more memory than a form: 700 features.
CHUNK_ROWS = {"form": 5_000, "accounts": 1_000}


class BatchFiles:
    """The files of one batch.

    Parameters
    ----------
    folder : str
        A name of its own, because the numbers of batches may come again in another database.
    """

    def __init__(self, lake: Lake, folder: str) -> None:
        self._lake, self._folder = lake, folder

    def keep_input(self, data: bytes) -> None:
        """Store what was sent."""
        self._lake.write(self._key("input"), data)

    def input(self) -> bytes:
        """What was sent. Raises LakeError where it is gone."""
        return self._lake.read(self._key("input"))

    def keep(self, start: int, result: bytes, bad: bytes) -> None:
        """Store what the chunk from row ``start`` on gave; the same again is the same."""
        self._lake.write(self._key("result", start), result)
        self._lake.write(self._key("bad", start), bad)

    def result(self, sheet: Sheet, starts: Sequence[int]) -> Iterator[bytes]:
        """The whole result, chunk by chunk."""
        return self._joined(result_head(sheet), "result", starts)

    def bad(self, sheet: Sheet, starts: Sequence[int]) -> Iterator[bytes]:
        """All rows that came back, chunk by chunk."""
        return self._joined(bad_head(sheet), "bad", starts)

    def delete(self, starts: Sequence[int]) -> None:
        """Remove every file."""
        parts = [self._key(what, start) for start in starts for what in ("result", "bad")]
        for key in (self._key("input"), *parts):
            self._lake.delete(key)

    def _joined(self, head: bytes, what: str, starts: Sequence[int]) -> Iterator[bytes]:
        # The head waits for the first part: where files are gone, that is known before anything is answered.
        for start in starts:
            yield head + self._lake.read(self._key(what, start))
            head = b""

    def _key(self, what: str, start: int | None = None) -> str:
        name = what if start is None else f"{what}-{start:06d}"
        return f"batches/{self._folder}/{name}.csv"


def new_folder() -> str:
    """A name that no other batch has."""
    return uuid4().hex


def sheet_of(batch: Batch) -> Sheet:
    """What the file of a batch is."""
    kind = cast("Kind", batch.kind)
    return Sheet(kind, batch.options["delimiter"], tuple(batch.options["names"]), batch.rows)


def starts_of(batch: Batch) -> range:
    """The row at which each chunk begins."""
    return range(0, batch.rows, batch.options["chunk"])
