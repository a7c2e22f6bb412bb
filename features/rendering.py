"""Candidates as one statement in the MariaDB dialect, one scan for each grain.

``<entity>_rows``     the rows of a child of the population before the cutoff, with days_before, its children summed up
``<entity>_months``   those rows by span of days before the cutoff
``<entity>_ranked_…`` those rows of a window ranked by one column, for medians
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features import formulas
from features.candidates import Candidate, short
from features.months import monthly_values, numeric_columns
from features.relational import Entity, Schema, parent_of

_ENDS = (("first", "max"), ("last", "min"))


@dataclass(frozen=True)
class Query:
    """A statement in steps: named relations, each over those before it, and the select that joins them."""

    relations: dict[str, str]
    select: str

    def __str__(self) -> str:
        named = ",\n".join(f"{name} as (\n{select}\n)" for name, select in self.relations.items())
        return f"with {named}\n{self.select}" if named else self.select


def query(schema: Schema, wanted: Sequence[Candidate], identity: Sequence[str] = ()) -> Query:
    """One row for each row of the population: its key, the columns ``identity``, and the candidates, in that order."""
    key = schema.entities[schema.population].key
    grains = list(dict.fromkeys(candidate.grain for candidate in wanted if candidate.grain))
    relations = dict(_relations(schema, grains)) | {f"by_{grain}": _aggregated(grain, wanted) for grain in grains}
    columns = [f"population.{name}" for name in (key, *identity)]
    columns += [f"{_qualified(candidate)} as {candidate.name}" for candidate in wanted]
    joins = [f"left join by_{grain} on by_{grain}.entity_key = population.{key}" for grain in grains]
    selected = ",\n    ".join(columns)
    source = f"from {schema.population} as population"
    return Query(relations, "\n".join([f"select\n    {selected}", source, *joins, f"order by population.{key}"]))


def _qualified(candidate: Candidate) -> str:
    """The candidate's expression with its parts named by the relation they come from."""
    if not candidate.parts:
        return candidate.sql
    names = "|".join(sorted(map(re.escape, candidate.parts), key=len, reverse=True))
    return re.sub(rf"(?<![\w.])({names})(?!\w)", rf"by_{candidate.grain}.\1", candidate.sql)


def _aggregated(grain: str, wanted: Sequence[Candidate]) -> str:
    parts: dict[str, str] = {}
    for candidate in wanted:
        if candidate.grain == grain:
            parts |= candidate.parts
    listed = ",\n    ".join(f"{sql} as {alias}" for alias, sql in parts.items())
    return f"select\n    entity_key,\n    {listed}\nfrom {grain}\ngroup by entity_key"


