"""Loose text to the raw tables as sql/schema declares them, or to the list of rows that break the declaration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from etl.source.casts import Mask, cast_column, explain, without_blanks
from etl.source.findings import Findings, Positions
from etl.source.keys import later_rows, orphans, same_rows
from etl.source.loose import Chunk, Lines, LooseTable
from payoff.errors import BadRow, BadRows
from payoff.schema import Column, TableSpec, raw_tables, table_spec

KEPT_PER_TABLE = 1000


@dataclass(frozen=True)
class Checked:
    """A typed table with the line of each row; ``bad`` marks the rows that broke a rule."""

    table: pa.Table
    lines: Lines
    bad: Mask
    findings: Findings
    usable: bool = True

    def at(self, rows: Mask) -> "Checked":
        """The marked rows only."""
        return replace(self, table=self.table.filter(pa.array(rows)), lines=self.lines[rows], bad=self.bad[rows])

    def marked(self, rows: Positions, reason: Callable[[int], str]) -> "Checked":
        """The same table with ``rows`` marked bad, each for its reason."""
        self.findings.add(self.lines[rows], rows, reason)
        bad = self.bad.copy()
        bad[rows] = True
        return replace(self, bad=bad)


def typed_tables(
    loose: Mapping[str, LooseTable], *, skip_bad_rows: bool = False
) -> tuple[dict[str, pa.Table], tuple[BadRow, ...]]:
    """The raw tables in their declared types.

    Parameters
    ----------
    loose : mapping of raw table name to LooseTable
        All eight.
    skip_bad_rows : bool
        Leave bad rows and the rows that refer to them out, instead of refusing them all.

    Returns
    -------
    tables : dict of table name to table
        In the order of ``payoff.schema.raw_tables()``.
    rejected : tuple of BadRow
        What was left out.

    Raises
    ------
    BadRows
        There are bad rows (at most 1,000 a table are listed), or a table or column is missing, or a table is empty.
    """
    checked: dict[str, Checked] = {}
    for name in raw_tables():
        checked[name] = _checked(table_spec(name), loose, checked, skip_bad_rows)
    problems = tuple(row for table in checked.values() for row in table.findings.rows())
    usable = all(table.usable for table in checked.values())
    if not usable or (problems and not skip_bad_rows):
        # A table that cannot be used comes first: the rest often follows from it.
        first_broken = sorted(checked.values(), key=lambda table: table.usable)
        raise BadRows([row for table in first_broken for row in table.findings.rows()])
    return {name: _final(table, table_spec(name)) for name, table in checked.items()}, problems


def _checked(
    spec: TableSpec, loose: Mapping[str, LooseTable], parents: Mapping[str, Checked], skip_bad_rows: bool
) -> Checked:
    source = loose[spec.name]
    findings = Findings(source.file, None if skip_bad_rows else KEPT_PER_TABLE)
    if source.broken:
        findings.add_rows(source.broken)
        return Checked(spec.arrow.empty_table(), np.empty(0, np.int64), np.empty(0, np.bool_), findings, usable=False)
    table = _cast(source, spec, findings)
    if source.repeats:
        table = _without_repeats(table, spec)
    table = _without_duplicates(table, spec, source)
    for column, (parent, key) in spec.foreign_keys.items():
        if parents[parent].usable:
            known = parents[parent].table[key]
            table = _without_orphans(table, source, column, known, loose[parent].file)
    if skip_bad_rows:
        table = table.at(~table.bad)
    if not table.table.num_rows:
        findings.add_rows([BadRow(source.file, 0, "no row is left" if findings.count else "holds no rows")])
    return replace(table, usable=table.table.num_rows > 0)


def _cast(source: LooseTable, spec: TableSpec, findings: Findings) -> Checked:
    # Chunk by chunk, so that no more than one chunk of text is held beside the typed columns.
    schema = pa.schema([field.with_nullable(True) for field in spec.arrow])
    batches, lines, bad = [], [np.empty(0, np.int64)], [np.empty(0, np.bool_)]
    for chunk in source.chunks:
        findings.add_rows(chunk.unreadable)
        arrays, faulty = _cast_chunk(chunk, source, spec, findings)
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
        lines.append(chunk.lines)
        bad.append(faulty)
    table = pa.Table.from_batches(batches, schema=schema)
    return Checked(table, np.concatenate(lines), np.concatenate(bad), findings)


def _cast_chunk(chunk: Chunk, source: LooseTable, spec: TableSpec, findings: Findings) -> tuple[list[pa.Array], Mask]:
    arrays: list[pa.Array] = []
    faulty = np.zeros(len(chunk.lines), np.bool_)
    for column, raw in zip(spec.columns, chunk.text.columns, strict=True):
        text = without_blanks(raw)
        values, bad = cast_column(text, column, source.dates)
        arrays.append(values)
        # A row is listed once, with its first fault.
        new = np.flatnonzero(bad & ~faulty)
        findings.add(chunk.lines[new], new, _reason(text, column, source))
        faulty |= bad
    return arrays, faulty


def _reason(text: pa.Array, column: Column, source: LooseTable) -> Callable[[int], str]:
    return lambda row: explain(text[row].as_py(), column, source.alias(column.name), source.dates)


def _without_repeats(table: Checked, spec: TableSpec) -> Checked:
    later, first = later_rows(table.table[spec.key[0]], table.lines, ~table.bad)
    wanted = np.ones(len(table.lines), np.bool_)
    wanted[later[same_rows(table.table, later, first)]] = False
    return table.at(wanted)


def _without_duplicates(table: Checked, spec: TableSpec, source: LooseTable) -> Checked:
    key = spec.key[0]
    values = table.table[key]
    later, first = later_rows(values, table.lines, ~table.bad)
    first_line = dict(zip(later.tolist(), table.lines[first].tolist(), strict=True))
    other = ", with other values" if source.repeats else ""
    return table.marked(
        later, lambda row: f"{source.alias(key)} {values[row]} is already in line {first_line[row]}{other}"
    )


def _without_orphans(
    table: Checked, source: LooseTable, column: str, known: pa.ChunkedArray, parent_file: str
) -> Checked:
    values = table.table[column]
    found = np.flatnonzero(orphans(values, known) & ~table.bad)
    return table.marked(found, lambda row: f"{source.alias(column)} {values[row]} is in no row of {parent_file}")


def _final(checked: Checked, spec: TableSpec) -> pa.Table:
    return pa.Table.from_arrays(checked.table.combine_chunks().columns, schema=spec.arrow)
