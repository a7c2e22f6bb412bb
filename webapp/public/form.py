"""The form, and the way back to it with the inputs kept."""

from datetime import UTC, datetime

from flask import redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from features.questions import QUESTIONS
from payoff.errors import InvalidAnswers, LakeError, ModelError
from webapp import forms, wording
from webapp.answering import answer_form
from webapp.predictions import Scorer
from webapp.problems import expects_json, problem, unavailable
from webapp.public.answer import Shown, answer_page
from webapp.public.reference import Reference
from webapp.serving import current_model
from webapp.storage.history import Circumstances

Page = tuple[str, int]


def blank_form() -> Page:
    """The form, empty but for today's date."""
    return _form(current_model(), forms.untouched(), blank=True)


def answer() -> Page:
    """The prediction, or the form with everything that is wrong."""
    inputs = forms.inputs_of(request.form)
    try:
        answered = answer_form(inputs, Circumstances("form"))
    except InvalidAnswers as error:
        return _form(current_model(), inputs, error.fields, status=400)
    reference = Reference(answered.number, answered.prediction.model_version, datetime.now(UTC))
    return answer_page(Shown(answered, inputs, reference)), 200


def edit() -> Page | Response:
    """The form with the inputs of an answer."""
    if request.method != "POST":
        return redirect(url_for("pages.blank_form"))
    return _form(current_model(), forms.inputs_of(request.form))


def expired(_: CSRFError) -> Page | Response:
    """The form again with its inputs and a fresh token; pressing the button once more is enough."""
    if expects_json():
        return problem(400, "The form's token is missing or too old. Open the page anew.")
    try:
        return _form(current_model(), forms.inputs_of(request.form), status=400, expired=True)
    except (ModelError, LakeError) as error:
        return unavailable(error)


def _form(
    model: Scorer,
    inputs: forms.Inputs,
    errors: dict[str, str] | None = None,
    status: int = 200,
    expired: bool = False,
    blank: bool = False,
) -> Page:
    problems = errors or {}
    asked = [question for question in QUESTIONS if question.name in problems]
    wrong = [(question.name, wording.faulty(question.label, problems[question.name])) for question in asked]
    page = render_template(
        "form.html",
        sections=forms.sections(model.metadata, inputs, problems),
        questions=len(QUESTIONS),
        errors=wrong,
        expired=expired,
        blank=blank,
    )
    return page, status
