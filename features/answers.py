"""From answers, whoever sent them, to features: one validation for form, API and batch."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from features.derived import compute
from features.questions import QUESTIONS, Question
from features.sets import feature_set
from payoff.errors import InvalidAnswers

Answers = Mapping[str, Any]
YOUNGEST, OLDEST = 12, 120

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
        typed = _model().model_validate(dict(answers)).model_dump()
    except ValidationError as error:
        problems = {_field(item): _worded(item) for item in error.errors()}
        problems |= _unknown_district(answers.get("district"), districts)
        raise InvalidAnswers(problems) from error
    if problems := _unknown_district(typed["district"], districts) | _contradictions(typed):
        raise InvalidAnswers(problems)
    return typed


def form_features(answers: Sequence[Answers], districts: Mapping[str, float]) -> pd.DataFrame:
    """The ``form`` features of validated answers, one row per set of answers."""
    inputs = pd.DataFrame([dict(each) for each in answers])
    inputs["district_average_salary_czk"] = inputs["district"].map(dict(districts)).astype("float64")
    return compute(inputs, feature_set("form"))


@cache
def _model() -> type[BaseModel]:
    fields: dict[str, Any] = {question.name: (_annotation(question), ...) for question in QUESTIONS}
    return create_model("LoanQuestion", __config__=ConfigDict(extra="forbid"), **fields)


def _annotation(question: Question) -> Any:
    if question.kind == "date":
        return Annotated[date, BeforeValidator(_iso_date), Field(ge=question.earliest, le=question.latest)]
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
        raise ValueError("is not a number")
    if isinstance(value, int) and abs(value) > 10**15:
        return float("inf")
    return value


def _iso_date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) != len("YYYY-MM-DD"):
        raise ValueError("is not a date; write it as YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("is not a date; write it as YYYY-MM-DD") from error


def _field(item: ErrorDetails) -> str:
    return str(item["loc"][0])[:64] if item["loc"] else ""


_QUESTIONS = {question.name: question for question in QUESTIONS}


def _worded(item: ErrorDetails) -> str:
    """What is wrong, what was expected; never the value itself, which may be hostile."""
    kind, context = item["type"], item.get("ctx", {})
    question = _QUESTIONS.get(_field(item))
    dated = question if question and question.kind == "date" else None
    unit = f" {question.unit}" if question and question.unit else ""
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not asked for"
    if kind == "value_error":
        return str(context["error"])
    if kind == "greater_than_equal":
        return f"must not be before {dated.earliest}" if dated else f"must be at least {context['ge']:,.0f}{unit}"
    if kind == "less_than_equal":
        return f"must not be after {dated.latest}" if dated else f"must be at most {context['le']:,.0f}{unit}"
    if kind == "multiple_of":
        return "must be a whole number"
    if kind == "literal_error":
        return f"must be one of {context['expected']}"
    return "is not a number" if question and question.kind in {"money", "count"} else "is not a valid text"


def _unknown_district(district: object, districts: Mapping[str, float]) -> dict[str, str]:
    if not isinstance(district, str) or district in districts:
        return {}
    return {"district": f"is none of the {len(districts)} districts; the form lists them"}


def _contradictions(typed: Answers) -> dict[str, str]:
    """Answers that cannot be true together, named at the field that a person would correct."""
    problems = {}
    age = (typed["granted_on"] - typed["owner_born_on"]).days / 365.25
    if not YOUNGEST <= age <= OLDEST:
        problems["owner_born_on"] = f"must make the owner {YOUNGEST} to {OLDEST} years old on the day of the grant"
    if typed["opened_on"] >= typed["granted_on"]:
        problems["opened_on"] = "must be before the day of the grant"
    if typed["owner_born_on"] > typed["opened_on"]:
        problems["opened_on"] = "must not be before the owner was born"
    lowest = typed["transaction_balance_min_180d"]
    if lowest > typed["month_balance_min_mean_180d"] + _DRIFT_CZK:
        problems["month_balance_min_mean_180d"] = "cannot be below the lowest balance of the same six months"
    if typed["transaction_count_90d"] > typed["transaction_count"]:
        problems["transaction_count_90d"] = "cannot be more than all transactions so far"
    return problems
