"""Semicolon-separated text in chunks, with the right line number for every row.

Arrow splits the lines with quoting switched off, so a line is always a row and one quote that is never closed cannot
swallow the lines after it. Quotes are taken off afterwards; the few lines that hold a semicolon inside quotes have too
many fields for Arrow and are split again by the csv module.
"""

import csv
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from etl.source.casts import Mask, mask
from etl.source.loose import Chunk, Lines
from payoff.errors import BadRow, SourceUnavailable

ENCODING = "latin-1"
BLOCK_BYTES = 4 << 20


class Peekable(Protocol):
    """What files, gzip files and members of a zip have in common."""

    def readline(self, size: int, /) -> bytes: ...

    def peek(self, size: int, /) -> bytes: ...


def read_header(stream: Peekable) -> list[str]:
    """The column names in the first line, in lower case; empty if there is none."""
    line = stream.readline(BLOCK_BYTES).decode(ENCODING).rstrip("\r\n")
    return [name.strip().strip('"').lower() for name in line.split(";")] if line.strip() else []


def read_chunks(stream: Peekable, wanted: Sequence[str], file: str) -> Iterator[Chunk]:
    """The ``wanted`` columns of a file, a few megabytes at a time.

    Parameters
    ----------
    stream : binary file, at its start
    wanted : sequence of str
        Names of columns, in lower case, that the header holds.
    file : str
        Its name in messages.

    Raises
    ------
    SourceUnavailable
        The file is no text in lines.
    """
    header = read_header(stream)
    if not stream.peek(1):
        return
    odd = _OddLines(file, len(header))
    next_line = 2
    try:
        for batch in _split(stream, header, wanted, odd):
            lines = odd.lines_between(next_line, batch.num_rows)
            next_line = int(lines[-1]) + 1 if len(lines) else next_line
            yield _unquoted_chunk(batch, lines, file)
    except pa.ArrowInvalid as error:
        raise SourceUnavailable(f"{file} is not semicolon-separated text in lines: {error}") from error
    yield odd.chunk(header, wanted)


def _split(stream: Peekable, header: list[str], wanted: Sequence[str], odd: "_OddLines") -> Iterator[pa.RecordBatch]:
    # One thread: Arrow numbers the lines it cannot split only then.
    reader = pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(
            use_threads=False, column_names=header, encoding=ENCODING, block_size=BLOCK_BYTES
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=";", quote_char=False, ignore_empty_lines=False, invalid_row_handler=odd
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), include_columns=list(wanted)
        ),
    )
    with reader:
        yield from reader


class _OddLines:
    """The lines that Arrow could not split: mended where a quoted semicolon is the cause, else unreadable.

    Arrow may call it from a thread that reads ahead, so nothing is taken out before the end of the file.
    """

    def __init__(self, file: str, fields: int) -> None:
        self.file = file
        self.fields = fields
        self.numbers: list[int] = []
        self.mended: dict[int, list[str]] = {}
        self.unreadable: list[BadRow] = []

    def __call__(self, row: pa_csv.InvalidRow) -> str:
        line = row.number + 1  # the header was read before
        self.numbers.append(line)
        try:
            fields = next(csv.reader([row.text], delimiter=";", strict=True))
        except csv.Error:
            fields = row.text.split(";")
        if len(fields) == self.fields:
            self.mended[line] = fields
        else:
            self.unreadable.append(
                BadRow(self.file, line, f"the number of fields is {len(fields)}; expected {self.fields}")
            )
        return "skip"

    def lines_between(self, start: int, count: int) -> Lines:
        """The first ``count`` line numbers from ``start`` on that Arrow could split."""
        odd = np.array(self.numbers, np.int64)
        odd = odd[odd >= start]
        return np.setdiff1d(np.arange(start, start + count + len(odd)), odd, assume_unique=True)[:count]

    def chunk(self, header: Sequence[str], wanted: Sequence[str]) -> Chunk:
        """All of them, once the file was read to its end."""
        columns = [
            pa.array([fields[header.index(name)] for fields in self.mended.values()], pa.string()) for name in wanted
        ]
        text = pa.RecordBatch.from_arrays(columns, names=list(wanted))
        return Chunk(text, np.array(list(self.mended), np.int64), tuple(self.unreadable))


def _unquoted_chunk(batch: pa.RecordBatch, lines: Lines, file: str) -> Chunk:
    """The rows that hold anything, without quotes; rows whose quotes do not match are unreadable."""
    columns: list[pa.Array] = []
    unreadable: list[BadRow] = []
    unmatched = np.zeros(batch.num_rows, np.bool_)
    for name, text in zip(batch.schema.names, batch.columns, strict=True):
        values, faulty = _unquoted(text)
        columns.append(values)
        unreadable += [
            BadRow(file, int(lines[row]), f"{name} {text[row].as_py()!r} has an unmatched quote")
            for row in np.flatnonzero(faulty & ~unmatched)
        ]
        unmatched |= faulty
    wanted = ~(unmatched | _empty_rows(batch))
    kept = pa.RecordBatch.from_arrays(columns, names=batch.schema.names).filter(pa.array(wanted))
    return Chunk(kept, lines[wanted], tuple(unreadable))


def _unquoted(text: pa.Array) -> tuple[pa.Array, Mask]:
    # Codes, dates and banks repeat: each different text is looked at once.
    encoded = text.dictionary_encode()
    distinct = encoded.dictionary
    quoted = pc.match_substring_regex(distinct, r'^"(?:[^"]|"")*"$')
    unmatched = pc.and_not(pc.match_substring(distinct, '"'), quoted)
    inner = pc.replace_substring(pc.utf8_slice_codeunits(distinct, 1, -1), '""', '"')
    values = pc.if_else(quoted, inner, distinct)
    return values.take(encoded.indices), mask(unmatched.take(encoded.indices))


def _empty_rows(batch: pa.RecordBatch) -> Mask:
    empty = np.ones(batch.num_rows, np.bool_)
    for text in batch.columns:
        if not empty.any():
            break
        empty &= mask(pc.equal(text, ""))
    return empty
