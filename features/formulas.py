"""The aggregates as SQL: exact parts, and one expression over them.

Sums, squares and products are of decimals with two digits, so they are exact, and are held to the 38 digits that every
engine has; the casts say how many are kept. So a spread of equal values is 0 on every engine and not a rounding error.
"""

#: What a child's columns are rolled up to on its parent's rows, with the words for it.
ROLLED = {"sum": "total", "min": "lowest", "max": "highest"}


def wide(x: str) -> str:
    """``x`` with room for a product: DuckDB multiplies decimals of up to 18 digits within 18 digits."""
    return f"cast({x} as decimal(19, 2))"


def squared(x: str) -> str:
    """The exact square of a decimal with two digits."""
    return f"{wide(x)} * {wide(x)}"


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
