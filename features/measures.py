"""The cubes of an entity: which aggregates of which columns, under which conditions, over which windows."""

from collections.abc import Iterator, Sequence
from typing import Any

from features import formulas
from features.candidates import Condition, Window, short, slug
from features.cubes import Cube, Measure, Part
from features.months import monthly_values, numeric_columns
from features.relational import ColumnRole, Entity, Schema, literal, meeting
from features.rows import ENDS, categories_of, monthly, ranked, rows, spread_over
from features.scales import with_scales


def cubes_of(schema: Schema, name: str) -> Iterator[Cube]:
    """Every cube over the rows of the entity ``name``, a child of the population."""
    entity = schema.entities[name]
    makers = [_of_rows, _of_conditions, _of_distinct_values]
    if entity.time:
        makers += [_of_months, _of_medians]
    for maker in makers:
        for cube in maker(schema, name, entity):
            yield with_scales(schema, cube) if maker in _SCALED else cube


def windows_of(days: Sequence[int], entity: Entity) -> tuple[Window, ...]:
    """The windows of ``days`` from the shortest on, and all of time."""
    chosen = [*sorted(days), 0] if entity.time else [0]
    return tuple(Window(span, days) for span, days in enumerate(chosen, start=1))


def span_of(windows: Sequence[Window], counted: str = "days_before", unit_days: int = 1) -> str:
    """The number of the shortest window that holds a row which lies ``counted`` units of ``unit_days`` back."""
    cases = " ".join(f"when {counted} <= {w.days // unit_days} then {w.span}" for w in windows if w.days)
    return f"case {cases} else {windows[-1].span} end" if cases else "1"


def conditions_of(entity: Entity) -> Iterator[Condition]:
    """Each value of each category, each level below zero, each declared condition."""
    for column, role in entity.columns.items():
        if role.role == "category":
            for value in role.values:
                yield Condition(slug(value), f" ({_said(value)})", f"{column} = {literal(value)}")
        elif role.role == "level":
            below = f"{short(column, role)}_below_zero"
            yield Condition(below, f" ({role.means} below zero)", f"{below} = 1")
    for group, chosen in entity.conditions.items():
        yield Condition(group, f" ({chosen.means})", meeting(chosen.where))


def _said(value: str) -> str:
    return value.replace("_", " ")


def _cube(schema: Schema, name: str, entity: Entity, suffix: str, **given: Any) -> Cube:
    return Cube(
        name=f"{name}_{suffix}",
        entity=name,
        present=f"{name}_present",
        prefix=entity.prefix,
        known=entity.known,
        event=schema.event,
        before=f" before the {schema.event}" if entity.time else "",
        **given,
    )


def _of_rows(schema: Schema, name: str, entity: Entity) -> Iterator[Cube]:
    """Of all rows: every operation."""
    windows = windows_of(schema.windows_days, entity)
    parts = _count_parts(entity)
    if entity.time:
        parts |= {"t": Part("sum(days_before)"), "tt": Part("sum(days_before * days_before)")}
    measures = list(_counts(name, entity))
    for column, role in numeric_columns(schema, name).items():
        parts |= _parts(column, short(column, role))
        measures += _of_column(name, entity, column, role)
        if entity.time:
            parts |= _parts_in_time(column, short(column, role))
            measures += _in_time(name, entity, column, role)
    yield _cube(
        schema, name, entity, "all",
        relations=rows(schema, name), span=span_of(windows), parts=parts, measures=tuple(measures), windows=windows,
    )  # fmt: skip


