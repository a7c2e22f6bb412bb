"""The feature table: one row per loan, from the marts: on DuckDB or Spark over the lake, or on MariaDB.

The SQL is in the MariaDB dialect; what several selects read is stored as a temporary table, so that it is computed once
on every engine. A loan without rows in a relation gets missing values, not zeros.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa

from features.candidates import Candidate
from features.derived import compute
from features.relational import Schema
from features.rendering import Query, query
from features.sets import SYNTHESISED, bank, every_candidate, feature_set
from payoff.contract import Feature, Relation
from payoff.warehouse import SqlSession

#: The marts that the queries read.
MARTS = ("loans", "loan_transactions", "loan_orders", "loan_persons")
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
def over_marts(marts: Mapping[str, pa.Table]) -> Iterator[SqlSession]:
    """A warehouse in memory that holds ``marts`` only."""
    # Whoever only asks how features are made needs no database.
    import duckdb

    from payoff.warehouse.duckdb_file import DuckDBWarehouse

    with duckdb.connect() as connection:
        for name, table in marts.items():
            connection.register(name, table)
        yield DuckDBWarehouse(connection)


def build(warehouse: SqlSession, set_name: str, only: Collection[str] | None = None) -> pd.DataFrame:
    """The feature table of ``set_name`` over the marts of ``warehouse``.

    Parameters
    ----------
    only : names of features, optional
        No others are computed.

    Returns
    -------
    DataFrame, one row per loan, ordered by loan_id
        ``loan_id`` (int64), ``granted_on`` (datetime64), ``defaulted`` (Int8, missing where the end is unknown), then
        the features in the order of the set: float64 for numbers, strings for categories.
    """
    plan = _plan(set_name, None if only is None else frozenset(only))
    answers = answered(warehouse, plan.query)
    inputs = joined(answers, bank(), plan.candidates) if set_name == SYNTHESISED else answers["loans"]
    identity = inputs[list(IDENTITY)].astype({"loan_id": "int64", "granted_on": "datetime64[us]", "defaulted": "Int8"})
    return pd.concat([identity, compute(inputs, plan.features)], axis=1)


@dataclass(frozen=True)
class _Plan:
    features: tuple[Feature, ...]
    candidates: tuple[Candidate, ...]
    query: Query


@lru_cache(maxsize=32)
def _plan(set_name: str, only: frozenset[str] | None) -> _Plan:
    # Kept, because to look up one account takes little longer than to write this down.
    features = tuple(each for each in feature_set(set_name) if only is None or each.name in only)
    if set_name != SYNTHESISED:
        needed = {name for feature in features for name in (feature.name, *feature.needs)}
        return _Plan(features, (), declared_query([each for each in feature_set(set_name) if each.name in needed]))
    candidates = tuple(each for each in every_candidate() if only is None or each.name in only)
    return _Plan(features, candidates, query(bank(), candidates, IDENTITY[1:]))


@cache
def marts_of(set_name: str) -> tuple[str, ...]:
    """The marts that a set is computed over."""
    query = query_of(set_name)
    sql = " ".join([*query.relations.values(), *query.selects.values()])
    return tuple(mart for mart in MARTS if re.search(rf"\b(from|join) {mart}\b", sql))


def query_of(set_name: str) -> Query:
    """What computes a set: identity, and every feature or what features are derived from."""
    return _plan(set_name, None).query


def answered(warehouse: SqlSession, asked: Query) -> dict[str, pd.DataFrame]:
    """The rows of each select. What several of them read is stored first, for as long as it takes."""
    stored = []
    try:
        for name, statement in asked.stored.items():
            warehouse.run(f"create temporary table {name} as {statement}")
            stored.append(name)
        return {name: warehouse.query(statement).to_pandas() for name, statement in asked.statements.items()}
    finally:
        for name in stored:
            warehouse.run(f"drop temporary table {name}")


def joined(answers: Mapping[str, pd.DataFrame], schema: Schema, wanted: Sequence[Candidate]) -> pd.DataFrame:
    """The population's rows with the candidates of all cubes as columns; missing where a cube has no row."""
    population = answers[schema.population]
    keys = pd.Index(population[schema.entities[schema.population].key])
    of_cubes = [candidate for candidate in wanted if candidate.cube]
    values = np.full((len(keys), len(of_cubes)), np.nan)
    for name, cube in answers.items():
        if name != schema.population:
            columns = [place for place, candidate in enumerate(of_cubes) if candidate.cube == name]
            values[:, columns] = _cells(cube, keys, [of_cubes[place] for place in columns])
    named = pd.DataFrame(values, index=population.index, columns=[candidate.name for candidate in of_cubes])
    return pd.concat([population, named], axis=1)


def _cells(cube: pd.DataFrame, keys: pd.Index, wanted: Sequence[Candidate]) -> np.ndarray:
    """The wanted cells of a cube: one row per key, one column per candidate."""
    measures = cube.columns.difference(["entity_key", "slice", "days"], sort=False)
    cells, names = pd.factorize(cube["slice"] + " " + cube["days"].astype(str))
    # A cell that the cube lacks is the last one, which holds nothing.
    values = np.full((len(names) + 1, len(keys), len(measures)), np.nan)
    values[cells, keys.get_indexer(pd.Index(cube["entity_key"]))] = cube[measures].astype("float64")
    place = {name: number for number, name in enumerate(names)}
    chosen = [place.get(f"{candidate.slice} {candidate.days}", len(names)) for candidate in wanted]
    columns = measures.get_indexer(pd.Index([candidate.column for candidate in wanted]))
    return values[chosen, :, columns].T
