"""Reading .asc files that a test has changed, and what was found wrong with them."""

import pytest

from etl.source import read_source
from payoff.errors import BadRows


def edit(path, old, new):
    text = path.read_bytes().decode("latin-1")
    assert text.count(old) == 1, f"{old!r} should stand in {path.name} once"
    path.write_bytes(text.replace(old, new).encode("latin-1"))


def read(bank, **options):
    return read_source(str(bank), bank.parent / "cache", **options)


def problems(bank, **options):
    with pytest.raises(BadRows) as caught:
        read(bank, **options)
    return list(caught.value.rows)


def row(table, key):
    return next(row for row in table.to_pylist() if row[table.column_names[0]] == key)
