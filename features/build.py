"""Build a feature table and store it in the lake, beside the marts of the current run."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import pandas as pd
import pyarrow as pa

from features import table
from payoff import runs
from payoff.lake import Lake
from payoff.warehouse import SqlSession

#: Opens what computes over the marts it is given.
OverMarts = Callable[[Mapping[str, pa.Table]], AbstractContextManager[SqlSession]]


def build_features(
    lake: Lake, set_name: str, warehouse: SqlSession | None = None, over_marts: OverMarts = table.over_marts
) -> tuple[pd.DataFrame, str]:
    """The feature table of ``set_name`` for the current run, and the prefix it was stored under.

    Parameters
    ----------
    warehouse : SqlSession, optional
        Computes over its own marts.
    over_marts : callable
        Opens what otherwise computes over those of the lake, by default DuckDB.
    """
    run = runs.current_run(lake)
    if warehouse is not None:
        frame = table.build(warehouse, set_name)
    else:
        with over_marts({mart: runs.read_mart(lake, run, mart) for mart in table.MARTS}) as opened:
            frame = table.build(opened, set_name)
    return frame, runs.write_features(lake, run, set_name, to_arrow(frame))


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """The table as the lake stores it: granted_on as date32, defaulted as int8."""
    stored = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    for name, kind in (("granted_on", pa.date32()), ("defaulted", pa.int8())):
        stored = stored.set_column(stored.column_names.index(name), name, stored[name].cast(kind))
    return stored