def _relations(schema: Schema, grains: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name, entity in schema.children(schema.population).items():
        of_entity = [grain for grain in grains if grain.startswith(f"{name}_")]
        if not of_entity:
            continue
        yield from _rows(schema, name, entity)
        if f"{name}_months" in of_entity:
            yield from _months(schema, name)
        yield from ((grain, _ranked(name, grain)) for grain in of_entity if grain.startswith(f"{name}_ranked_"))


def _rows(schema: Schema, name: str, entity: Entity) -> Iterator[tuple[str, str]]:
    rolled = []
    for child_name, child in schema.children(name).items():
        if child.known != "undated":
            yield from _rolled(schema, [name], child_name)
            rolled.append(child_name)
    columns = [f"{name}.{column}" for column in (entity.key, *entity.columns)]
    if entity.time:
        columns += [f"{name}.{entity.time}", _days_before(schema, f"{name}.{entity.time}")]
    for child_name in rolled:
        columns += [f"{child_name}_rolled.{column}" for column in _rolled_columns(schema, child_name)]
    joins = [_to_parent(schema, name)]
    joins += [
        f"left join {child}_rolled on {child}_rolled.entity_key = population.{_key(schema, schema.population)}"
        f" and {child}_rolled.parent_key = {name}.{_key(schema, name)}"
        for child in rolled
    ]
    plain = (
        f"select population.{_key(schema, schema.population)} as entity_key, {', '.join(columns)}"
        f" from {schema.population} as population {' '.join(joins)}"
    )
    yield f"{name}_history", plain
    numbers = list(numeric_columns(schema, name))
    derived = [f"{_squared(column)} as {column}_squared" for column in numbers]
    if entity.time:
        derived += [f"days_before * {formulas.wide(column)} as {column}_days" for column in numbers]
        derived += [f"{day}_day" for day, _ in _ENDS]
        ends = ", ".join(f"{function}(days_before) as {day}_day" for day, function in _ENDS)
        yield f"{name}_ends", f"select entity_key, {ends} from {name}_history group by entity_key"
    joined = f" inner join {name}_ends on {name}_ends.entity_key = {name}_history.entity_key" if entity.time else ""
    yield f"{name}_rows", f"select {name}_history.*, {', '.join(derived)} from {name}_history{joined}"


def _rolled(schema: Schema, above: list[str], name: str) -> Iterator[tuple[str, str]]:
    """The rows of ``name`` summed up for each row of its parent, for each row of the population they are seen from."""
    deeper = [child for child, entity in schema.children(name).items() if entity.known != "undated"]
    for child in deeper:
        yield from _rolled(schema, [*above, name], child)
    entity, parent = schema.entities[name], above[-1]
    aggregates = ["count(*) as " + f"{entity.prefix}_count"]
    for column, role in numeric_columns(schema, name).items():
        owner = next((f"{child}_rolled" for child in deeper if column in _rolled_columns(schema, child)), name)
        aggregates += [
            f"{operation}({owner}.{column}) as {entity.prefix}_{short(column, role)}_{operation}"
            for operation in formulas.ROLLED
        ]
    joins = [_to_parent(schema, step) for step in [*above, name]]
    joins += [
        f"left join {child}_rolled on {child}_rolled.entity_key = population.{_key(schema, schema.population)}"
        f" and {child}_rolled.parent_key = {name}.{_key(schema, name)}"
        for child in deeper
    ]
    population = f"population.{_key(schema, schema.population)}"
    yield (
        f"{name}_rolled",
        f"select {population} as entity_key, {parent}.{_key(schema, parent)} as parent_key, {', '.join(aggregates)}"
        f" from {schema.population} as population {' '.join(joins)}"
        f" group by {population}, {parent}.{_key(schema, parent)}",
    )


def _rolled_columns(schema: Schema, name: str) -> list[str]:
    entity = schema.entities[name]
    stems = [short(column, role) for column, role in numeric_columns(schema, name).items()]
    return [f"{entity.prefix}_count", *(f"{entity.prefix}_{s}_{op}" for s in stems for op in formulas.ROLLED)]


def _to_parent(schema: Schema, name: str) -> str:
    """Join ``name`` to its parent, rows strictly before the cutoff only."""
    entity = schema.entities[name]
    parent = parent_of(entity)
    above = "population" if parent.entity == schema.population else parent.entity
    joined = f"inner join {name} on {name}.{parent.column} = {above}.{_key(schema, parent.entity)}"
    dated = f" and {name}.{entity.time} < population.{schema.cutoff}" if entity.time else ""
    return joined + dated


def _months(schema: Schema, name: str) -> Iterator[tuple[str, str]]:
    span = f"(days_before - 1) div {schema.month_days}"
    monthly = list(monthly_values(schema, name, numeric_columns(schema, name)))
    values = ", ".join(f"{value.sql} as {value.name}" for value in monthly)
    squares = ", ".join(f"{_squared(value.name)} as {value.name}_squared" for value in monthly)
    yield (
        f"{name}_monthly",
        f"select entity_key, {span} as month, {values} from {name}_rows group by entity_key, {span}",
    )
    yield f"{name}_months", f"select {name}_monthly.*, {squares} from {name}_monthly"


def _squared(column: str) -> str:
    return f"{formulas.wide(column)} * {formulas.wide(column)}"


def _ranked(name: str, grain: str) -> str:
    rest = grain.removeprefix(f"{name}_ranked_")
    window = re.search(r"_(\d+)d$", rest)
    column = rest[: window.start()] if window else rest
    where = f" where days_before <= {window.group(1)}" if window else ""
    return (
        f"select entity_key, {column} as value,"
        f" row_number() over (partition by entity_key order by {column}) as position,"
        f" count(*) over (partition by entity_key) as size from {name}_rows{where}"
    )


def _days_before(schema: Schema, time: str) -> str:
    return f"datediff(population.{schema.cutoff}, {time}) as days_before"


def _key(schema: Schema, name: str) -> str:
    return schema.entities[name].key
