"""The features in words and as SQL."""

import sqlglot

from features.rendering import single
from features.sets import SYNTHESISED, bank, every_candidate, feature_set
from features.table import declared_query, query_of
from payoff import dialect
from payoff.dialect import Engine
from payoff.errors import ContractError


def entries(set_name: str) -> list[dict[str, str]]:
    """One entry per feature: name, sentence, unit, when it is known, source columns, and its own SQL (MariaDB)."""
    sources = {candidate.name: candidate.sources for candidate in every_candidate()} if set_name == SYNTHESISED else {}
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
        return next(single(bank(), candidate) for candidate in every_candidate() if candidate.name == feature)
    needed = {feature, *found[feature].needs}
    return str(declared_query([each for each in found.values() if each.name in needed]))


def formatted_sql(set_name: str, engine: Engine, feature: str | None = None) -> str:
    """The statement that computes a set, or one feature of it, formatted in the dialect of ``engine``."""
    sql = own_sql(set_name, feature) if feature else str(query_of(set_name))
    statements = ";\n".join(dialect.transpile(sql, engine))
    return ";\n\n".join(sqlglot.transpile(statements, read=engine, write=engine, pretty=True))
