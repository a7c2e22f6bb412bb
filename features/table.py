"""The feature table: one row per loan, from the marts, on DuckDB over the lake or on MariaDB in the warehouse.

The SQL is in the MariaDB dialect; what several selects read is stored as a temporary table, so that it is computed once
on every engine. A loan without rows in a relation gets missing values, not zeros.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from features.candidates import Candidate
from features.derived import compute
from features.relational import Schema
from features.rendering import Query, query
from features.sets import SYNTHESISED, bank, every_candidate, feature_set
from payoff.contract import Feature, Relation
from payoff.warehouse import Warehouse
from payoff.warehouse.duckdb_file import DuckDBWarehouse

#: The marts that the queries read.
MARTS = ("loans", "loan_transactions", "loan_orders")
IDENTITY = ("loan_id", "granted_on", "defaulted")
_DATES = ("granted_on", "opened_on", "owner_born_on")

# Months are spans of 30 days counted back from the grant, so that each is as long as any other.
_LOAN_MONTHS = """
select
    loan_id,
    (days_before - 1) div 30 as month_before,
    min(balance_czk) as balance_min_czk,
    sum(case when direction = 'credit' then amount_czk else 0 end) as income_czk,
    sum(case when direction = 'debit' then amount_czk else 0 end) as spending_czk
from loan_transactions
where days_before <= 180
group by loan_id, (days_before - 1) div 30
"""


def declared_query(features: Sequence[Feature]) -> Query:
    """Identity, dates and every SQL feature of ``features``, one row per loan."""
    columns = ["loans.loan_id", "loans.defaulted", *(f"loans.{name}" for name in _DATES)]
    relations = {"loan_months": _LOAN_MONTHS}
    joins = []
    of_loans = [feature for feature in features if feature.sql and feature.relation == "loans"]
    columns += [f"{feature.sql} as {feature.name}" for feature in of_loans]
    for relation in ("loan_transactions", "loan_months", "loan_orders"):
        of_relation = [feature for feature in features if feature.sql and feature.relation == relation]
        if of_relation:
            relations[f"by_{relation}"] = _grouped(relation, of_relation)
            columns += [f"by_{relation}.{feature.name}" for feature in of_relation]
            joins.append(f"left join by_{relation} on by_{relation}.loan_id = loans.loan_id")
    selected = ",\n    ".join(columns)
    return Query(
        relations, {"loans": "\n".join([f"select\n    {selected}", "from loans", *joins, "order by loans.loan_id"])}
    )


def _grouped(relation: Relation, features: Sequence[Feature]) -> str:
    aggregates = ",\n    ".join(f"{feature.sql} as {feature.name}" for feature in features)
    return f"select\n    loan_id,\n    {aggregates}\nfrom {relation}\ngroup by loan_id"


@contextmanager
def over_marts(marts: Mapping[str, pa.Table]) -> Iterator[Warehouse]:
    """A warehouse in memory that holds ``marts`` only."""
    with duckdb.connect() as connection:
        for name, table in marts.items():
            connection.register(name, table)
        yield DuckDBWarehouse(connection)


def build(warehouse: Warehouse, set_name: str) -> pd.DataFrame:
    """The feature table of ``set_name`` over the marts of ``warehouse``.

    Returns
    -------
    DataFrame, one row per loan, ordered by loan_id
        ``loan_id`` (int64), ``granted_on`` (datetime64), ``defaulted`` (Int8, missing where the end is unknown), then
        the features in the order of the set: float64 for numbers, strings for categories.
    """
    inputs = (
        synthesised(warehouse, bank(), every_candidate(), IDENTITY[1:])
        if set_name == SYNTHESISED
        else answered(warehouse, declared_query(feature_set(set_name)))["loans"]
    )
    identity = inputs[list(IDENTITY)].astype({"loan_id": "int64", "granted_on": "datetime64[us]", "defaulted": "Int8"})
    return pd.concat([identity, compute(inputs, feature_set(set_name))], axis=1)


def synthesised(
    warehouse: Warehouse, schema: Schema, wanted: Sequence[Candidate], identity: Sequence[str] = ()
) -> pd.DataFrame:
    """The population's key, the columns ``identity`` and the wanted candidates, ordered by key."""
    answers = answered(warehouse, query(schema, wanted, identity))
    return _joined(answers, schema, wanted)


def answered(warehouse: Warehouse, asked: Query) -> dict[str, pd.DataFrame]:
    """The rows of each select. What several of them read is stored first, for as long as it takes."""
    stored = []
    try:
        for name, select in asked.stored().items():
            warehouse.run(f"create temporary table {name} as {asked.statement(select)}")
            stored.append(name)
        return {name: warehouse.query(asked.statement(select)).to_pandas() for name, select in asked.selects.items()}
    finally:
        for name in stored:
            warehouse.run(f"drop temporary table {name}")


def _joined(answers: Mapping[str, pd.DataFrame], schema: Schema, wanted: Sequence[Candidate]) -> pd.DataFrame:
    """The population's rows with the candidates of all cubes as columns; missing where a cube has no row."""
    population = answers[schema.population]
    keys = pd.Index(population[schema.entities[schema.population].key])
    cells = {
        (name, *cell, column): values
        for name, cube in answers.items()
        if name != schema.population
        for cell, columns in _cells(cube, keys)
        for column, values in columns.items()
    }
    found = {each.name: cells.get((each.cube, each.slice, each.days, each.column)) for each in wanted if each.cube}
    columns = {name: np.full(len(keys), np.nan) if values is None else values for name, values in found.items()}
    return pd.concat([population, pd.DataFrame(columns, index=population.index)], axis=1)


def _cells(cube: pd.DataFrame, keys: pd.Index) -> Iterator[tuple[tuple[str, int], dict[str, np.ndarray]]]:
    """Each (slice, days) of a cube with its measures, one value per key."""
    numbers = cube.drop(columns=["entity_key", "slice", "days"]).astype("float64")
    places = keys.get_indexer(pd.Index(cube["entity_key"]))
    cells = cube[["slice", "days"]].drop_duplicates()
    codes = cube.groupby(["slice", "days"], sort=False).ngroup()
    values = np.full((len(cells), len(keys), numbers.shape[1]), np.nan)
    values[codes, places] = numbers.to_numpy()
    for chosen, days, of_cell in zip(cells["slice"], cells["days"], values, strict=True):
        yield (str(chosen), int(days)), dict(zip(numbers.columns, of_cell.T, strict=True))
