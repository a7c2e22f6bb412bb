"""The aggregates as SQL: exact parts, and one expression over them.

Sums, squares and products are of decimals with two digits, so they are exact, and are held to the 38 digits that every
engine has; the casts say how many are kept. So a spread of equal values is 0 on every engine and not a rounding error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

#: What a child's columns are rolled up to on its parent's rows, with the words for it.
ROLLED = {"sum": "total", "min": "lowest", "max": "highest"}


class Rows(Protocol):
    """Some rows: a suffix for aliases, and a CASE that is NULL (or else) on all others."""

    @property
    def suffix(self) -> str:
        """Part of the alias of each aggregate over these rows."""

    def when(self, value: str, otherwise: str = "null") -> str:
        """``value`` on these rows, ``otherwise`` on others."""


def ratio(part: str, whole: str) -> str:
    """A quotient in floating point, NULL where the whole is 0."""
    return f"cast({part} as double) / nullif({whole}, 0)"


def spread(count: str, total: str, squares: str) -> str:
    """Sample standard deviation from count, sum and sum of squares: sqrt((n Σx² − (Σx)²) / (n (n − 1)))."""
    scatter = (
        f"cast({squares} as decimal(26, 4)) * cast({count} as decimal(8, 0))"
        f" - cast({total} as decimal(19, 2)) * cast({total} as decimal(19, 2))"
    )
    return f"sqrt(cast({scatter} as double) / nullif({count} * ({count} - 1), 0))"


def slope(count: str, days: str, squares: str, total: str, products: str) -> str:
    """Least-squares change per day: days count backwards, hence the sign: −(n Σtx − Σt Σx) / (n Σt² − (Σt)²)."""
    above = (
        f"cast({days} as decimal(19, 0)) * cast({total} as decimal(19, 2))"
        f" - cast({products} as decimal(26, 2)) * cast({count} as decimal(8, 0))"
    )
    below = (
        f"cast({squares} as decimal(26, 0)) * cast({count} as decimal(8, 0))"
        f" - cast({days} as decimal(19, 0)) * cast({days} as decimal(19, 0))"
    )
    return f"cast({above} as double) / nullif(cast({below} as double), 0)"


@dataclass(frozen=True)
class Aggregate:
    """One operation over a numeric column.

    Attributes
    ----------
    parts : callable (column, stem, rows, window) -> mapping of alias to aggregate
    sql : callable (stem, rows, window) -> expression over those aliases
        ``window`` is all rows of the window that ``rows`` lie in.
    """

    name: str
    words: str
    parts: Callable[[str, str, Rows, Rows], dict[str, str]]
    sql: Callable[[str, Rows, Rows], str]


def wide(x: str) -> str:
    """``x`` with room for a product: DuckDB multiplies decimals of up to 18 digits within 18 digits."""
    return f"cast({x} as decimal(19, 2))"


def total_of(x: str, stem: str, rows: Rows) -> dict[str, str]:
    """The part that sums ``x``; 0 where none of an entity's rows is among ``rows``."""
    return {f"s_{stem}{rows.suffix}": f"sum({rows.when(x, '0')})"}


def count_of(x: str, stem: str, rows: Rows) -> dict[str, str]:
    """The part that counts the values of ``x``."""
    return {f"n_{stem}{rows.suffix}": f"count({rows.when(x)})"}


def squares_of(x: str, stem: str, rows: Rows) -> dict[str, str]:
    """The part that sums the squares of ``x``, which the grain holds as ``x_squared``."""
    return {f"q_{stem}{rows.suffix}": f"sum({rows.when(f'{x}_squared', '0')})"}


def _moments(x: str, stem: str, rows: Rows, _: Rows) -> dict[str, str]:
    return total_of(x, stem, rows) | count_of(x, stem, rows)


AGGREGATES = (
    Aggregate("sum", "total", lambda x, stem, rows, _: total_of(x, stem, rows), lambda s, r, _: f"s_{s}{r.suffix}"),
    Aggregate("mean", "average", _moments, lambda s, r, _: ratio(f"s_{s}{r.suffix}", f"n_{s}{r.suffix}")),
    Aggregate(
        "min", "lowest",
        lambda x, stem, rows, _: {f"lo_{stem}{rows.suffix}": f"min({rows.when(x)})"},
        lambda s, r, _: f"lo_{s}{r.suffix}",
    ),
    Aggregate(
        "max", "highest",
        lambda x, stem, rows, _: {f"hi_{stem}{rows.suffix}": f"max({rows.when(x)})"},
        lambda s, r, _: f"hi_{s}{r.suffix}",
    ),
    Aggregate(
        "std", "standard deviation of the",
        lambda x, stem, rows, window: _moments(x, stem, rows, window) | squares_of(x, stem, rows),
        lambda s, r, _: spread(f"n_{s}{r.suffix}", f"s_{s}{r.suffix}", f"q_{s}{r.suffix}"),
    ),
    Aggregate(
        "share", "share of the total",
        lambda x, stem, rows, window: total_of(x, stem, rows) | total_of(x, stem, window),
        lambda s, r, w: ratio(f"s_{s}{r.suffix}", f"s_{s}{w.suffix}"),
    ),
)  # fmt: skip
