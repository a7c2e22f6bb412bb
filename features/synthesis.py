"""Candidate features, derived from a relational schema: operations × columns × conditions × windows.

Every candidate is a few exact partial aggregates (``parts``) and an expression over them (``sql``). Parts are sums of
decimals, counts, minima and maxima, which no order of rows, thread or engine can change; only the last division or root
is done in floating point. All parts of a grain are computed in one scan, see :mod:`features.rendering`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from features.aggregates import of_entity
from features.candidates import Candidate
from features.relational import Schema
from payoff.errors import ContractError

#: MariaDB's longest identifier.
LONGEST_NAME = 64


def candidates(schema: Schema) -> tuple[Candidate, ...]:
    """Every candidate of ``schema``, undated entities left out, in a stable order.

    Raises
    ------
    ContractError
        Two candidates would have one name, or a name is too long for MariaDB.
    """
    found = list(_own(schema))
    for name, entity in schema.children(schema.population).items():
        if entity.known != "undated":
            found += _with_ratios(schema, of_entity(schema, name, entity))
    counted = Counter(candidate.name for candidate in found)
    if repeated := [name for name, times in counted.items() if times > 1]:
        raise ContractError(
            f"the schema gives two features one name: {', '.join(repeated)}. Rename a column or prefix."
        )
    if long := [name for name in counted if len(name) > LONGEST_NAME]:
        raise ContractError(f"{long[0]} has {len(long[0])} letters, MariaDB allows {LONGEST_NAME}. Shorten the prefix.")
    return tuple(found)


def _own(schema: Schema) -> Iterator[Candidate]:
    """The population's own columns; dates become days before the cutoff."""
    population = schema.entities[schema.population]
    for column, role in population.columns.items():
        source = f"population.{column}"
        dated = role.role == "date"
        yield Candidate(
            name=role.name or column,
            sentence=f"days from {role.means} to the {schema.event}" if dated else role.means,
            unit=role.unit,
            known=role.known,
            sql=f"datediff(population.{schema.cutoff}, {source})" if dated else source,
            columns=(f"{schema.population}.{column}",),
            dtype="category" if role.role == "category" else "number",
            categories=role.values,
        )
    for name, scale in population.scales.items():
        yield Candidate(f"{population.prefix}_{name}", scale.means, scale.of, "static", scale.sql, (schema.population,))


def _with_ratios(schema: Schema, found: Sequence[Candidate]) -> Iterator[Candidate]:
    """The candidates, and those in the unit of a scale once more, divided by it."""
    scales = schema.entities[schema.population].scales
    for candidate in found:
        yield candidate
        for name, scale in scales.items():
            if candidate.scalable and candidate.unit == scale.of:
                yield Candidate(
                    name=f"{candidate.name}_per_{name}",
                    sentence=f"{candidate.sentence}, divided by {scale.means}",
                    unit=scale.unit,
                    known=candidate.known,
                    sql=f"cast({candidate.sql} as double) / nullif({scale.sql}, 0)",
                    columns=candidate.columns,
                    grain=candidate.grain,
                    parts=candidate.parts,
                )
