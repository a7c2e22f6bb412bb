"""The form, generated from the questions. What is wrong with an answer is said by ``features.answers`` alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.widgets import DateInput, NumberInput

from features.questions import QUESTIONS, SECTIONS, Question
from payoff.metadata import Metadata
from webapp.wording import declared, faulty, typical

Inputs = Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A field of the form with what stands around it, in the reader's language."""

    name: str
    label: str
    hint: str
    unit: str
    typical: str
    error: str
    field: Field
    attributes: Mapping[str, Any]


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
    asked = {title: [question for question in QUESTIONS if question.section == title] for title in SECTIONS}
    return tuple(
        Section(declared(title), tuple(_entry(form, question, metadata, errors) for question in questions))
        for title, questions in asked.items()
    )


def _field(question: Question) -> Any:
    if question.kind in {"choice", "district"}:
        # What there is to choose is worded for each reader, below.
        return SelectField(choices=[], validate_choice=False)
    return StringField(widget=DateInput() if question.kind == "date" else NumberInput())


def _entry(form: FlaskForm, question: Question, metadata: Metadata, errors: Mapping[str, str]) -> Entry:
    name, reason, spread = question.name, errors.get(question.name, ""), metadata.spreads.get(question.name)
    beside = {
        "unit": declared(question.unit),
        "hint": declared(question.hint),
        "error": f"{faulty(question.label, reason)}." if reason else "",
        "typical": _("Typical: %(range)s", range=typical(spread, question.unit)) if spread else "",
    }
    described = " ".join(f"{name}-{what}" for what, text in beside.items() if text)
    attributes = _limits(question) | {"id": name, "required": True, "aria-describedby": described}
    if reason:
        attributes["aria-invalid"] = "true"
    if question.kind in {"choice", "district"}:
        form[name].choices = [SelectChoice("", _("Choose…")), *_choices(question, metadata)]
    return Entry(name, declared(question.label), **beside, field=form[name], attributes=attributes)


def _choices(question: Question, metadata: Metadata) -> list[SelectChoice]:
    """What there is to choose, districts by region; what is sent is validated elsewhere."""
    if question.kind == "choice":
        return [SelectChoice(value, declared(label)) for value, label in question.choices]
    ordered = sorted(metadata.districts, key=lambda district: (district.region, district.name))
    return [SelectChoice(district.name, optgroup=declared(district.region)) for district in ordered]


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
