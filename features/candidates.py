"""What the synthesis is about: a candidate feature, and the condition and the window that its rows meet."""

import re
from dataclasses import dataclass

from features.relational import ColumnRole
from payoff.contract import Dtype, Known


@dataclass(frozen=True)
class Condition:
    """Which rows are looked at. ``slice`` names them; the predicate is over the columns of the rows.

    The slice of all rows is a star, which no category can be called.
    """

    slice: str = "*"
    words: str = ""
    predicate: str = ""

    @property
    def suffix(self) -> str:
        """Part of a feature's name; empty for all rows."""
        return f"_{self.slice}" if self.predicate else ""


ALL = Condition()


@dataclass(frozen=True)
class Window:
    """How far back is looked. ``days`` is 0 for all of time; ``span`` counts the windows from the shortest on."""

    span: int
    days: int

    @property
    def suffix(self) -> str:
        """Part of a feature's name; empty for all of time."""
        return f"_{self.days}d" if self.days else ""


@dataclass(frozen=True)
class Candidate:
    """One synthesised feature: a cell of a cube, or a column of the population.

    Attributes
    ----------
    name : str
        ``{table}_{column}_{operation}[_{condition}][_{window}][_per_{scale}]``.
    sentence : str
        What it is, in words.
    column : str
        The column of the cube; for the population's own, an expression over ``population``.
    sources : tuple of str
        The source columns, as ``table.column``.
    cube : str
        Empty for the population's own columns.
    """

    name: str
    sentence: str
    unit: str
    operation: str
    known: Known
    column: str
    sources: tuple[str, ...]
    scale: str = ""
    cube: str = ""
    slice: str = ""
    days: int = 0
    dtype: Dtype = "number"
    categories: tuple[str, ...] = ()


def short(column: str, role: ColumnRole) -> str:
    """A column's name without its unit."""
    return column.removesuffix(f"_{role.unit.lower()}") if role.unit else column


def slug(value: str) -> str:
    """A category as part of a name: letters, digits and underscores."""
    return "_".join(re.findall(r"[a-z0-9]+", value.lower())) or "other"
