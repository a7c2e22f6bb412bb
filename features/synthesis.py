"""Candidate features, derived from a relational schema: operations × columns × conditions × windows, and ratios."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from features.candidates import Candidate
from features.cubes import Cube
from features.measures import cubes_of
from features.relational import Schema
from payoff.errors import ContractError

#: Of tables and columns, in MariaDB.
LONGEST_IDENTIFIER = 64


@lru_cache(maxsize=8)
def cubes(schema: Schema) -> Mapping[str, Cube]:
    """Every cube of ``schema`` by name.

    Raises
    ------
    ContractError
        A relation or column of one would have a name that is too long for MariaDB.
    """
    found = [cube for name in schema.children(schema.population) for cube in cubes_of(schema, name)]
    names = {name for cube in found for name in (*cube.steps(), *(measure.column for measure in cube.measures))}
    if long := sorted(name for name in names if len(name) > LONGEST_IDENTIFIER):
        raise ContractError(
            f"{long[0]} has {len(long[0])} letters, MariaDB allows {LONGEST_IDENTIFIER}. Shorten the entity or column."
        )
    return {cube.name: cube for cube in found}


def candidates(schema: Schema, undated: Collection[str] = ()) -> tuple[Candidate, ...]:
    """Every candidate of ``schema`` that is known before the cutoff, in a stable order.

    Parameters
    ----------
    undated : names of entities
        Those of these entities too, though their rows may be younger than the cutoff.

    Raises
    ------
    ContractError
        Two candidates would have one name, or :func:`cubes` refuses.
    """
    left_out = {name for name, entity in schema.entities.items() if entity.known == "undated"} - set(undated)
    found = list(_own(schema))
    for cube in cubes(schema).values():
        found += [] if cube.entity in left_out else cube.candidates()
    counted = Counter(candidate.name for candidate in found)
    if repeated := [name for name, times in counted.items() if times > 1]:
        raise ContractError(
            f"the schema gives two features one name: {', '.join(repeated)}. Rename a column or prefix."
        )
    return tuple(found)


def _own(schema: Schema) -> Iterator[Candidate]:
    """The population's own columns and scales; dates become days before the cutoff."""
    population = schema.entities[schema.population]
    for column, role in population.columns.items():
        source = f"population.{column}"
        dated = role.role == "date"
        yield Candidate(
            name=role.name or column,
            sentence=f"days from {role.means} to the {schema.event}" if dated else role.means,
            unit=role.unit,
            operation="own",
            known=role.known,
            column=f"datediff(population.{schema.cutoff}, {source})" if dated else source,
            sources=(f"{schema.population}.{column}",),
            dtype="category" if role.role == "category" else "number",
            categories=role.values,
        )
    for name, scale in population.scales.items():
        if scale.sql:
            yield Candidate(
                name=f"{population.prefix}_{name}",
                sentence=scale.means,
                unit=scale.of,
                operation="own",
                known="static",
                column=scale.sql,
                sources=(schema.population,),
            )
