"""The features in words and as SQL."""

import sqlglot

from features.declared import feature_set
from features.table import feature_sql
from payoff import dialect
from payoff.contract import Feature
from payoff.dialect import Engine


def entries(set_name: str) -> list[dict[str, str]]:
    """One entry per feature of ``set_name``: name, label, meaning, unit, when known, source relation and SQL."""
    return [_entry(feature) for feature in feature_set(set_name)]


def _entry(feature: Feature) -> dict[str, str]:
    return {
        "name": feature.name,
        "label": feature.label,
        "means": feature.means,
        "unit": feature.unit,
        "known": feature.known,
        "relation": feature.relation if feature.sql else "derived",
        "sql": feature.sql,
        "needs": ", ".join(feature.needs),
    }


def formatted_sql(set_name: str, engine: Engine) -> str:
    """The statement that computes the SQL features of ``set_name``, formatted in the dialect of ``engine``."""
    (statement,) = dialect.transpile(feature_sql(feature_set(set_name)), engine)
    return sqlglot.transpile(statement, read=engine, write=engine, pretty=True)[0]
