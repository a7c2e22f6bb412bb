"""A CSV file from outside, row by row. Nothing in it is trusted, and no row can hide another.

Each line of the file is read by itself: a quotation mark that is never closed spoils its own row, not the rest.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from itertools import islice
from typing import Literal

from flask_babel import gettext as _

from features.questions import OF_ACCOUNT, QUESTIONS
from payoff.errors import ContractError
from webapp.csv_safe import FORMULA
from webapp.wording import whole

#: What the rows of a file describe: the answers of a form, or an account and the terms of its loan.
Kind = Literal["form", "accounts"]

MOST_BYTES = 32 * 1024 * 1024
MOST_ROWS = 200_000
LONGEST_LINE = 10_000
LONGEST_APPLICATION = 64

NAMES: Mapping[Kind, tuple[str, ...]] = {
    "form": tuple(question.name for question in QUESTIONS),
    "accounts": tuple(question.name for question in OF_ACCOUNT),
}
#: The asker's own reference, which may be left out.
APPLICATION = "application"
#: What this program adds to rows that it gives back; they may come again when the rows are mended.
ADDED = ("line", "errors", "as_sent")
_SPOILT = ("\0", "\N{REPLACEMENT CHARACTER}")
_SHOWN = 5


@dataclass(frozen=True)
class Sheet:
    """What the head of a file says about the rest.

    Attributes
    ----------
    names : tuple of str
        The columns, in order.
    rows : int
        How many follow; blank lines are none.
    """

    kind: Kind
    delimiter: str
    names: tuple[str, ...]
    rows: int = 0


@dataclass(frozen=True)
class Record:
    """One row.

    Attributes
    ----------
    line : int
        Where it stands in the file, from 1.
    fields : mapping of column to text
        What was filled in; nothing of a row that has no readable columns. Values of any type where it came as JSON.
    fault : str
        Why it has none.
    text : str
        The line as it was sent, cut if it is too long to be anything.
    """

    line: int
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)
    fault: str = ""


def inspected(data: bytes) -> Sheet:
    """What the file is, after looking at all of it.

    Raises
    ------
    ContractError
        It is empty, too large, not UTF-8, holds no row or too many, or its header is not one of ``NAMES``.
    """
    _check_bytes(data)
    lines = _lines(data)
    try:
        _number, header = next(lines, (0, ""))
        sheet = _headed(header)
        rows = sum(1 for _ in _filled(lines, sheet.delimiter))
    except UnicodeDecodeError as error:
        raise ContractError(_undecodable(data)) from error
    if not rows:
        raise ContractError(_("The file holds a header and no rows. Add one line for each loan."))
    if rows > MOST_ROWS:
        limit = _(
            "The file has %(rows)s rows; at most %(most)s are taken. Split it.", rows=whole(rows), most=whole(MOST_ROWS)
        )
        raise ContractError(limit)
    return Sheet(sheet.kind, sheet.delimiter, sheet.names, rows)


def records(data: bytes, sheet: Sheet, skip: int = 0) -> Iterator[Record]:
    """The rows of a file that was inspected, after the first ``skip``; blank lines are none."""
    lines = islice(_filled(_lines(data), sheet.delimiter), 1, None)
    for number, text in islice(lines, skip, None):
        yield _record(number, text, sheet)


def _check_bytes(data: bytes) -> None:
    if not data.strip():
        raise ContractError(_("The file is empty. Download a template to see what is expected."))
    if len(data) > MOST_BYTES:
        raise ContractError(_("The file is larger than 32 MB. Split it."))
    if data.startswith(b"PK\x03\x04"):
        raise ContractError(_("The file is a workbook, not CSV. Save it as “CSV UTF-8” and send that."))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ContractError(_("The file is encoded as UTF-16. Save it as “CSV UTF-8” and send that."))


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank, without its end."""
    text = TextIOWrapper(BytesIO(data), encoding="utf-8-sig", newline=None)
    for number, line in enumerate(text, start=1):
        if stripped := line.strip("\r\n"):
            yield number, stripped


def _filled(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, str]]:
    """Spreadsheets end with lines of nothing but delimiters."""
    return ((number, text) for number, text in lines if text.strip(f"{delimiter} \t"))


def _undecodable(data: bytes) -> str:
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            line.decode("utf-8-sig")
        except UnicodeDecodeError:
            advice = _(
                "Line %(line)s is not encoded as UTF-8. Save the file as “CSV UTF-8” and send it again.", line=number
            )
            return str(advice)
    raise AssertionError("some line could not be decoded")


def _headed(header: str) -> Sheet:
    delimiter = ";" if header.count(";") > header.count(",") else ","
    names = tuple(name.strip() for name in _cells(header[:LONGEST_LINE], delimiter) or ())
    kind: Kind = "accounts" if "account_id" in names else "form"
    allowed = {*NAMES[kind], APPLICATION, *ADDED}
    wrong = [
        (_("Unknown: %(names)s."), [name for name in names if name not in allowed]),
        (_("Missing: %(names)s."), [name for name in NAMES[kind] if name not in names]),
        (_("Given more than once: %(names)s."), sorted({name for name in names if names.count(name) > 1})),
    ]
    if faults := [text % {"names": _listed(found)} for text, found in wrong if found]:
        words = _("The first line must name the columns of one of the templates. %(faults)s", faults=" ".join(faults))
        raise ContractError(words)
    return Sheet(kind, delimiter, names)


def _listed(names: Sequence[str]) -> str:
    """Some of the names, each cut, because they may be anything."""
    shown = ", ".join("".join(filter(str.isprintable, name[:40])) or "“”" for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} (+{more})" if more > 0 else shown


def _record(number: int, text: str, sheet: Sheet) -> Record:
    if len(text) > LONGEST_LINE:
        return Record(number, text[:100] + "…", fault=_("is longer than any row can be"))
    if any(character in text for character in _SPOILT):
        return Record(number, text, fault=_("holds characters that are no text"))
    cells = _cells(text, sheet.delimiter)
    if cells is None:
        return Record(number, text, fault=_("has a quotation mark that is not closed, or stands alone"))
    if len(cells) != len(sheet.names):
        counts = {"found": len(cells), "expected": len(sheet.names)}
        return Record(number, text, fault=_("has %(found)s columns; the header has %(expected)s", **counts))
    named = zip(sheet.names, map(_unescaped, cells), strict=True)
    return Record(number, text, {name: cell for name, cell in named if cell and name not in ADDED})


def _cells(text: str, delimiter: str) -> list[str] | None:
    """The cells of one line; None where its quotation marks make no sense."""
    try:
        return next(csv.reader((text,), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _unescaped(cell: str) -> str:
    """Without the apostrophe that a row given back has before what a spreadsheet would take for a formula."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell
