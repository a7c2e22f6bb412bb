"""Answers from a file: many loans at once, with the fields of the form."""

import csv
import json
from pathlib import Path

from payoff.errors import ContractError

_MAX_BYTES = 64 * 1024 * 1024


def read_answers(path: Path) -> list[dict[str, object]]:
    """The rows of a .csv file, or the object or objects of a .json file, not validated yet.

    Raises
    ------
    ContractError
        The file is too large, not UTF-8, or neither CSV with a header nor JSON objects.
    """
    if (size := path.stat().st_size) > _MAX_BYTES:
        raise ContractError(f"{path} has {size:,} bytes; at most {_MAX_BYTES:,} are read. Split it.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _from_csv(text) if path.suffix.lower() == ".csv" else _from_json(text)
    except (UnicodeDecodeError, ValueError, csv.Error) as error:
        raise ContractError(f"{path} is not UTF-8 text with CSV rows or JSON objects: {error}") from error


def _from_csv(text: str) -> list[dict[str, object]]:
    # A field too many is kept under an own name, so that validation refuses the row instead of losing it.
    rows = csv.DictReader(text.splitlines(), restkey="fields beyond the header", strict=True)
    return [{name: value for name, value in row.items() if value not in (None, "")} for row in rows]


def _from_json(text: str) -> list[dict[str, object]]:
    content = json.loads(text)
    rows = content if isinstance(content, list) else [content]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected an object, or a list of objects")
    return rows
