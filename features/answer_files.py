"""Answers from a JSON file: many loans at once, with the fields of the form. Of CSV, ``webapp.batch.reading`` knows."""

import json
from pathlib import Path

from payoff.errors import ContractError

_MAX_BYTES = 64 * 1024 * 1024


def read_answers(path: Path) -> list[dict[str, object]]:
    """The object or objects of a JSON file, not validated yet.

    Raises
    ------
    ContractError
        The file is too large, not UTF-8, or holds no JSON objects.
    """
    if (size := path.stat().st_size) > _MAX_BYTES:
        raise ContractError(f"{path} has {size:,} bytes; at most {_MAX_BYTES:,} are read. Split it.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _from_json(text)
    except ValueError as error:
        raise ContractError(
            f"{path} is not UTF-8 text with JSON objects: {error}. CSV is told by its ending."
        ) from error


def _from_json(text: str) -> list[dict[str, object]]:
    content = json.loads(text)
    rows = content if isinstance(content, list) else [content]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected an object, or a list of objects")
    return rows