def _of_conditions(schema: Schema, name: str, entity: Entity) -> Iterator[Cube]:
    """Of the rows that meet a condition: counts, amounts and the level then; a signed amount parts already."""
    windows = windows_of(schema.windows_days, entity)
    key = (f"{name}.{entity.key}",)
    parts = _count_parts(entity)
    share = Measure("count_share", "share", f"share of {entity.noun}s…", "", formulas.ratio("n", "all_n"), key)
    measures = [*_counts(name, entity), share]
    for column, role in numeric_columns(schema, name).items():
        if not role.signed:
            parts |= _parts(column, short(column, role))
            measures += _of_column(name, entity, column, role)
        if not role.signed and role.role == "amount":
            measures.append(_share(name, entity, column, role))
    if conditions := tuple(conditions_of(entity)):
        yield _cube(
            schema, name, entity, "conditions",
            relations=rows(schema, name), span=span_of(windows), categories=tuple(categories_of(entity)),
            parts=parts, measures=tuple(measures), windows=windows, conditions=conditions,
        )  # fmt: skip


def _count_parts(entity: Entity) -> dict[str, Part]:
    days = {"d_last": Part("min(days_before)", "min"), "d_first": Part("max(days_before)", "max")}
    return {"n": Part("count(*)")} | (days if entity.time else {})


def _counts(name: str, entity: Entity) -> Iterator[Measure]:
    """How many rows, and how long ago the last and the first."""
    yield Measure("count", "count", f"number of {entity.noun}s…", "", "n", (f"{name}.{entity.key}",))
    if entity.time:
        time = (f"{name}.{entity.time}",)
        for end in ("last", "first"):
            words = f"days since the {end} {entity.noun}…"
            yield Measure(f"days_since_{end}", "days_since", words, "days", f"d_{end}", time, windows=False)


def _parts(column: str, stem: str) -> dict[str, Part]:
    return {
        f"s_{stem}": Part(f"sum({column})"),
        f"n_{stem}": Part(f"count({column})"),
        f"q_{stem}": Part(f"sum({column}_squared)"),
        f"lo_{stem}": Part(f"min({column})", "min"),
        f"hi_{stem}": Part(f"max({column})", "max"),
    }


def _parts_in_time(column: str, stem: str) -> dict[str, Part]:
    parts = {f"x_{stem}": Part(f"sum({column}_days)")}
    for end in ENDS:
        on_that_day = f"case when days_before = {end}_day then {column} end"
        parts |= {f"s{end}_{stem}": Part(f"sum({on_that_day})"), f"n{end}_{stem}": Part(f"count({on_that_day})")}
    return parts


def _of_column(name: str, entity: Entity, column: str, role: ColumnRole) -> Iterator[Measure]:
    """Sum, mean, least, most and spread."""
    stem = short(column, role)
    for operation, words, sql in _operations(stem):
        if operation != "sum" or role.role != "level":
            words = f"{words} {_means(entity, role)}…"
            yield Measure(f"{stem}_{operation}", operation, words, role.unit, sql, (f"{name}.{column}",))


def _share(name: str, entity: Entity, column: str, role: ColumnRole) -> Measure:
    stem = short(column, role)
    sql = formulas.ratio(f"s_{stem}", f"all_s_{stem}")
    return Measure(
        f"{stem}_share", "share", f"share of the total {_means(entity, role)}…", "", sql, (f"{name}.{column}",)
    )


def _means(entity: Entity, role: ColumnRole) -> str:
    return f"{role.means} {'after' if role.role == 'level' else 'of'} {entity.noun}s"


def _operations(stem: str) -> tuple[tuple[str, str, str], ...]:
    count, total, squares = f"n_{stem}", f"s_{stem}", f"q_{stem}"
    return (
        ("sum", "total", total),
        ("mean", "average", formulas.ratio(total, count)),
        ("min", "lowest", f"lo_{stem}"),
        ("max", "highest", f"hi_{stem}"),
        ("std", "standard deviation of the", formulas.spread(count, total, squares)),
    )


