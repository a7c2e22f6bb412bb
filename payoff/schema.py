"""The tables as sql/schema declares them: columns, types, keys and allowed values, read from the DDL itself."""

import hashlib
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter

import pyarrow as pa
from sqlglot import exp

from payoff import dialect
from payoff.errors import ContractError
from payoff.settings import ROOT

SQL_DIR = ROOT / "sql"


@dataclass(frozen=True)
class Column:
    """One declared column. ``allowed`` is empty where any value of the type will do."""

    name: str
    type: pa.DataType
    nullable: bool
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableSpec:
    """One declared table. ``foreign_keys`` maps a column to the table and column that it refers to."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    foreign_keys: dict[str, tuple[str, str]]
    ddl: str

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema: DATE as date32, DECIMAL(p, s) as decimal128, INT as int32, text as string."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@cache
def table_spec(name: str) -> TableSpec:
    """The table that ``sql/schema/<name>.sql`` declares.

    Raises
    ------
    ContractError
        There is no such file, or it declares another table.
    """
    path = SQL_DIR / "schema" / f"{name}.sql"
    if not path.is_file():
        raise ContractError(f"no table {name!r} is declared in sql/schema; there are {', '.join(table_names())}")
    ddl = path.read_text(encoding="utf-8")
    create = dialect.parse(ddl)[0]
    schema = create.this
    if not isinstance(schema, exp.Schema) or schema.this.name != name:
        raise ContractError(f"{path.name} should declare the table {name} first, but starts with {create.sql()[:60]!r}")
    allowed = _allowed_values(schema)
    columns = tuple(
        _column(definition, allowed) for definition in schema.expressions if isinstance(definition, exp.ColumnDef)
    )
    return TableSpec(name, columns, _key(schema), _foreign_keys(schema), ddl)


def table_names() -> tuple[str, ...]:
    """Every declared table, alphabetically."""
    return tuple(sorted(path.stem for path in (SQL_DIR / "schema").glob("*.sql")))


@cache
def raw_tables() -> tuple[str, ...]:
    """The source's tables, those referred to before those that refer to them."""
    raw = [name for name in table_names() if name.startswith("raw_")]
    graph = {name: sorted({parent for parent, _ in table_spec(name).foreign_keys.values()}) for name in raw}
    return tuple(TopologicalSorter(graph).static_order())


@cache
def views() -> tuple[str, ...]:
    """The staging relations."""
    return tuple(sorted(path.stem for path in (SQL_DIR / "staging").glob("*.sql")))


@cache
def marts() -> tuple[str, ...]:
    """The marts, each after those it reads."""
    names = {path.stem for path in (SQL_DIR / "marts").glob("*.sql")}
    graph = {
        name: sorted(dialect.tables_read(dialect.parse(select_text("marts", name))[0]) & names - {name})
        for name in sorted(names)
    }
    return tuple(TopologicalSorter(graph).static_order())


@cache
def checks() -> tuple[str, ...]:
    """The checks, alphabetically."""
    return tuple(sorted(path.stem for path in (SQL_DIR / "checks").glob("*.sql")))


def select_text(folder: str, name: str) -> str:
    """The text of ``sql/<folder>/<name>.sql``, which holds one select."""
    return (SQL_DIR / folder / f"{name}.sql").read_text(encoding="utf-8")


def sql_hash() -> str:
    """SHA-256 over every SQL file, path and text, so that a run can say which SQL made it."""
    digest = hashlib.sha256()
    for path in sorted(SQL_DIR.rglob("*.sql")):
        digest.update(f"{path.relative_to(SQL_DIR).as_posix()}\0{path.read_text(encoding='utf-8')}\0".encode())
    return digest.hexdigest()


def _column(definition: exp.ColumnDef, allowed: dict[str, tuple[str, ...]]) -> Column:
    nullable = not any(
        isinstance(constraint.kind, exp.NotNullColumnConstraint) and not constraint.kind.args.get("allow_null")
        for constraint in definition.constraints
    )
    kind = definition.kind
    if kind is None:
        raise ContractError(f"column {definition.name} has no type")
    return Column(definition.name, _arrow_type(kind), nullable, allowed.get(definition.name, ()))


def _arrow_type(kind: exp.DataType) -> pa.DataType:
    types = exp.DataType.Type
    simple = {types.INT: pa.int32(), types.DATE: pa.date32(), types.VARCHAR: pa.string(), types.CHAR: pa.string()}
    if kind.this in simple:
        return simple[kind.this]
    if kind.this == types.DECIMAL:
        precision, scale = (int(parameter.name) for parameter in kind.expressions)
        return pa.decimal128(precision, scale)
    raise ContractError(f"sql/schema uses the type {kind.sql()}, which the lake has no counterpart for")


def _key(schema: exp.Schema) -> tuple[str, ...]:
    key = schema.find(exp.PrimaryKey)
    return tuple(part.name for part in key.expressions) if key else ()


def _foreign_keys(schema: exp.Schema) -> dict[str, tuple[str, str]]:
    found = {}
    for constraint in schema.find_all(exp.ForeignKey):
        target = constraint.args["reference"].this
        found[constraint.expressions[0].name] = (target.this.name, target.expressions[0].name)
    return found


def _allowed_values(schema: exp.Schema) -> dict[str, tuple[str, ...]]:
    return {
        check.this.this.name: tuple(literal.name for literal in check.this.expressions)
        for check in schema.find_all(exp.CheckColumnConstraint)
        if isinstance(check.this, exp.In)
    }
