"""What is known of each span of days before the cutoff, and of an entity's numbers, its children's included."""

from collections.abc import Iterator
from dataclasses import dataclass

from features import formulas
from features.candidates import ALL, Condition, short, slug
from features.relational import ColumnRole, Schema, literal


def numeric_columns(schema: Schema, name: str) -> dict[str, ColumnRole]:
    """The numbers of an entity: its own, and the sums and counts that its children are rolled up to."""
    own = {column: role for column, role in schema.entities[name].columns.items() if role.role in {"amount", "level"}}
    rolled = {}
    for child_name, child in schema.children(name).items():
        if child.known == "undated":
            continue
        rolled[f"{child.prefix}_count"] = ColumnRole(role="amount", means=f"number of {child.noun}s")
        for column, role in numeric_columns(schema, child_name).items():
            for operation, words in formulas.ROLLED.items():
                means = f"{words} {role.means} of {child.noun}s"
                rolled[f"{child.prefix}_{short(column, role)}_{operation}"] = role.model_copy(update={"means": means})
    return own | rolled


@dataclass(frozen=True)
class MonthlyValue:
    """One aggregate of an entity's rows per month before the cutoff."""

    name: str
    words: str
    unit: str
    sql: str
    columns: tuple[str, ...]


def monthly_values(schema: Schema, name: str, numeric: dict[str, ColumnRole]) -> Iterator[MonthlyValue]:
    """Of each month: rows, sums (also by the values of ``monthly`` categories), lowest and highest levels."""
    entity = schema.entities[name]
    yield MonthlyValue("count", f"number of {entity.noun}s", "", "count(*)", (entity.key,))
    split = [ALL]
    for column, role in entity.columns.items():
        if role.monthly:
            split += [Condition(slug(v), f" ({v.replace('_', ' ')})", f"{column} = {literal(v)}") for v in role.values]
    for column, role in numeric.items():
        x, stem = column, short(column, role)
        if role.role == "level":
            for operation, words in (("min", "lowest"), ("max", "highest")):
                yield MonthlyValue(
                    f"{stem}_{operation}", f"{words} {role.means}", role.unit, f"{operation}({x})", (column,)
                )
            continue
        for part in split[:1] if role.signed else split:
            chosen = f"case when {part.predicate} then {x} else 0 end" if part.predicate else x
            total = f"cast(sum({chosen}) as decimal(14, 2))"
            words = f"total {role.means} of {entity.noun}s{part.words}"
            yield MonthlyValue(f"{stem}_sum{part.suffix}", words, role.unit, total, (column,))
