"""A relational schema as the synthesis reads it: entities, how they hang together, and what each column is.

It is data, see ``features/bank.toml``; nothing here or in the synthesis knows of a bank.
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from payoff.contract import Known
from payoff.errors import ContractError

BANK = Path(__file__).with_name("bank.toml")

Role = Literal["amount", "level", "category", "date"]
#: Plain lower-case identifiers, so that names can be put into SQL and be made longer without quotes.
Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,63}$")]
Days = Annotated[int, Field(ge=1)]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnRole(_Declared):
    """What one column is. A ``level`` is a number at a moment: it is averaged and compared, never summed.

    ``name`` is what the population's own column is called as a feature; ``monthly`` splits monthly sums by the values;
    a ``signed`` amount is looked at as a whole, because its sign already parts it.
    """

    role: Role
    means: str
    name: Name | None = None
    unit: str = ""
    monthly: bool = False
    signed: bool = False
    known: Known = "dated"
    values: tuple[str, ...] = ()


class Rolled(_Declared):
    """A sum over an entity's rows of the last ``days`` days that meet ``where``, per ``month_days``."""

    entity: Name
    column: Name
    where: dict[Name, tuple[str, ...]]
    days: Days


class Scale(_Declared):
    """What aggregates of the unit ``of`` are divided by: an expression over the population's columns, or a rolled sum.

    ``conditions`` says whether aggregates under conditions are divided by it too.
    """

    of: str
    unit: str
    means: str
    sql: str | None = None
    rolled: Rolled | None = None
    conditions: bool = False


class Where(_Declared):
    """A condition beyond the single categories: for each of the columns, one of the values."""

    where: dict[Name, tuple[str, ...]]
    means: str


class Parent(_Declared):
    """The entity that a row belongs to, by the column that holds its key."""

    entity: Name
    column: Name


class Entity(_Declared):
    """One relation. Rows without a time of their own have that of their parent."""

    key: Name
    prefix: Name
    noun: str
    columns: dict[Name, ColumnRole]
    parent: Parent | None = None
    time: Name | None = None
    known: Known = "dated"
    scales: dict[Name, Scale] = Field(default_factory=dict)
    conditions: dict[Name, Where] = Field(default_factory=dict)


class Schema(_Declared):
    """Entities around one population, of which each row gets one row of features."""

    population: Name
    cutoff: Name
    event: str
    windows_days: tuple[Days, ...]
    few_windows_days: tuple[Days, ...]
    month_days: Days
    entities: dict[Name, Entity]

    def __hash__(self) -> int:
        """By identity, so that what is derived from a schema can be kept."""
        return id(self)

    def children(self, of: str) -> dict[str, Entity]:
        """The entities whose rows belong to rows of ``of``, by name."""
        return {name: entity for name, entity in self.entities.items() if entity.parent and entity.parent.entity == of}


def read_schema(path: Path = BANK) -> Schema:
    """The schema that a TOML file declares.

    Raises
    ------
    ContractError
        It is not TOML, or :func:`parsed_schema` refuses it.
    """
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ContractError(f"{path} is not a relational schema: {error}") from error
    return parsed_schema(declared)


def parsed_schema(declared: Mapping[str, Any]) -> Schema:
    """The schema that a mapping declares: settings beside one table per entity.

    Raises
    ------
    ContractError
        A field is unknown or missing, an entity refers to one that is not there or, in a circle, to itself, a dated
        entity has no time, or a category has no values.
    """
    entities = {name: value for name, value in declared.items() if isinstance(value, Mapping)}
    settings = {name: value for name, value in declared.items() if name not in entities}
    try:
        schema = Schema.model_validate({**settings, "entities": entities})
    except (ValidationError, TypeError) as error:
        raise ContractError(f"the relational schema cannot be read: {error}") from error
    problems = [problem for name in schema.entities for problem in _problems(schema, name)]
    if schema.population not in schema.entities:
        problems.append(f"the population {schema.population!r} is none of the entities {', '.join(schema.entities)}")
    if problems:
        raise ContractError("the relational schema cannot be used: " + "; ".join(problems))
    return schema


