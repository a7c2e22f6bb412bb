"""The page of an answer: verdict, reasons, record, what would change it, and what was entered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import render_template

from features.questions import QUESTIONS, SECTIONS
from payoff.metadata import Band, Metadata
from webapp import forms, wording
from webapp.answering import Answered
from webapp.predictions import band_interval
from webapp.public.curve import drawn
from webapp.public.reasons import laid_out
from webapp.public.reference import Reference
from webapp.public.terms import term_fields, verdict_words, words
from webapp.whatif import WhatIf, what_if

#: More dots than these are not counted by anybody: then each stands for one in a hundred.
_DOTS = 300


@dataclass(frozen=True)
class Shown:
    """What the page is about.

    Attributes
    ----------
    inputs : mapping
        As they were typed.
    changed : WhatIf, optional
        What became of other terms.
    tried, mistakes : mapping of question name to text
        The other terms as they were typed, and what is wrong with them.
    """

    answered: Answered
    inputs: forms.Inputs
    reference: Reference
    changed: WhatIf | None = None
    tried: Mapping[str, str] = field(default_factory=dict)
    mistakes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One line of the table of inputs."""

    label: str
    shown: str


@dataclass(frozen=True)
class Record:
    """How the test loans ended that scored alike: their band, its interval, and dots, some of them of defaults."""

    band: Band
    interval: tuple[float, float]
    dots: int
    defaulted_dots: int


def answer_page(shown: Shown) -> str:
    """The page, whole."""
    model, prediction = shown.reference.model, shown.answered.prediction
    metadata, entered = model.metadata, what_if(model, shown.answered.answers)
    changed = shown.changed or entered
    return render_template(
        "answer.html",
        prediction=prediction,
        verdict=verdict_words(prediction.prediction),
        metadata=metadata,
        record=_record(prediction.band),
        reasons=laid_out(shown.answered.explanation, prediction.prediction, metadata),
        tables=_tables(shown.answered, metadata),
        inputs=shown.inputs,
        reference=shown.reference,
        token=shown.reference.signed(shown.inputs),
        fields=term_fields(metadata, shown.answered.answers, shown.tried, shown.mistakes),
        entered=words(entered),
        changed=words(changed),
        touched=shown.changed is not None,
        curve=drawn(changed, metadata),
    )


def _record(band: Band | None) -> Record | None:
    if band is None or not band.loans:
        return None
    dots = band.loans if band.loans <= _DOTS else 100
    return Record(band, band_interval(band), dots, dots - round(dots * band.paid_off / band.loans))


def _tables(answered: Answered, metadata: Metadata) -> dict[str, list[Row]]:
    regions = {district.name: district.region for district in metadata.districts}
    tables: dict[str, list[Row]] = {section: [] for section in SECTIONS}
    for question in QUESTIONS:
        shown = wording.answered(question, answered.answers[question.name])
        if question.kind == "district":
            shown = f"{shown}, {wording.declared(regions[shown])}"
        tables[question.section].append(Row(wording.declared(question.label), shown))
    instalment = wording.rounded(answered.prediction.terms.instalment_czk, "CZK a month")
    tables[SECTIONS[0]].append(Row(wording.declared("Monthly instalment"), instalment))
    return tables
