"""What the synthesis is about: a candidate feature, and the slice of rows that it looks at."""

import re
from dataclasses import dataclass, field

from features.relational import ColumnRole
from payoff.contract import Dtype, Known


@dataclass(frozen=True)
class Candidate:
    """One synthesised feature.

    Attributes
    ----------
    name : str
        ``{table}_{column}_{operation}[_{condition}][_{window}][_per_{scale}]``.
    sentence : str
        What it is, in words.
    grain : str
        The relation that ``parts`` aggregate, as :mod:`features.rendering` names it; empty for the
        population's own columns.
    parts : mapping of alias to aggregate
        Over the columns of the grain.
    sql : str
        Over the aliases of ``parts`` and the columns of ``population``.
    columns : tuple of str
        The source columns, as ``table.column``.
    """

    name: str
    sentence: str
    unit: str
    known: Known
    sql: str
    columns: tuple[str, ...]
    grain: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    dtype: Dtype = "number"
    categories: tuple[str, ...] = ()
    scalable: bool = False


@dataclass(frozen=True)
class Slice:
    """The rows of an entity that meet a condition within a window before the cutoff."""

    suffix: str = ""
    words: str = ""
    predicate: str = ""
    conditioned: bool = False
    window_days: int | None = None

    def when(self, value: str, otherwise: str = "null") -> str:
        """``value`` on the rows of the slice, ``otherwise`` on others."""
        return f"case when {self.predicate} then {value} else {otherwise} end" if self.predicate else value

    def within(self, days: int, event: str) -> "Slice":
        """The rows of this slice in the last ``days`` days."""
        predicate = " and ".join(part for part in (self.predicate, f"days_before <= {days}") if part)
        words = f"{self.words} in the {days} days before the {event}"
        return Slice(f"{self.suffix}_{days}d", words, predicate, self.conditioned, days)


def short(column: str, role: ColumnRole) -> str:
    """A column's name without its unit."""
    return column.removesuffix(f"_{role.unit.lower()}") if role.unit else column


def slug(value: str) -> str:
    """A category as part of a name: letters, digits and underscores."""
    return "_".join(re.findall(r"[a-z0-9]+", value.lower())) or "other"
