"""A coarse place for each prediction, by which history finds it: source, verdict and band of probability in one number.

Any choice of sources, verdicts and probabilities is a list of cells, and an index that begins with the cell holds each
cell's rows in order of time; so what fits is merged from a few hundred sorted runs, whatever is chosen. The numbers are
stored: a new source goes to the end, and other bands need a migration.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

_SOURCES = ("form", "lookup", "batch", "api")
_VERDICTS = ("default", "paid_off")
#: Written out, not computed, so that every machine puts a probability into the same band. Finer where most loans are.
_EDGES = (
    0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8,
    0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87, 0.88, 0.89, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99,
    0.992, 0.994, 0.996, 0.998, 0.999,
)  # fmt: skip
_BANDS = len(_EDGES) + 1

CELLS = len(_SOURCES) * len(_VERDICTS) * _BANDS


def cell(source: str, verdict: str, payoff_probability: float) -> int:
    """Where a prediction belongs."""
    return _number(_SOURCES.index(source), _VERDICTS.index(verdict), bisect_right(_EDGES, payoff_probability))


def cell_of(row: Mapping[str, Any]) -> int:
    """Where a row of predictions belongs, by the names of its columns."""
    return cell(row["source"], row["verdict"], row["payoff_probability"])


def cells(source: str | None, verdict: str | None, lowest: float | None, highest: float | None) -> list[int]:
    """Every cell that can hold what is chosen; None leaves open. Those at the ends hold other probabilities, too."""
    first = 0 if lowest is None else bisect_right(_EDGES, lowest)
    last = _BANDS - 1 if highest is None else bisect_right(_EDGES, highest)
    return [
        _number(s, v, band)
        for s, each in enumerate(_SOURCES)
        if source in (None, each)
        for v, end in enumerate(_VERDICTS)
        if verdict in (None, end)
        for band in range(first, last + 1)
    ]


def _number(source: int, verdict: int, band: int) -> int:
    return (source * len(_VERDICTS) + verdict) * _BANDS + band
