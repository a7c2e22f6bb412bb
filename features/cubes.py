"""A cube: aggregates of an entity's rows for each row of the population, each condition and each window.

Rows are summed up once, to cells that no condition or window parts any further; conditions then choose among the cells,
and windows add up their spans. So a hundred conditions and windows cost one scan of the rows, and the statement names
each aggregate once. All of it is in the MariaDB dialect.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from features.candidates import ALL, Candidate, Condition, Window
from features.relational import literal

Merge = Literal["sum", "min", "max"]


@dataclass(frozen=True)
class Part:
    """An exact aggregate over the rows of a cell, and how those of several cells become one."""

    sql: str
    merge: Merge = "sum"


@dataclass(frozen=True)
class Measure:
    """One column of a cube, an expression over its parts.

    Attributes
    ----------
    operation : str
        Its kind, by which training can leave whole kinds out.
    sql : str
        Over the parts; ``all_<part>`` is that of all rows of the window.
    windows : bool
        Whether windows other than all of time make sense.
    scale : str
        The scale of the population that ``sql`` is divided by, if any.
    """

    name: str
    operation: str
    words: str
    unit: str
    sql: str
    sources: tuple[str, ...]
    windows: bool = True
    scale: str = ""

    @property
    def tail(self) -> str:
        """What comes last in its name."""
        return f"_per_{self.scale}" if self.scale else ""

    @property
    def column(self) -> str:
        """Its name in the cube."""
        return self.name + self.tail


@dataclass(frozen=True)
class Cube:
    """What to aggregate, and by what.

    Attributes
    ----------
    relations : mapping of name to select
        Each over those before it; the last holds the rows, with ``entity_key``.
    span : str
        Over the columns of the rows: the number of the shortest window that a row lies in.
    categories : tuple of str
        The columns of the rows that conditions read.
    cumulative : bool
        Whether a window holds the rows of all shorter ones; if not, the rows were spread over the windows before.
    present : str
        The relation with the keys of those that have rows; for them, a sum over no rows is 0.
    scales : str
        Selects ``scale_key`` and the scales of the population.
    before, event, prefix : str
        Of the sentences and names of candidates.
    """

    name: str
    entity: str
    relations: dict[str, str]
    span: str
    parts: dict[str, Part]
    measures: tuple[Measure, ...]
    windows: tuple[Window, ...]
    present: str
    conditions: tuple[Condition, ...] = (ALL,)
    categories: tuple[str, ...] = ()
    cumulative: bool = True
    scales: str = ""
    before: str = ""
    event: str = ""
    prefix: str = ""
    known: Literal["static", "snapshot", "dated", "undated"] = "dated"

    def candidates(self) -> list[Candidate]:
        """Every measure of every condition and window that it makes sense for."""
        return [
            self._candidate(measure, condition, window)
            for condition in self.conditions
            for window in self.windows
            for measure in self.measures
            if measure.windows or not window.days
        ]

    def _candidate(self, measure: Measure, condition: Condition, window: Window) -> Candidate:
        before = f" in the {window.days} days before the {self.event}" if window.days else self.before
        return Candidate(
            name=f"{self.prefix}_{measure.name}{condition.suffix}{window.suffix}{measure.tail}",
            sentence=measure.words.replace("…", f"{condition.words}{before}"),
            unit=measure.unit,
            operation=measure.operation,
            scale=measure.scale,
            known=self.known,
            column=measure.column,
            sources=measure.sources,
            cube=self.name,
            slice=condition.slice,
            days=window.days,
        )

    def of(self, wanted: Sequence[Candidate]) -> "Cube":
        """As much of the cube as the wanted candidates need."""
        columns = {candidate.column for candidate in wanted}
        measures = tuple(measure for measure in self.measures if measure.column in columns)
        read = {word for measure in measures for word in re.findall(r"\w+", measure.sql)}
        slices = {candidate.slice for candidate in wanted}
        return replace(
            self,
            measures=measures,
            parts={alias: part for alias, part in self.parts.items() if {alias, f"all_{alias}"} & read},
            conditions=tuple(condition for condition in self.conditions if condition.slice in slices),
            windows=tuple(window for window in self.windows if window.days in {each.days for each in wanted}),
        )

    def _shares(self, measures: Sequence[Measure]) -> list[str]:
        """The parts that a measure wants of all rows of the window."""
        text = " ".join(measure.sql for measure in measures)
        return [alias for alias in self.parts if re.search(rf"\ball_{alias}\b", text)]

    def steps(self) -> dict[str, str]:
        """Every relation on the way to the cube, the last with the merged parts, which :meth:`select` reads."""
        steps = dict(self.relations) | {f"{self.name}_cells": self._cells(), f"{self.name}_slices": self._slices()}
        steps[f"{self.name}_windows"] = self._windowed()
        steps[self.name] = self._with_totals()
        return steps

    def _with_totals(self) -> str:
        windows = f"{self.name}_windows"
        shares = self._shares(self.measures)
        if not shares:
            return f"select {windows}.* from {windows}"
        # Grouped, although there is one row a group: MariaDB keys a grouped subquery, and reads any other row by row.
        totals = ", ".join(f"max({alias}) as all_{alias}" for alias in shares)
        return (
            f"select {windows}.*, {', '.join(f'all_{alias}' for alias in shares)} from {windows}"
            f" inner join (select entity_key as whole_key, days as whole_days, {totals} from {windows}"
            f" where slice = {literal(ALL.slice)} group by entity_key, days) whole"
            f" on whole_key = entity_key and whole_days = days"
        )

    def select(self) -> str:
        """``entity_key``, ``slice``, ``days`` (of the window, 0 for all of time), and the measures as double."""
        plain = {measure.name: measure.sql for measure in self.measures}
        scales = sorted({f"scale_{measure.scale}" for measure in self.measures if measure.scale})
        source = f"{self.name} inner join ({self.scales}) scales on scale_key = entity_key" if scales else self.name
        keys = ["entity_key", "slice", "days"]
        inner = ", ".join([*keys, *scales, *(f"{_as_double(sql)} as {name}" for name, sql in plain.items())])
        outer = ", ".join([*keys, *map(_divided, self.measures)])
        return f"select {outer} from (select {inner} from {source}) measured"

    def _cells(self) -> str:
        source = list(self.relations)[-1]
        keys = ", ".join(("entity_key", "span", *self.categories))
        parts = ", ".join(f"{part.sql} as {alias}" for alias, part in self.parts.items())
        spanned = f"select {source}.*, {self.span} as span from {source}"
        return f"select {keys}, {parts} from ({spanned}) spanned group by {keys}"

    def _slices(self) -> str:
        """Each cell once for each condition that it meets, and for each condition a cell with nothing in it."""
        cells = f"{self.name}_cells"
        conditions = [*self.conditions, *([ALL] if self._shares(self.measures) and ALL not in self.conditions else [])]
        names = " union all ".join(f"select {literal(condition.slice)} as slice" for condition in conditions)
        cases = " ".join(f"when {literal(each.slice)} then {each.predicate}" for each in conditions if each.predicate)
        met = f" where case slice {cases} else 1 = 1 end" if cases else ""
        nothing = "".join(
            [f", null as {category}" for category in self.categories]
            + [f", {'0' if part.merge == 'sum' else 'null'} as {alias}" for alias, part in self.parts.items()]
        )
        spans = " union all ".join(f"select {window.span} as span" for window in self._first_spans())
        return (
            f"select slice, {cells}.* from {cells} cross join ({names}) conditions{met}"
            f"\nunion all select slice, entity_key, span{nothing} from {self.present}"
            f" cross join ({names}) conditions cross join ({spans}) spans"
        )

    def _first_spans(self) -> tuple[Window, ...]:
        return self.windows[:1] if self.cumulative else self.windows

    def _windowed(self) -> str:
        merged = ", ".join(f"{part.merge}({alias}) as {alias}" for alias, part in self.parts.items())
        windows = " union all ".join(f"select {window.span} as upto, {window.days} as days" for window in self.windows)
        reach = "<=" if self.cumulative else "="
        return (
            f"select entity_key, slice, days, {merged} from {self.name}_slices"
            f" inner join ({windows}) windows on span {reach} windows.upto group by entity_key, slice, days"
        )


def _divided(measure: Measure) -> str:
    return f"{measure.name} / nullif(scale_{measure.scale}, 0) as {measure.column}" if measure.scale else measure.name


def _as_double(sql: str) -> str:
    """The expression in floating point, which all but bare parts are already."""
    return f"cast({sql} as double)" if re.fullmatch(r"\w+|coalesce\(.*\)", sql) else sql
