"""Checks: the promises that the marts make. Each file in sql/checks selects the rows that break one."""

from payoff import schema
from payoff.errors import CheckFailed
from payoff.warehouse import Warehouse

_SHOWN = 3


def check(warehouse: Warehouse) -> int:
    """Run every check; returns how many promises were kept.

    Raises
    ------
    CheckFailed
        Names every broken promise with its first offending rows.
    """
    broken = [problem for name in schema.checks() if (problem := _problem(warehouse, name))]
    if broken:
        advice = "The warehouse that was in use stays in use. Mend the source, or the SQL that the file names."
        raise CheckFailed("\n".join([*broken, advice]))
    return len(schema.checks())


def _problem(warehouse: Warehouse, name: str) -> str:
    offending = warehouse.query(schema.select_text("checks", name))
    if offending.num_rows == 0:
        return ""
    shown = "; ".join(str(row) for row in offending.slice(0, _SHOWN).to_pylist())
    return f"sql/checks/{name}.sql: {offending.num_rows:,} rows break it, among them {shown}"
