"""Keys and references between typed tables, many rows at a time."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.source.casts import Mask, mask
from etl.source.loose import Lines

Positions = npt.NDArray[np.int64]


def later_rows(keys: pa.ChunkedArray, lines: Lines, among: Mask) -> tuple[Positions, Positions]:
    """Rows whose key an earlier line holds.

    Parameters
    ----------
    keys : chunked array of int32
    lines : array, the line of each row
    among : boolean array, the rows that count; rows without a key never do

    Returns
    -------
    later, first : arrays of positions, of the same length
        Each later row, and the row that holds its key first.
    """
    candidates = np.flatnonzero(among & mask(keys.is_valid().combine_chunks()))
    numbers = keys.fill_null(0).to_numpy()
    order = candidates[np.lexsort((lines[candidates], numbers[candidates]))]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = numbers[order[1:]] != numbers[order[:-1]]
    first = order[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    return order[~starts], first[~starts]


def same_rows(table: pa.Table, left: Positions, right: Positions) -> Mask:
    """Whether each row of ``left`` equals that of ``right`` in every column, nulls included."""
    same = np.ones(len(left), np.bool_)
    for column in table.columns:
        one, other = column.take(pa.array(left)), column.take(pa.array(right))
        both_null = pc.and_(one.is_null(), other.is_null())
        same &= mask(pc.or_kleene(pc.equal(one, other), both_null).combine_chunks())
    return same


def orphans(references: pa.ChunkedArray, keys: pa.ChunkedArray) -> Mask:
    """Where a reference, if there is one, names none of ``keys``."""
    known = pc.is_in(references, value_set=keys.combine_chunks().drop_null())
    return mask(pc.and_(references.is_valid(), pc.invert(known)).combine_chunks())
