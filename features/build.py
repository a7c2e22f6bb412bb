"""Build a feature table from the current run of the lake and store it beside its marts."""

import pandas as pd
import pyarrow as pa

from features import table
from payoff import runs
from payoff.lake import Lake


def build_features(lake: Lake, set_name: str) -> tuple[pd.DataFrame, str]:
    """The feature table of ``set_name`` for the current run, and the prefix it was stored under."""
    run = runs.current_run(lake)
    frame = table.build({mart: runs.read_mart(lake, run, mart) for mart in table.MARTS}, set_name)
    return frame, runs.write_features(lake, run, set_name, to_arrow(frame))


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """The table as the lake stores it: granted_on as date32, defaulted as int8."""
    stored = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    for name, kind in (("granted_on", pa.date32()), ("defaulted", pa.int8())):
        stored = stored.set_column(stored.column_names.index(name), name, stored[name].cast(kind))
    return stored