def _in_time(name: str, entity: Entity, column: str, role: ColumnRole) -> Iterator[Measure]:
    """Change per day as the least-squares line has it, and the averages of the first and the last day with a row."""
    stem = short(column, role)
    means = _means(entity, role)
    sources = (f"{name}.{column}", f"{name}.{entity.time}")
    trend = formulas.slope(f"n_{stem}", "t", "tt", f"s_{stem}", f"x_{stem}")
    unit = f"{role.unit} a day".strip()
    yield Measure(f"{stem}_trend", "trend", f"change per day of the {means}…", unit, trend, sources)
    for end in ENDS:
        yield Measure(
            f"{stem}_{end}_day", f"{end}_day", f"average {means} on the {end} day with any…", role.unit,
            formulas.ratio(f"s{end}_{stem}", f"n{end}_{stem}"), sources, windows=False,
        )  # fmt: skip


def _of_distinct_values(schema: Schema, name: str, entity: Entity) -> Iterator[Cube]:
    """How many values of each category, and on how many days."""
    windows = windows_of(schema.few_windows_days, entity)
    columns = [column for column, role in entity.columns.items() if role.role == "category"]
    columns += [entity.time] if entity.time else []
    if not columns:
        return
    yield _cube(
        schema, name, entity, "distinct",
        relations=rows(schema, name) | spread_over(name, windows, span_of(windows)),
        span="window_span", cumulative=False, windows=windows,
        parts={f"u_{column}": Part(f"count(distinct {column})", "max") for column in columns},
        measures=tuple(_distinct(name, entity, column) for column in columns),
    )  # fmt: skip


def _distinct(name: str, entity: Entity, column: str) -> Measure:
    words = f"number of different values of {_said(column)} of {entity.noun}s…"
    return Measure(f"{column}_distinct", "distinct", words, "", f"coalesce(u_{column}, 0)", (f"{name}.{column}",))


def _of_months(schema: Schema, name: str, entity: Entity) -> Iterator[Cube]:
    """Aggregates of monthly aggregates, over the months with a row."""
    whole = [days for days in schema.windows_days if days >= 3 * schema.month_days]
    windows = windows_of(whole, entity)
    values = list(monthly_values(schema, name, numeric_columns(schema, name)))
    parts: dict[str, Part] = {}
    measures: list[Measure] = []
    for value in values:
        parts |= _parts(value.name, value.name)
        sources = tuple(f"{name}.{column}" for column in value.columns)
        measures += [
            Measure(
                f"month_{value.name}_{operation}", "month", f"{words} monthly {value.words}…", value.unit, sql, sources
            )
            for operation, words, sql in _operations(value.name)
            if operation != "sum"
        ]
    yield _cube(
        schema, name, entity, "months",
        relations=rows(schema, name) | monthly(schema, name, values),
        span=span_of(windows, "month + 1", schema.month_days),
        parts=parts, measures=tuple(measures), windows=windows,
    )  # fmt: skip


def _of_medians(schema: Schema, name: str, entity: Entity) -> Iterator[Cube]:
    """The middle value, or the mean of the two."""
    windows = windows_of(schema.few_windows_days, entity)
    numeric = numeric_columns(schema, name)
    parts: dict[str, Part] = {}
    measures = []
    for column, role in numeric.items():
        stem, rank, size = short(column, role), f"{column}_rank", f"{column}_size"
        middle = f"case when {rank} in (({size} + 1) div 2, ({size} + 2) div 2) then {column} end"
        parts |= {f"s_{stem}": Part(f"sum({middle})"), f"n_{stem}": Part(f"count({middle})")}
        median = formulas.ratio(f"s_{stem}", f"n_{stem}")
        words = f"median {_means(entity, role)}…"
        measures.append(Measure(f"{stem}_median", "median", words, role.unit, median, (f"{name}.{column}",)))
    if numeric:
        yield _cube(
            schema, name, entity, "medians",
            relations=rows(schema, name) | ranked(name, list(numeric), windows, span_of(windows)),
            span="window_span", cumulative=False, windows=windows, parts=parts, measures=tuple(measures),
        )  # fmt: skip


#: What is made of months and medians is not divided again.
_SCALED = (_of_rows, _of_conditions)
