"""The feature table: one row per loan, from the marts.

One statement per set, written in the MariaDB dialect: each relation is scanned and grouped once, and joined to the
loans. A loan without rows in a relation gets missing values, not zeros.
"""

from collections.abc import Mapping, Sequence

import duckdb
import pandas as pd
import pyarrow as pa

from features.declared import feature_set
from payoff import dialect
from payoff.contract import Feature, Relation
from payoff.errors import ContractError

#: The marts that the statement reads, beside the monthly relation it makes itself.
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


def feature_sql(features: Sequence[Feature]) -> str:
    """One statement, MariaDB dialect: identity, dates and every SQL feature of ``features``, one row per loan."""
    columns = ["loans.loan_id", "loans.defaulted", *(f"loans.{name}" for name in _DATES)]
    joins = []
    for relation in ("loans", "loan_transactions", "loan_months", "loan_orders"):
        of_relation = [feature for feature in features if feature.sql and feature.relation == relation]
        if relation == "loans":
            columns += [f"{feature.sql} as {feature.name}" for feature in of_relation]
        elif of_relation:
            columns += [f"by_{relation}.{feature.name}" for feature in of_relation]
            joins.append(_grouped(relation, of_relation))
    selected = ",\n    ".join(columns)
    return f"select\n    {selected}\nfrom loans\n{''.join(joins)}order by loans.loan_id"


def _grouped(relation: Relation, features: Sequence[Feature]) -> str:
    aggregates = ",\n        ".join(f"{feature.sql} as {feature.name}" for feature in features)
    source = f"({_LOAN_MONTHS}) as loan_months" if relation == "loan_months" else relation
    return (
        f"left join (\n    select\n        loan_id,\n        {aggregates}\n    from {source}\n    group by loan_id\n"
        f") as by_{relation} on by_{relation}.loan_id = loans.loan_id\n"
    )


def build(marts: Mapping[str, pa.Table], set_name: str) -> pd.DataFrame:
    """The feature table of ``set_name``.

    Parameters
    ----------
    marts : mapping of mart name to table
        Those named in ``MARTS``, with the declared columns.

    Returns
    -------
    DataFrame, one row per loan, ordered by loan_id
        ``loan_id`` (int64), ``granted_on`` (datetime64), ``defaulted`` (Int8, missing where the end is unknown), then
        the features in the order of the set: float64 for numbers, strings for categories.
    """
    features = feature_set(set_name)
    (statement,) = dialect.transpile(feature_sql(features), "duckdb")
    with duckdb.connect() as connection:
        for name in MARTS:
            connection.register(name, marts[name])
        inputs = connection.execute(statement).df()
    identity = inputs[list(IDENTITY)].astype({"loan_id": "int64", "defaulted": "Int8"})
    return pd.concat([identity, compute(inputs, features)], axis=1)


def compute(inputs: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """The features of ``inputs``, in order: the one place where columns become what a model sees.

    Parameters
    ----------
    inputs : DataFrame, one row per loan
        The SQL features of the set and the dates ``granted_on``, ``opened_on`` and ``owner_born_on``, either from the
        marts or answered in a form.

    Raises
    ------
    ContractError
        A column is missing.
    """
    needed = {name for feature in features for name in (feature.needs or (feature.name,))}
    if missing := sorted(needed - set(inputs.columns)):
        raise ContractError(f"features need the columns {', '.join(missing)}, which the table lacks")
    known = inputs.assign(
        **{f.name: inputs[f.name].astype("float64") for f in features if f.sql and f.dtype == "number"}
    )
    values = {f.name: f.derive(known) if f.derive else known[f.name] for f in features}
    types = {f.name: "float64" if f.dtype == "number" else "object" for f in features}
    return pd.DataFrame(values, index=inputs.index).astype(types)
