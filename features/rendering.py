"""Candidates as SQL in the MariaDB dialect: named relations, each over those before it, and selects over them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from features.candidates import Candidate
from features.cubes import Cube
from features.relational import Schema, literal
from features.synthesis import cubes


@dataclass(frozen=True)
class Query:
    """Selects over named relations, by what each answers."""

    relations: dict[str, str]
    selects: dict[str, str]

    @cached_property
    def stored(self) -> dict[str, str]:
        """The relations that are read more than once, so worth keeping, each with what it needs of the others."""
        return {name: self._with_relations(self.relations[name]) for name in self._repeated}

    @cached_property
    def statements(self) -> dict[str, str]:
        """Each select with the relations that it needs and that are not stored."""
        return {name: self._with_relations(select) for name, select in self.selects.items()}

    @cached_property
    def _repeated(self) -> list[str]:
        read = Counter(word for sql in (*self.relations.values(), *self.selects.values()) for word in _names_read(sql))
        return [name for name in self.relations if read[name] > 1]

    def _with_relations(self, select: str) -> str:
        return _with({name: sql for name, sql in self.relations.items() if name not in self._repeated}, select)

    def __str__(self) -> str:
        """The whole as a script: what is stored, then each select."""
        script = [f"create temporary table {name} as\n{statement}" for name, statement in self.stored.items()]
        return ";\n\n".join([*script, *self.statements.values()])


def _names_read(sql: str) -> list[str]:
    return re.findall(r"\b(?:from|join) (\w+)", sql)


def _with(relations: Mapping[str, str], select: str) -> str:
    """The select with those relations that it reads, directly or through others."""
    needed: list[str] = []
    waiting = _names_read(select)
    while waiting:
        name = waiting.pop()
        if name in relations and name not in needed:
            needed.append(name)
            waiting += _names_read(relations[name])
    named = ",\n".join(f"{name} as (\n{relations[name]}\n)" for name in relations if name in needed)
    return f"with {named}\n{select}" if named else select


def query(schema: Schema, wanted: Sequence[Candidate], identity: Sequence[str] = ()) -> Query:
    """What computes the candidates: one select of the population, and one of each cube.

    The population's has its key, the columns ``identity`` and its own candidates; a cube's has ``entity_key``,
    ``slice``, ``days`` and measures.
    """
    population = schema.entities[schema.population]
    columns = [f"population.{name}" for name in (population.key, *identity)]
    columns += [f"{candidate.column} as {candidate.name}" for candidate in wanted if not candidate.cube]
    own = f"select {', '.join(columns)} from {schema.population} as population order by population.{population.key}"
    relations: dict[str, str] = {}
    selects = {schema.population: own}
    for cube in _needed(schema, wanted):
        relations |= cube.steps()
        selects[cube.name] = cube.select()
    return Query(relations, selects)


def single(schema: Schema, candidate: Candidate) -> str:
    """One statement that computes one candidate for each row of the population."""
    key = schema.entities[schema.population].key
    if not candidate.cube:
        return (
            f"select population.{key}, {candidate.column} as {candidate.name}"
            f" from {schema.population} as population order by population.{key}"
        )
    (cube,) = _needed(schema, [candidate])
    select = (
        f"select population.{key}, found.{candidate.column} as {candidate.name}"
        f" from {schema.population} as population"
        f" left join ({cube.select()}) found on found.entity_key = population.{key}"
        f" and found.slice = {literal(candidate.slice)} and found.days = {candidate.days}"
        f" order by population.{key}"
    )
    return _with(cube.steps(), select)


def _needed(schema: Schema, wanted: Sequence[Candidate]) -> list[Cube]:
    of_cube: dict[str, list[Candidate]] = {}
    for candidate in wanted:
        if candidate.cube:
            of_cube.setdefault(candidate.cube, []).append(candidate)
    every = cubes(schema)
    return [every[name].of(candidates) for name, candidates in of_cube.items()]
