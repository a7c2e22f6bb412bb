"""The named feature sets: two declared by hand, one synthesised from the relational schema."""

from functools import cache

from features.candidates import Candidate
from features.declared import DECLARED
from features.relational import Schema, check_columns, read_schema
from features.synthesis import candidates
from payoff import schema as tables
from payoff.contract import Feature
from payoff.errors import ContractError

SYNTHESISED = "full"
SET_NAMES = (*DECLARED, SYNTHESISED)


@cache
def bank() -> Schema:
    """The bank's relational schema, held to the marts as sql/schema declares them."""
    schema = read_schema()
    check_columns(schema, {mart: tables.table_spec(mart).column_names for mart in tables.marts()})
    return schema


@cache
def every_candidate() -> tuple[Candidate, ...]:
    """Every candidate that the bank's schema gives."""
    return candidates(bank())


@cache
def feature_set(name: str) -> tuple[Feature, ...]:
    """The features of a named set, in order.

    Raises
    ------
    ContractError
        There is no set of that name.
    """
    if name == SYNTHESISED:
        return tuple(_as_feature(candidate) for candidate in every_candidate())
    if name not in DECLARED:
        raise ContractError(f"there is no feature set {name!r}; there are {', '.join(SET_NAMES)}")
    return DECLARED[name]


def _as_feature(candidate: Candidate) -> Feature:
    sentence = candidate.sentence[0].upper() + candidate.sentence[1:]
    return Feature(
        name=candidate.name,
        dtype=candidate.dtype,
        unit=candidate.unit,
        label=sentence,
        means=f"{sentence}.",
        known=candidate.known,
        categories=candidate.categories,
        operation=candidate.operation,
        scale=candidate.scale,
        sql=candidate.column,
    )
