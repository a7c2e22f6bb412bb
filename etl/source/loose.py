"""What every kind of source hands to the typing step: text, and where each row of it came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from payoff.errors import BadRow

Lines = npt.NDArray[np.int64]
ALTERNATIVES = (
    "Other sources: `--source DIR` with the .asc files, `--source archive` (a copy with the loan accounts only, "
    "fetched by pip), `--source ctu` (the public server)."
)


@dataclass(frozen=True)
class DateFormat:
    """How a source writes dates.

    ``pattern`` has the groups y, m and d; years count from ``century``. ``shown`` is the format in words.
    """

    shown: str
    pattern: str
    century: int


YYMMDD = DateFormat("YYMMDD", r"^(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})(?: 00:00:00)?$", 1900)
ISO = DateFormat("YYYY-MM-DD", r"^(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?: 00:00:00(?:\.0+)?)?$", 0)


@dataclass(frozen=True)
class Chunk:
    """Some rows of a table.

    Attributes
    ----------
    text : record batch of strings
        The columns of the raw table, in its order. Blank text and ``?`` count as NULL.
    lines : int64 array, one a row
        Where each row stands in its file or table, counted from 1.
    unreadable : tuple of BadRow
        Lines that could not be split into fields.
    """

    text: pa.RecordBatch
    lines: Lines
    unreadable: tuple[BadRow, ...] = ()


@dataclass(frozen=True)
class LooseTable:
    """A table as its source holds it.

    Attributes
    ----------
    file : str
        The name that bad rows are reported under.
    dates : DateFormat
    chunks : iterable of Chunk
        Consumed once, so that a large file need not be held as text.
    aliases : mapping of raw column to the source's name for it
        Where the two differ; messages use the source's.
    repeats : bool
        Whether the source repeats whole rows on purpose: those are collapsed.
    broken : tuple of BadRow
        Why the table cannot be read at all (it or a column is missing); there are no chunks then.
    """

    file: str
    dates: DateFormat
    chunks: Iterable[Chunk] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    repeats: bool = False
    broken: tuple[BadRow, ...] = ()

    def alias(self, column: str) -> str:
        """The source's name for a raw column."""
        return self.aliases.get(column, column)


def missing_columns(file: str, expected: Iterable[str], found: Iterable[str]) -> tuple[BadRow, ...]:
    """One problem for each expected column that ``found`` lacks; case does not count."""
    names = list(found)
    lower = {name.lower() for name in names}
    shown = ", ".join(names) or "nothing"
    return tuple(
        BadRow(file, 1, f"column {name} is missing; found {shown}") for name in expected if name.lower() not in lower
    )
