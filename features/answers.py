"""From answers, whoever sent them, to features: one validation for form, API and batch."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal, cast

import numpy as np
import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from features.derived import computed
from features.questions import OF_ACCOUNT, QUESTIONS, Question
from features.sets import feature_set
from payoff.errors import InvalidAnswers, Quantity, Worded

Answers = Mapping[str, Any]
YOUNGEST, OLDEST = 12, 120

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER_AS_TEXT = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"

#: pydantic's names of limits that are checked after a function of our own, and JSON Schema's.
_LIMITS = {"ge": "minimum", "le": "maximum", "multiple_of": "multipleOf"}

# Published balances drift from the sum of the amounts by up to 0.60.
_DRIFT_CZK = 1.0


def validated(answers: Mapping[str, object], districts: Mapping[str, float]) -> Answers:
    """The answers, typed: numbers as float, dates as date, choices as text.

    Parameters
    ----------
    answers : mapping of question name to value
        Values as JSON or a form gives them; a number or date may be text.
    districts : mapping of district name to its average salary in CZK
        The districts that can be asked about.

    Raises
    ------
    InvalidAnswers
        Names every faulty field, unknown ones included.
    """
    try:
        typed = loan_model().model_validate(dict(answers)).model_dump()
    except ValidationError as error:
        problems = _problems(error) | _unknown_district(answers.get("district"), districts)
        raise InvalidAnswers(problems) from error
    if problems := _unknown_district(typed["district"], districts) | _contradictions(typed):
        raise InvalidAnswers(problems)
    return typed


def validated_terms(answers: Mapping[str, object]) -> Answers:
    """An account and the terms of its loan, typed as by :func:`validated`.

    Raises
    ------
    InvalidAnswers
        Names every faulty field, unknown ones included.
    """
    try:
        typed = _terms_model().model_validate(dict(answers)).model_dump()
    except ValidationError as error:
        raise InvalidAnswers(_problems(error)) from error
    if round(typed["loan_amount_czk"], 2) != typed["loan_amount_czk"]:
        raise InvalidAnswers({"loan_amount_czk": Worded("must have at most two digits after the point")})
    return typed


def form_features(answers: Sequence[Answers], districts: Mapping[str, float]) -> pd.DataFrame:
    """The ``form`` features of validated answers, one row per set of answers."""
    columns = {name: np.array([each[name] for each in answers], dtype=dtype) for name, dtype in _TYPES.items()}
    columns["district_average_salary_czk"] = np.array([districts[each["district"]] for each in answers])
    # They are nobody else's, and to lay them out anew takes longer than all that is done with them.
    return pd.DataFrame(computed(columns, feature_set("form")), copy=False)


@cache
def loan_model() -> type[BaseModel]:
    """What the form asks as a pydantic model: one field for each question, and no other."""
    fields: dict[str, Any] = {question.name: (_annotation(question), _described(question)) for question in QUESTIONS}
    return create_model("Loan", __config__=ConfigDict(extra="forbid"), **fields)


def _described(question: Question) -> Any:
    unit = f" In {question.unit}." if question.unit else ""
    days = f" From {question.earliest} to {question.latest}." if question.kind == "date" else ""
    return Field(title=question.label, description=f"{question.hint}{unit}{days}", json_schema_extra=_in_json_schema)


def _in_json_schema(schema: dict[str, Any]) -> None:
    """Limits in the words of JSON Schema, which has none for dates; a number may also come as its text."""
    limits = [(word, schema.pop(name, None)) for name, word in _LIMITS.items()]
    if schema["type"] == "number":
        schema |= {word: limit for word, limit in limits if limit is not None}
        schema |= {"type": ["number", "string"], "pattern": _NUMBER_AS_TEXT}


@cache
def _terms_model() -> type[BaseModel]:
    fields: dict[str, Any] = {question.name: (_annotation(question), ...) for question in OF_ACCOUNT}
    return create_model("Terms", __config__=ConfigDict(extra="forbid"), **fields)


def _annotation(question: Question) -> Any:
    if question.kind == "date":
        return Annotated[date, BeforeValidator(iso_date), Field(ge=question.earliest, le=question.latest)]
    if question.kind == "choice":
        return Literal[tuple(value for value, _ in question.choices)]
    if question.kind == "district":
        return Annotated[str, Field(max_length=64)]
    low, high = (question.valid.low, question.valid.high) if question.valid else (None, None)
    number = Annotated[float, BeforeValidator(_number), Field(ge=low, le=high, allow_inf_nan=False)]
    return number if question.kind == "money" else Annotated[number, Field(multiple_of=1)]


def _number(value: object) -> object:
    # Python counts True as 1, and reads "1_000" as 1000; nobody who sends either means a number.
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise ValueError(Worded("is not a number"))
    if isinstance(value, int) and abs(value) > 10**15:
        return float("inf")
    return value


def iso_date(value: object) -> date:
    """A day written as YYYY-MM-DD, in no other of ISO 8601's many ways. Raises ValueError."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError(Worded("is not a date; write it as YYYY-MM-DD"))
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(Worded("is not a date; write it as YYYY-MM-DD")) from error


