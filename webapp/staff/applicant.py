"""The same applicant through several model versions, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from payoff.errors import InvalidAnswers, LakeError, ModelError
from payoff.metadata import Metadata
from payoff.registry import SERVED
from webapp import forms
from webapp.access import requires
from webapp.explaining.wording import label
from webapp.leaderboard import roles, standings
from webapp.predictions import Scorer, Terms
from webapp.serving import current_lake, current_model, served_models
from webapp.side_by_side import MOST_VERSIONS, Applicant, Said, from_answers, from_stored, side_by_side
from webapp.storage import database
from webapp.storage.finding import LARGEST_NUMBER
from webapp.storage.tables import Details, StoredPrediction


@dataclass(frozen=True)
class Asked:
    """Who is asked about, of which versions.

    Attributes
    ----------
    stored : StoredPrediction, optional
        The row of the history that was asked for.
    """

    applicant: Applicant | None = None
    stored: StoredPrediction | None = None
    feature_set: str = SERVED
    problem: str = ""
    errors: Mapping[str, str] | None = None


@requires("viewer")
def applicant() -> tuple[str, int]:
    """Ask for somebody, or show what several versions say; nothing of it is stored."""
    rows = [row.metadata for row in standings(current_lake()) if row.metadata]
    model = _current()
    asked = _asked(model)
    chosen, problem = _chosen(rows, asked.feature_set, request.values.getlist("version"))
    said: Sequence[Said] = ()
    if asked.applicant and not problem:
        said = side_by_side(asked.applicant, chosen, served_models().version)
    problem = problem or asked.problem
    page = render_template(
        "staff/models_applicant.html",
        versions=rows, roles=roles(current_lake()), chosen=chosen, said=said, stored=asked.stored, problem=problem,
        number=request.args.get("prediction", ""), errors=asked.errors or {}, label=label, most=MOST_VERSIONS,
        sections=_sections(model, asked), posted=request.method == "POST",
    )  # fmt: skip
    return page, 400 if problem else 200


def _asked(model: Scorer | None) -> Asked:
    if request.method == "POST" and model:
        try:
            return Asked(from_answers(model, forms.inputs_of(request.form)))
        except InvalidAnswers as error:
            return Asked(problem=_("Some answers need another look; each says why."), errors=error.fields)
    number = request.args.get("prediction", "").strip()
    return _from_history(number) if number else Asked()


def _from_history(number: str) -> Asked:
    # Short first: Python refuses to read thousands of digits.
    if not (number.isascii() and number.isdigit() and len(number) < 20 and int(number) <= LARGEST_NUMBER):
        return Asked(problem=_("A prediction’s number is made of digits, as the history shows it."))
    with database().session() as session:
        stored = session.get(StoredPrediction, int(number))
        details = session.get(Details, int(number))
    if stored is None or details is None:
        return Asked(problem=_("The history holds no prediction %(number)s.", number=number))
    found = from_stored(details.features, Terms(stored.amount_czk, stored.duration_months))
    return Asked(found, stored, stored.model.feature_set)


def _chosen(rows: Sequence[Metadata], set_name: str, asked: Sequence[str]) -> tuple[list[str], str]:
    """The versions to ask, newest first: those that were ticked, or else the newest of the set."""
    if not asked:
        return [row.version for row in rows if row.feature_set == set_name][:MOST_VERSIONS], ""
    chosen = [row.version for row in rows if row.version in asked]
    if len(chosen) > MOST_VERSIONS:
        return chosen[:MOST_VERSIONS], _("Choose %(most)s versions at most; each takes a moment.", most=MOST_VERSIONS)
    return chosen, "" if chosen else _("None of the versions that were chosen is there any more.")


def _current() -> Scorer | None:
    try:
        return current_model()
    except (ModelError, LakeError):
        return None


def _sections(model: Scorer | None, asked: Asked) -> tuple[forms.Section, ...]:
    if model is None:
        return ()
    sent: MultiDict[str, str] = request.form
    inputs = forms.inputs_of(sent) if request.method == "POST" else forms.untouched()
    return forms.sections(model.metadata, inputs, asked.errors or {})
