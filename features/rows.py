"""The rows of an entity that lie before the cutoff, as relations in the MariaDB dialect.

``<entity>_history``  its rows strictly before the cutoff, with days_before, and its children rolled up
``<entity>_rows``     those with squares and products of its numbers
``<entity>_present``  the keys of the population that have any
``<entity>_monthly``  the rows by span of days before the cutoff
``<entity>_spread``   the rows once for each window that they lie in
``<entity>_ranked``   those ranked by each column, for medians
"""

from collections.abc import Iterator, Sequence

from features import formulas
from features.candidates import Window, short
from features.months import MonthlyValue, numeric_columns
from features.relational import Entity, Schema, parent_of

ENDS = {"first": "max", "last": "min"}


def rows(schema: Schema, name: str) -> dict[str, str]:
    """The relations up to ``<entity>_rows`` and ``<entity>_present``."""
    return dict(_rows(schema, name, schema.entities[name]))


def _rows(schema: Schema, name: str, entity: Entity) -> Iterator[tuple[str, str]]:
    children = [child for child, of in schema.children(name).items() if of.known != "undated"]
    for child in children:
        yield from _rolled(schema, [name], child)
    columns = [f"{name}.{column}" for column in (entity.key, *entity.columns)]
    if entity.time:
        columns += [
            f"{name}.{entity.time}",
            f"datediff(population.{schema.cutoff}, {name}.{entity.time}) as days_before",
        ]
    columns += [f"{child}_rolled.{column}" for child in children for column in _rolled_columns(schema, child)]
    joins = [_to_parent(schema, name), *(_to_rolled(schema, name, child) for child in children)]
    yield (
        f"{name}_history",
        f"select {_population_key(schema)} as entity_key, {', '.join(columns)}"
        f" from {schema.population} as population {' '.join(joins)}",
    )
    yield f"{name}_present", f"select distinct entity_key from {name}_history"
    joined = ""
    derived = [f"{formulas.squared(column)} as {column}_squared" for column in numeric_columns(schema, name)]
    derived += [f"{sql} as {column}" for column, sql in categories_of(entity).items() if sql != column]
    if entity.time:
        derived += [
            f"days_before * {formulas.wide(column)} as {column}_days" for column in numeric_columns(schema, name)
        ]
        derived += [f"{day}_day" for day in ENDS]
        ends = ", ".join(f"{function}(days_before) as {day}_day" for day, function in ENDS.items())
        grouped = f"select entity_key as ends_key, {ends} from {name}_history group by entity_key"
        joined = f" inner join ({grouped}) ends on ends_key = entity_key"
    yield f"{name}_rows", f"select {', '.join([f'{name}_history.*', *derived])} from {name}_history{joined}"


def categories_of(entity: Entity) -> dict[str, str]:
    """What conditions read, by column: each category, and whether each level is below zero."""
    found = {}
    for column, role in entity.columns.items():
        if role.role == "category":
            found[column] = column
        elif role.role == "level":
            found[f"{short(column, role)}_below_zero"] = f"case when {column} < 0 then 1 else 0 end"
    return found


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
    joins = [*(_to_parent(schema, step) for step in [*above, name]), *(_to_rolled(schema, name, d) for d in deeper)]
    keys = f"{_population_key(schema)}, {parent}.{_key(schema, parent)}"
    yield (
        f"{name}_rolled",
        f"select {_population_key(schema)} as entity_key, {parent}.{_key(schema, parent)} as parent_key,"
        f" {', '.join(aggregates)} from {schema.population} as population {' '.join(joins)} group by {keys}",
    )


def _rolled_columns(schema: Schema, name: str) -> list[str]:
    entity = schema.entities[name]
    stems = [short(column, role) for column, role in numeric_columns(schema, name).items()]
    return [f"{entity.prefix}_count", *(f"{entity.prefix}_{s}_{op}" for s in stems for op in formulas.ROLLED)]


def _to_rolled(schema: Schema, name: str, child: str) -> str:
    return (
        f"left join {child}_rolled on {child}_rolled.entity_key = {_population_key(schema)}"
        f" and {child}_rolled.parent_key = {name}.{_key(schema, name)}"
    )


def _to_parent(schema: Schema, name: str) -> str:
    """Join ``name`` to its parent, rows strictly before the cutoff only."""
    entity = schema.entities[name]
    parent = parent_of(entity)
    above = "population" if parent.entity == schema.population else parent.entity
    joined = f"inner join {name} on {name}.{parent.column} = {above}.{_key(schema, parent.entity)}"
    dated = f" and {name}.{entity.time} < population.{schema.cutoff}" if entity.time else ""
    return joined + dated


def monthly(schema: Schema, name: str, values: Sequence[MonthlyValue]) -> dict[str, str]:
    """The rows summed up by span of ``month_days`` days before the cutoff."""
    month = f"(days_before - 1) div {schema.month_days}"
    columns = ", ".join(f"{value.sql} as {value.name}" for value in values)
    grouped = f"select entity_key, {month} as month, {columns} from {name}_rows group by entity_key, {month}"
    squares = ", ".join(f"{formulas.squared(value.name)} as {value.name}_squared" for value in values)
    return {
        f"{name}_by_month": grouped,
        f"{name}_monthly": f"select {name}_by_month.*, {squares} from {name}_by_month",
    }


def ranked(name: str, columns: Sequence[str], windows: Sequence[Window], span: str) -> dict[str, str]:
    """The rows of each window with their rank by each column, missing values last."""
    within = "over (partition by entity_key, window_span"
    ranks = "".join(
        f", {column}, row_number() {within} order by case when {column} is null then 1 else 0 end, {column})"
        f" as {column}_rank, count({column}) {within}) as {column}_size"
        for column in columns
    )
    return {
        **spread_over(name, windows, span),
        f"{name}_ranked": f"select entity_key, window_span{ranks} from {name}_spread",
    }


def spread_over(name: str, windows: Sequence[Window], span: str) -> dict[str, str]:
    """The rows once for each window that they lie in."""
    upto = " union all ".join(f"select {window.span} as window_span" for window in windows)
    return {
        f"{name}_spread": f"select {name}_rows.*, window_span from {name}_rows inner join ({upto}) windows"
        f" on {span} <= window_span"
    }


def _population_key(schema: Schema) -> str:
    return f"population.{_key(schema, schema.population)}"


def _key(schema: Schema, name: str) -> str:
    return schema.entities[name].key
