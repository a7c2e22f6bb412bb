"""Ratios: measures divided by a scale of the population, such as the instalment, so that large and small compare."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from features.cubes import Cube, Measure
from features.relational import Scale, Schema, meeting
from features.rows import rows

#: Under conditions, only these operations are divided by a scale.
_UNDER_CONDITIONS = ("mean", "min", "max")


def with_scales(schema: Schema, cube: Cube) -> Cube:
    """The cube with its measures in the unit of a scale once more, divided by it."""
    scales = schema.entities[schema.population].scales
    if cube.categories:
        scales = {name: scale for name, scale in scales.items() if scale.conditions}
    return replace(
        cube,
        relations=_rows_of(schema, scales) | cube.relations,
        measures=(*cube.measures, *_divided(scales, cube.measures)),
        scales=_select(schema, scales),
    )


def _rows_of(schema: Schema, scales: Mapping[str, Scale]) -> dict[str, str]:
    """The relations that rolled scales read."""
    found: dict[str, str] = {}
    for scale in scales.values():
        found |= rows(schema, scale.rolled.entity) if scale.rolled else {}
    return found


def _divided(scales: Mapping[str, Scale], measures: Sequence[Measure]) -> Iterator[Measure]:
    for measure in measures:
        for name, scale in scales.items():
            if measure.unit == scale.of and (not scale.conditions or measure.operation in _UNDER_CONDITIONS):
                words = f"{measure.words}, divided by {scale.means}"
                yield replace(measure, words=words, unit=scale.unit, scale=name)


def _select(schema: Schema, scales: Mapping[str, Scale]) -> str:
    """A select of ``scale_key`` and the scales, in floating point."""
    population = schema.entities[schema.population]
    columns, joins = "", ""
    for name, scale in scales.items():
        if scale.rolled:
            rolled, months = scale.rolled, scale.rolled.days // schema.month_days
            columns += f", {name}.rolled as scale_{name}"
            joins += (
                f" left join (select entity_key, cast(sum({rolled.column}) as double) / {months} as rolled"
                f" from {rolled.entity}_rows where days_before <= {rolled.days} and {meeting(rolled.where)}"
                f" group by entity_key) {name} on {name}.entity_key = population.{population.key}"
            )
        else:
            columns += f", {scale.sql} as scale_{name}"
    return f"select population.{population.key} as scale_key{columns} from {schema.population} as population{joins}"
