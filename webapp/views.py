"""The pages: the form, its answer, and the way back with the inputs kept."""

from dataclasses import dataclass

from flask import Blueprint, Response, current_app, redirect, render_template, request, send_file, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from features.questions import QUESTIONS, SECTIONS
from payoff.errors import InvalidAnswers, LakeError, ModelError
from payoff.metadata import Metadata
from webapp import forms, wording
from webapp.answering import Answered, answer_form
from webapp.predictions import Scorer, band_interval
from webapp.problems import unavailable
from webapp.serving import current_model
from webapp.storage.history import Circumstances
from webapp.vendored import PICO

pages = Blueprint("pages", __name__)

Page = tuple[str, int]


@dataclass(frozen=True)
class Row:
    """One line of the table of inputs."""

    label: str
    shown: str


@pages.get("/")
def blank_form() -> Page:
    """The form, empty but for today's date."""
    return _form(current_model(), forms.untouched())


@pages.post("/")
def answer() -> Page:
    """The prediction, or the form with everything that is wrong."""
    model, inputs = current_model(), forms.inputs_of(request.form)
    try:
        answered = answer_form(model, inputs, Circumstances("form"))
    except InvalidAnswers as error:
        return _form(model, inputs, error.fields, status=400)
    return _answer(answered, model.metadata, inputs), 200


@pages.get("/about")
def about() -> str:
    """What this is, what it is not, and what is kept."""
    return render_template("about.html")


@pages.route("/edit", methods=["GET", "POST"])
def edit() -> Page | AnyResponse:
    """The form with the inputs of an answer."""
    if request.method != "POST":
        return redirect(url_for("pages.blank_form"))
    return _form(current_model(), forms.inputs_of(request.form))


@pages.get("/vendor/pico.min.css")
def pico() -> Response:
    """The one file that is served out of the installed front-end parts."""
    path = current_app.config[PICO]
    if not path.is_file():
        raise NotFound
    return send_file(path, mimetype="text/css")


@pages.app_errorhandler(CSRFError)
def expired(_: CSRFError) -> Page | AnyResponse:
    """The form again with its inputs and a fresh token; pressing the button once more is enough."""
    try:
        return _form(current_model(), forms.inputs_of(request.form), status=400, expired=True)
    except (ModelError, LakeError) as error:
        return unavailable(error)


def _form(
    model: Scorer, inputs: forms.Inputs, errors: dict[str, str] | None = None, status: int = 200, expired: bool = False
) -> Page:
    problems = errors or {}
    page = render_template(
        "form.html",
        sections=forms.sections(model.metadata, inputs, problems),
        questions=len(QUESTIONS),
        errors=[(each.name, each.label, problems[each.name]) for each in QUESTIONS if each.name in problems],
        expired=expired,
        metadata=model.metadata,
    )
    return page, status


def _answer(answered: Answered, metadata: Metadata, inputs: forms.Inputs) -> str:
    prediction = answered.prediction
    band = prediction.band if prediction.band and prediction.band.loans else None
    return render_template(
        "answer.html",
        prediction=prediction,
        metadata=metadata,
        band=band,
        interval=band_interval(band) if band else None,
        tables=_tables(answered, metadata),
        inputs=inputs,
    )


def _tables(answered: Answered, metadata: Metadata) -> dict[str, list[Row]]:
    regions = {district.name: district.region for district in metadata.districts}
    tables: dict[str, list[Row]] = {section: [] for section in SECTIONS}
    for question in QUESTIONS:
        shown = wording.answered(question, answered.answers[question.name])
        if question.kind == "district":
            shown = f"{shown}, {regions[shown]}"
        tables[question.section].append(Row(question.label, shown))
    instalment = wording.rounded(answered.prediction.terms.instalment_czk, "CZK a month")
    tables[SECTIONS[0]].append(Row("Monthly instalment", instalment))
    return tables
