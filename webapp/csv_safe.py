"""CSV that a spreadsheet opens without running any of it."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

#: Without it, Excel takes UTF-8 for the machine's old encoding.
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
#: What a spreadsheet takes for the beginning of a formula; some take the wide forms, too.
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")

Cell = str | int | float | None


def neutralised(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would take it for a formula; numbers stay numbers.

    Notes
    -----
    OWASP, "CSV injection", https://owasp.org/www-community/attacks/CSV_Injection.
    """
    return f"'{text}" if text[:1] in FORMULA and text and not _NUMBER.fullmatch(text) else text


def lines(rows: Iterable[Sequence[Cell]], delimiter: str = ",") -> str:
    """The rows as lines of CSV (RFC 4180). Texts are neutralised, numbers stay numbers, None is empty."""
    written = StringIO()
    csv.writer(written, delimiter=delimiter).writerows(
        [neutralised(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return written.getvalue()
