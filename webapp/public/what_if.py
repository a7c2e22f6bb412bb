"""Other terms tried out: for the page's own script as JSON, without it as the page again. Nothing is stored."""

from collections.abc import Mapping
from dataclasses import asdict

from flask import jsonify, redirect, request, url_for
from werkzeug.wrappers import Response

from features.answers import form_features
from features.questions import QUESTIONS
from payoff.errors import InvalidAnswers
from webapp import forms
from webapp.answering import Answered
from webapp.explaining import explain
from webapp.predictions import Scorer, predict, typed_answers
from webapp.problems import expects_json, problem
from webapp.public.answer import Shown, answer_page
from webapp.public.curve import drawn
from webapp.public.reference import Reference, read_reference
from webapp.public.terms import PREFIX, words
from webapp.whatif import AMOUNT, DURATION, WhatIf, what_if
from webapp.wording import faulty


def try_terms() -> tuple[str, int] | Response:
    """What the model that answered says of other terms."""
    if request.method != "POST":
        return redirect(url_for("pages.blank_form"))
    inputs = forms.inputs_of(request.form)
    reference = read_reference(request.form.get("reference", ""), inputs)
    model = reference.model
    tried = {name: request.form.get(PREFIX + name, "").strip() for name in (AMOUNT, DURATION)}
    asked = {name: text for name, text in {**inputs, **tried}.items() if text}
    try:
        found = what_if(model, typed_answers(model, asked))
    except InvalidAnswers as error:
        return _refused(error) if expects_json() else (_again(inputs, reference, tried, mistakes=error.fields), 400)
    return jsonify(_as_json(found, model)) if expects_json() else (_again(inputs, reference, tried, found), 200)


def _as_json(found: WhatIf, model: Scorer) -> dict[str, object]:
    curve = drawn(found, model.metadata)
    return {
        "payoff_probability": found.payoff_probability,
        "verdict": found.verdict,
        "instalment_czk": found.terms.instalment_czk,
        "largest_amount_czk": found.largest_amount_czk,
        "words": asdict(words(found)),
        "curve": asdict(curve) if curve else None,
    }


def _refused(error: InvalidAnswers) -> Response:
    labels = {question.name: question.label for question in QUESTIONS}
    reasons = {PREFIX + name: f"{faulty(labels[name], reason)}." for name, reason in error.fields.items()}
    return problem(400, "Other terms are needed: `errors` says what is wrong with each.", reasons)


def _again(
    inputs: forms.Inputs,
    reference: Reference,
    tried: Mapping[str, str],
    found: WhatIf | None = None,
    mistakes: Mapping[str, str] | None = None,
) -> str:
    """The answer as it was given, computed anew from its inputs, with what came of other terms."""
    model = reference.model
    typed = typed_answers(model, inputs)
    explanation = explain(model, form_features([typed], model.metadata.salaries))
    answered = Answered(reference.number, predict(model, typed), typed, explanation, model)
    return answer_page(Shown(answered, inputs, reference, found, tried, mistakes or {}))