def check_columns(schema: Schema, tables: Mapping[str, Collection[str]]) -> None:
    """Hold the schema to the tables there really are.

    Parameters
    ----------
    tables : mapping of table name to its columns

    Raises
    ------
    ContractError
        A table or column is declared that is not there.
    """
    problems = []
    for name, entity in schema.entities.items():
        if name not in tables:
            problems.append(f"there is no table {name}")
            continue
        wanted = {entity.key, *entity.columns, *([entity.time] if entity.time else [])}
        wanted |= {entity.parent.column} if entity.parent else {schema.cutoff}
        problems += [f"{name} has no column {column}" for column in sorted(wanted - set(tables[name]))]
    if problems:
        raise ContractError("the relational schema names what is not there: " + "; ".join(problems))


def _problems(schema: Schema, name: str) -> list[str]:
    entity = schema.entities[name]
    problems = [
        f"{name}.{column} is a category without values"
        for column, role in entity.columns.items()
        if role.role == "category" and not role.values
    ]
    problems += _condition_problems(name, entity)
    for scale, declared in entity.scales.items():
        problems += _scale_problems(schema, f"the scale {scale} of {name}", declared)
    if name == schema.population:
        return [*problems, *([f"the population {name} has a parent"] if entity.parent else [])]
    if entity.parent is None:
        return [*problems, f"{name} belongs to nothing; give it a parent"]
    if entity.parent.entity not in schema.entities:
        return [*problems, f"the parent {entity.parent.entity} of {name} is not declared"]
    return [*problems, *_lineage_problems(schema, name)]


def _condition_problems(name: str, entity: Entity) -> list[str]:
    categories = {column for column, role in entity.columns.items() if role.role == "category"}
    problems = []
    for condition, declared in entity.conditions.items():
        others = sorted(set(declared.where) - categories)
        if others or not declared.where:
            asked = ", ".join(others) or "nothing"
            problems.append(f"the condition {condition} of {name} asks for {asked}; expected categories")
    return problems


def _scale_problems(schema: Schema, scale: str, declared: Scale) -> list[str]:
    rolled = declared.rolled
    if (declared.sql is None) == (rolled is None):
        return [f"{scale} needs either sql or rolled"]
    if rolled is None:
        return []
    entity = schema.entities.get(rolled.entity)
    if entity is None or entity.time is None:
        return [f"{scale} sums up {rolled.entity}, which is no entity with a time column"]
    unknown = {rolled.column, *rolled.where} - set(entity.columns)
    problems = [f"{scale} names {column}, which {rolled.entity} does not declare" for column in sorted(unknown)]
    if rolled.days < schema.month_days:
        problems.append(f"{scale} sums up {rolled.days} days; expected a month of {schema.month_days} or more")
    return problems


def _lineage_problems(schema: Schema, name: str) -> list[str]:
    seen: list[str] = []
    timed = False
    current = name
    while current != schema.population:
        if current in seen:
            return [f"{' → '.join([*seen, current])} is a circle"]
        seen.append(current)
        entity = schema.entities[current]
        timed = timed or entity.time is not None
        if entity.parent is None or entity.parent.entity not in schema.entities:
            return []  # said of that entity itself
        current = entity.parent.entity
    dated = schema.entities[name].known == "dated"
    return [f"{name} is dated, but neither it nor its parents have a time column"] if dated and not timed else []


def parent_of(entity: Entity) -> Parent:
    """The parent of an entity that has one.

    Raises
    ------
    ContractError
        It is the population.
    """
    if entity.parent is None:
        raise ContractError(f"the {entity.noun} belongs to nothing; only the population may")
    return entity.parent


def meeting(where: Mapping[str, Sequence[str]]) -> str:
    """The predicate that each of the columns has one of its values."""
    return " and ".join(f"{column} in ({', '.join(map(literal, values))})" for column, values in where.items())


def literal(text: str) -> str:
    """A text as a SQL literal of the MariaDB dialect, whatever is in it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