def _problems(error: ValidationError) -> dict[str, str]:
    return {_field(item): _worded(item) for item in error.errors()}


def _field(item: ErrorDetails) -> str:
    return str(item["loc"][0])[:64] if item["loc"] else ""


_TYPES = {
    question.name: {"date": "datetime64[D]", "money": "float64", "count": "float64"}.get(question.kind, "object")
    for question in QUESTIONS
}
_QUESTIONS = {question.name: question for question in (*QUESTIONS, *OF_ACCOUNT)}


def _worded(item: ErrorDetails) -> Worded:
    """What is wrong, what was expected; never the value itself, which may be hostile."""
    kind, context = item["type"], item.get("ctx", {})
    question = _QUESTIONS.get(_field(item))
    if kind == "missing":
        return Worded("is missing")
    if kind == "extra_forbidden":
        return Worded("is not asked for")
    if kind == "value_error":
        # Raised above, with its words as they are.
        return cast("Worded", context["error"].args[0])
    if question and kind in {"greater_than_equal", "less_than_equal"}:
        return _beyond(question, kind, context)
    if kind == "multiple_of":
        return Worded("must be a whole number")
    if kind == "literal_error":
        return Worded("must be one of %(choices)s", choices=context["expected"])
    numeric = question and question.kind in {"money", "count"}
    return Worded("is not a number") if numeric else Worded("is not a valid text")


def _beyond(question: Question, kind: str, context: Mapping[str, Any]) -> Worded:
    early = kind == "greater_than_equal"
    if question.kind == "date":
        if early:
            return Worded("must not be before %(day)s", day=question.earliest)
        return Worded("must not be after %(day)s", day=question.latest)
    if early:
        return Worded("must be at least %(limit)s", limit=Quantity(context["ge"], question.unit))
    return Worded("must be at most %(limit)s", limit=Quantity(context["le"], question.unit))


def _unknown_district(district: object, districts: Mapping[str, float]) -> dict[str, str]:
    if not isinstance(district, str) or district in districts:
        return {}
    count = Quantity(len(districts))
    return {"district": Worded("is none of the %(count)s districts; the form lists them", count=count)}


def _contradictions(typed: Answers) -> dict[str, str]:
    """Answers that cannot be true together, named at the field that a person would correct."""
    problems: dict[str, str] = {}
    age = (typed["granted_on"] - typed["owner_born_on"]).days / 365.25
    if not YOUNGEST <= age <= OLDEST:
        problems["owner_born_on"] = Worded(
            "must make the owner %(youngest)s to %(oldest)s years old on the day of the grant",
            youngest=Quantity(YOUNGEST),
            oldest=Quantity(OLDEST),
        )
    if typed["opened_on"] >= typed["granted_on"]:
        problems["opened_on"] = Worded("must be before the day of the grant")
    if typed["owner_born_on"] > typed["opened_on"]:
        problems["opened_on"] = Worded("must not be before the owner was born")
    lowest = typed["transaction_balance_min_180d"]
    if lowest > typed["month_balance_min_mean_180d"] + _DRIFT_CZK:
        problems["month_balance_min_mean_180d"] = Worded("cannot be below the lowest balance of the same six months")
    if typed["transaction_count_90d"] > typed["transaction_count"]:
        problems["transaction_count_90d"] = Worded("cannot be more than all transactions so far")
    return problems
