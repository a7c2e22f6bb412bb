"""INSERT statements read as data: every line must be one statement of literals, and nothing is ever executed."""

import re

import numpy as np
import pyarrow as pa
from sqlglot import exp

from etl.source.loose import Chunk
from payoff.dialect import parse
from payoff.errors import BadRow, PortabilityError, SourceUnavailable

_LITERAL = r"\s*('(?:[^'\\]|'')*'|null|[+-]?\d+(?:\.\d+)?)\s*"


def created_columns(sql: str, file: str) -> tuple[str, tuple[str, ...]]:
    """Name and columns, in order, of the table that a CREATE TABLE statement declares.

    Raises
    ------
    SourceUnavailable
        The text is no such statement.
    """
    try:
        create = parse(sql)[0].this
    except (PortabilityError, IndexError) as error:
        raise SourceUnavailable(f"{file} does not declare a table: {error}") from error
    if not isinstance(create, exp.Schema):
        raise SourceUnavailable(f"{file} does not declare the columns of a table, but starts with {sql[:40]!r}")
    return create.this.name, tuple(part.name for part in create.expressions if isinstance(part, exp.ColumnDef))


def read_inserts(sql: str, table: str, columns: tuple[str, ...], file: str) -> Chunk:
    """The values of ``insert into TABLE values (…);``, one statement a line.

    Parameters
    ----------
    sql : str
    table : str
        The table that every statement must name.
    columns : tuple of str
        The columns that every statement must give, in order.
    file : str
        Its name in messages.

    Returns
    -------
    Chunk
        All ``columns`` as text; lines that are anything else are unreadable.
    """
    fields = ",".join([_LITERAL] * len(columns))
    statement = re.compile(rf"\s*insert\s+into\s+{re.escape(table)}\s+values\s*\({fields}\)\s*;\s*", re.IGNORECASE)
    rows, lines, unreadable = [], [], []
    for number, line in enumerate(sql.split("\n"), 1):
        if match := statement.fullmatch(line):
            rows.append(match.groups())
            lines.append(number)
        elif line.strip():
            reason = f"is not one INSERT INTO {table} of {len(columns)} values: {line.strip()[:60]!r}"
            unreadable.append(BadRow(file, number, reason))
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [pa.array([_unquoted(value) for value in column], pa.string()) for column in values]
    text = pa.RecordBatch.from_arrays(arrays, names=list(columns))
    return Chunk(text, np.array(lines, np.int64), tuple(unreadable))


def _unquoted(literal: str) -> str | None:
    if literal.startswith("'"):
        return literal[1:-1].replace("''", "'")
    return None if literal.lower() == "null" else literal
