"""The features in words and as SQL."""

import sqlglot

from features.rendering import query
from features.sets import SYNTHESISED, bank, feature_set, synthesised
from features.table import declared_query, set_query
from payoff import dialect
from payoff.dialect import Engine
from payoff.errors import ContractError


def entries(set_name: str) -> list[dict[str, str]]:
    """One entry per feature: name, sentence, unit, when it is known, source columns, and its own SQL (MariaDB)."""
    sources = {candidate.name: candidate.columns for candidate in synthesised()} if set_name == SYNTHESISED else {}
    return [
        {
            "name": feature.name,
            "sentence": feature.means,
            "unit": feature.unit,
            "known": feature.known,
            "columns": ", ".join(sources.get(feature.name, feature.needs or (feature.relation,))),
            "sql": own_sql(set_name, feature.name),
        }
        for feature in feature_set(set_name)
    ]


def own_sql(set_name: str, feature: str) -> str:
    """The statement that computes one feature alone, in the MariaDB dialect.

    Raises
    ------
    ContractError
        The set has no such feature.
    """
    found = {each.name: each for each in feature_set(set_name)}
    if feature not in found:
        raise ContractError(f"the set {set_name} has no feature {feature!r}; `payoff features catalogue` lists them")
    if set_name == SYNTHESISED:
        return str(query(bank(), [candidate for candidate in synthesised() if candidate.name == feature]))
    needed = {feature, *found[feature].needs}
    return str(declared_query([each for each in found.values() if each.name in needed]))


def formatted_sql(set_name: str, engine: Engine, feature: str | None = None) -> str:
    """The statement that computes a set, or one feature of it, formatted in the dialect of ``engine``."""
    sql = own_sql(set_name, feature) if feature else str(set_query(set_name))
    (statement,) = dialect.transpile(sql, engine)
    return sqlglot.transpile(statement, read=engine, write=engine, pretty=True)[0]
