"""The candidates of one entity: operations × columns × conditions × windows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from features import formulas
from features.candidates import Candidate, Slice, short, slug
from features.months import monthly_values, numeric_columns
from features.relational import ColumnRole, Entity, Schema, literal


def of_entity(schema: Schema, name: str, entity: Entity) -> list[Candidate]:
    """Every candidate over the rows of ``entity``, a child of the population."""
    numeric = numeric_columns(schema, name)
    maker = Maker(schema, name, entity)
    found: list[Candidate] = []
    for part in maker.slices():
        found += maker.counts(part)
        for column, role in numeric.items():
            found += maker.aggregates(column, role, part)
    found += maker.distinct()
    for column, role in numeric.items():
        found += [*maker.trends(column, role), *maker.ends(column, role), *maker.medians(column, role)]
    return [*found, *maker.months(numeric)]


class Maker:
    """Makes the candidates of one entity."""

    def __init__(self, schema: Schema, name: str, entity: Entity) -> None:
        self._schema, self._name, self._entity = schema, name, entity
        self._before = f" before the {schema.event}" if entity.time else ""

    def slices(self) -> Iterator[Slice]:
        """Every condition in every window, the unconditioned ones first."""
        for condition in self._conditions():
            yield from self._windows(condition, self._schema.windows_days)

    def _windows(self, condition: Slice, windows_days: Sequence[int]) -> Iterator[Slice]:
        yield replace(condition, words=condition.words + self._before)
        if self._entity.time:
            for days in windows_days:
                yield condition.within(days, self._schema.event)

    def _conditions(self) -> Iterator[Slice]:
        yield Slice()
        for column, role in self._entity.columns.items():
            if role.role == "category":
                for value in role.values:
                    words = f" ({value.replace('_', ' ')})"
                    yield Slice(f"_{slug(value)}", words, f"{column} = {literal(value)}", conditioned=True)
            elif role.role == "level":
                words = f" ({role.means} below zero)"
                yield Slice(f"_{short(column, role)}_below_zero", words, f"{column} < 0", conditioned=True)

    def _candidate(
        self, name: str, sentence: str, unit: str, sql: str, parts: dict[str, str], *columns: str
    ) -> Candidate:
        return Candidate(
            name=f"{self._entity.prefix}_{name}",
            sentence=sentence,
            unit=unit,
            known=self._entity.known,
            sql=sql,
            columns=tuple(f"{self._name}.{column}" for column in columns),
            grain=f"{self._name}_rows",
            parts=parts,
        )

    def counts(self, part: Slice) -> Iterator[Candidate]:
        """How many rows, which share of all, and how long ago the last."""
        noun, key = self._entity.noun, self._entity.key
        count = {f"n{part.suffix}": f"sum({part.when('1', '0')})"}
        words = f"number of {noun}s{part.words}"
        yield self._candidate(f"count{part.suffix}", words, "", f"n{part.suffix}", count, key)
        if part.conditioned:
            whole = self._window_of(part)
            both = count | {f"n{whole.suffix}": f"sum({whole.when('1', '0')})"}
            share = formulas.ratio(f"n{part.suffix}", f"n{whole.suffix}")
            yield self._candidate(f"count_share{part.suffix}", f"share of {noun}s{part.words}", "", share, both, key)
        if self._entity.time and part.window_days is None:
            last = {f"d{part.suffix}": f"min({part.when('days_before')})"}
            words = f"days since the last {noun}{part.words}"
            name = f"days_since_last{part.suffix}"
            yield self._candidate(name, words, "days", f"d{part.suffix}", last, self._entity.time)

    def _window_of(self, part: Slice) -> Slice:
        return Slice().within(part.window_days, self._schema.event) if part.window_days else Slice()

    def aggregates(self, column: str, role: ColumnRole, part: Slice) -> Iterator[Candidate]:
        """Sum, mean, least, most, spread and share of one column."""
        if part.conditioned and (role.role == "level" or role.signed):
            return  # a balance after a card payment says little that the balance does not
        stem, x = short(column, role), column
        for operation in formulas.AGGREGATES:
            if operation.name == "sum" and role.role == "level":
                continue
            if operation.name == "share" and not part.conditioned:
                continue
            parts = operation.parts(x, stem, part, self._window_of(part))
            found = self._candidate(
                f"{stem}_{operation.name}{part.suffix}",
                f"{operation.words} {role.means}{self._of(role)}{part.words}",
                "" if operation.name == "share" else role.unit,
                operation.sql(stem, part, self._window_of(part)),
                parts,
                column,
            )
            yield _scalable(found) if not part.conditioned else found

    def _of(self, role: ColumnRole) -> str:
        return "" if role.role == "level" else f" of {self._entity.noun}s"

    def distinct(self) -> Iterator[Candidate]:
        """How many values of each category, and how many days with a row."""
        columns = [column for column, role in self._entity.columns.items() if role.role == "category"]
        if self._entity.time:
            columns.append(self._entity.time)
        for part in self._windows(Slice(), self._schema.few_windows_days):
            for column in columns:
                parts = {f"u_{column}{part.suffix}": f"count(distinct {part.when(column)})"}
                words = f"number of different values of {column.replace('_', ' ')} of {self._entity.noun}s{part.words}"
                yield self._candidate(f"{column}_distinct{part.suffix}", words, "", next(iter(parts)), parts, column)

    def trends(self, column: str, role: ColumnRole) -> Iterator[Candidate]:
        """Change per day, as the least-squares line through all rows of a window has it."""
        stem, x = short(column, role), column
        if not self._entity.time:
            return
        for part in self._windows(Slice(), self._schema.windows_days):
            parts = formulas.total_of(x, stem, part) | formulas.count_of(x, stem, part)
            for alias, value in {"t": "days_before", "tt": "days_before * days_before", "tx": f"{column}_days"}.items():
                parts |= {f"{alias}_{stem}{part.suffix}": f"sum({part.when(value, '0')})"}
            sql = formulas.slope(*(f"{alias}_{stem}{part.suffix}" for alias in ("n", "t", "tt", "s", "tx")))
            words = f"change per day of the {role.means}{self._of(role)}{part.words}"
            unit = f"{role.unit} a day".strip()
            yield self._candidate(f"{stem}_trend{part.suffix}", words, unit, sql, parts, column, str(self._entity.time))

    def ends(self, column: str, role: ColumnRole) -> Iterator[Candidate]:
        """The first and the last day's value: the average of that day, because rows within a day carry no order."""
        if not self._entity.time:
            return
        stem, x = short(column, role), column
        for operation in ("first", "last"):
            day = Slice(f"_{operation}", predicate=f"days_before = {operation}_day")
            parts = formulas.total_of(x, stem, day) | formulas.count_of(x, stem, day)
            sql = formulas.ratio(f"s_{stem}{day.suffix}", f"n_{stem}{day.suffix}")
            words = f"average {role.means}{self._of(role)} on the {operation} day with any{self._before}"
            found = self._candidate(f"{stem}_{operation}_day", words, role.unit, sql, parts, column, self._entity.time)
            yield _scalable(found)

    def medians(self, column: str, role: ColumnRole) -> Iterator[Candidate]:
        """The middle value, or the mean of the two, of a window's rows ranked by value."""
        stem = short(column, role)
        for part in self._windows(Slice(), self._schema.few_windows_days):
            middle = "position in ((size + 1) div 2, (size + 2) div 2)"
            alias = f"m_{stem}{part.suffix}"
            parts = {
                alias: f"sum(case when {middle} then value end)",
                f"c{alias}": f"sum(case when {middle} then 1 end)",
            }
            words = f"median {role.means}{self._of(role)}{part.words}"
            name = f"{stem}_median{part.suffix}"
            found = self._candidate(name, words, role.unit, formulas.ratio(alias, f"c{alias}"), parts, column)
            yield _scalable(replace(found, grain=f"{self._name}_ranked_{column}{part.suffix}"))

    def months(self, numeric: dict[str, ColumnRole]) -> Iterator[Candidate]:
        """Aggregates of monthly aggregates, over the months with a row."""
        if not self._entity.time:
            return
        for value in monthly_values(self._schema, self._name, numeric):
            for days in (*(days for days in self._schema.windows_days if days >= 3 * self._schema.month_days), None):
                months = (
                    Slice() if days is None else Slice(f"_{days}d", "", f"month < {days // self._schema.month_days}")
                )
                before = self._before if days is None else f" in the {days} days before the {self._schema.event}"
                for operation in formulas.AGGREGATES:
                    if operation.name not in {"mean", "min", "max", "std"}:
                        continue
                    found = self._candidate(
                        f"month_{value.name}_{operation.name}{months.suffix}",
                        f"{operation.words} monthly {value.words}{before}",
                        value.unit,
                        operation.sql(value.name, months, months),
                        operation.parts(value.name, value.name, months, months),
                        *value.columns,
                    )
                    yield _scalable(replace(found, grain=f"{self._name}_months"))


def _scalable(candidate: Candidate) -> Candidate:
    return replace(candidate, scalable=True)
