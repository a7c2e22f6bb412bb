"""The form, generated from the questions. What is wrong with an answer is said by ``features.answers`` alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.widgets import DateInput, NumberInput

from features.questions import QUESTIONS, SECTIONS, Question
from payoff.metadata import Metadata
from webapp import wording

Inputs = Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A field of the form with what stands around it."""

    question: Question
    field: Field
    attributes: Mapping[str, Any]
    typical: str
    error: str


@dataclass(frozen=True)
class Section:
    """A group of entries under one heading."""

    title: str
    entries: tuple[Entry, ...]


@cache
def form_class() -> type[FlaskForm]:
    """The form with one field for each question."""
    return type("LoanForm", (FlaskForm,), {question.name: _field(question) for question in QUESTIONS})


def inputs_of(sent: MultiDict[str, str]) -> Inputs:
    """What was sent for each question; an empty input counts as not answered."""
    texts = {question.name: sent.get(question.name, "").strip() for question in QUESTIONS}
    return {name: text for name, text in texts.items() if text}


def untouched() -> Inputs:
    """The inputs of a form nobody has typed into."""
    return {"granted_on": date.today().isoformat()}


def sections(metadata: Metadata, inputs: Inputs, errors: Mapping[str, str]) -> tuple[Section, ...]:
    """The form, ready to be laid out.

    Parameters
    ----------
    inputs : mapping of question name to text
        Shown as they are, right or wrong.
    errors : mapping of question name to what is wrong
        As ``InvalidAnswers.fields``.
    """
    form = form_class()(formdata=None, data=inputs)
    form["district"].choices = _districts(metadata)
    entries = [_entry(form[question.name], question, metadata, errors.get(question.name, "")) for question in QUESTIONS]
    return tuple(Section(title, tuple(e for e in entries if e.question.section == title)) for title in SECTIONS)


def _field(question: Question) -> Any:
    if question.kind == "choice":
        return SelectField(question.label, choices=[_choose(), *(SelectChoice(*each) for each in question.choices)])
    if question.kind == "district":
        return SelectField(question.label, choices=[_choose()])
    return StringField(question.label, widget=DateInput() if question.kind == "date" else NumberInput())


def _choose() -> SelectChoice:
    return SelectChoice("", "Choose…")


def _districts(metadata: Metadata) -> list[SelectChoice]:
    """The districts by region; what is sent is validated against them elsewhere."""
    ordered = sorted(metadata.districts, key=lambda district: (district.region, district.name))
    return [_choose(), *(SelectChoice(district.name, optgroup=district.region) for district in ordered)]


def _entry(field: Field, question: Question, metadata: Metadata, error: str) -> Entry:
    spread = metadata.spreads.get(question.name)
    typical = wording.typical(spread, question.unit) if spread else ""
    beside = {"unit": question.unit, "hint": question.hint, "error": error, "typical": typical}
    described = " ".join(f"{question.name}-{what}" for what, text in beside.items() if text)
    attributes = _limits(question) | {"id": question.name, "required": True, "aria-describedby": described}
    if error:
        attributes["aria-invalid"] = "true"
    return Entry(question, field, attributes, typical, error)


def _limits(question: Question) -> dict[str, str | bool]:
    if question.kind == "date":
        return {"min": question.earliest.isoformat(), "max": question.latest.isoformat()}
    if question.valid is None:
        return {}
    limits: dict[str, str | bool] = {"min": f"{question.valid.low:.0f}", "max": f"{question.valid.high:.0f}"}
    limits["step"] = "1" if question.kind == "count" else "any"
    # The decimal keypads of phones have no minus sign; the keypad of a bare number field has.
    if question.valid.low >= 0:
        limits["inputmode"] = "numeric" if question.kind == "count" else "decimal"
    return limits
