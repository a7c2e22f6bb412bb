"""The feature table: one row per loan, from the marts, on DuckDB over the lake or on MariaDB in the warehouse.

One query per set, written in the MariaDB dialect: each relation is scanned and grouped once, and joined to the loans. A
loan without rows in a relation gets missing values, not zeros.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pandas as pd
import pyarrow as pa

from features.derived import compute
from features.rendering import Query, query
from features.sets import SYNTHESISED, bank, feature_set, synthesised
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


def set_query(set_name: str) -> Query:
    """The query that computes ``set_name``: identity, and every feature or what features are derived from."""
    if set_name == SYNTHESISED:
        return query(bank(), synthesised(), IDENTITY[1:])
    return declared_query(feature_set(set_name))


def declared_query(features: Sequence[Feature]) -> Query:
    """Identity, dates and every SQL feature of ``features``, one row per loan."""
    columns = ["loans.loan_id", "loans.defaulted", *(f"loans.{name}" for name in _DATES)]
    relations: dict[str, str] = {}
    joins = []
    of_loans = [feature for feature in features if feature.sql and feature.relation == "loans"]
    columns += [f"{feature.sql} as {feature.name}" for feature in of_loans]
    for relation in ("loan_transactions", "loan_months", "loan_orders"):
        of_relation = [feature for feature in features if feature.sql and feature.relation == relation]
        if of_relation:
            relations |= {"loan_months": _LOAN_MONTHS} if relation == "loan_months" else {}
            relations[f"by_{relation}"] = _grouped(relation, of_relation)
            columns += [f"by_{relation}.{feature.name}" for feature in of_relation]
            joins.append(f"left join by_{relation} on by_{relation}.loan_id = loans.loan_id")
    selected = ",\n    ".join(columns)
    return Query(relations, "\n".join([f"select\n    {selected}", "from loans", *joins, "order by loans.loan_id"]))


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
    inputs = _answered(warehouse, set_query(set_name))
    features = feature_set(set_name)
    identity = inputs[list(IDENTITY)].astype({"loan_id": "int64", "granted_on": "datetime64[us]", "defaulted": "Int8"})
    return pd.concat([identity, compute(inputs, features)], axis=1)


def _answered(warehouse: Warehouse, asked: Query) -> pd.DataFrame:
    """The rows of ``asked``. MariaDB would compute a relation anew wherever it is read, so there it is stored first."""
    if warehouse.engine == "duckdb":
        answered: pd.DataFrame = warehouse.query(str(asked)).to_pandas()
        return answered
    grouped = {name: select for name, select in asked.relations.items() if name.startswith("by_")}
    stored = [name for name in asked.relations if name not in grouped]
    for name in stored:
        warehouse.run(f"create temporary table {name} as {asked.relations[name]}")
    try:
        answered = warehouse.query(str(Query(grouped, asked.select))).to_pandas()
    finally:
        for name in stored:
            warehouse.run(f"drop temporary table {name}")
    return answered
