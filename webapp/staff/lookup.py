"""Account lookup: an account and the terms of a loan give features as of a day, and a prediction from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from features.answers import validated_terms
from features.sets import feature_set
from payoff.contract import Feature
from payoff.errors import InvalidAnswers, NoModel, SettingsError, WarehouseError
from payoff.metadata import Metadata, Spread
from webapp import wording
from webapp.access import requires, staff, visitor
from webapp.answering import Answered
from webapp.explaining import LEAST, MOST_REASONS, Reason, principal_reasons
from webapp.explaining.wording import sentence
from webapp.lookups import LOOKED_UP, STALE_AFTER, answer_account, application_of, last_booking
from webapp.predictions import Outside, band_interval
from webapp.serving import current_model, current_settings
from webapp.storage.history import Circumstances

lookup = Blueprint("lookup", __name__, url_prefix="/staff/lookup")

FIELDS = ("account_id", "loan_amount_czk", "loan_duration_months", "day", "granted_on")
_MOST_OUTSIDE = 5
_MOST_FIRST = 12

Page = tuple[str, int]


@dataclass(frozen=True)
class Row:
    """A feature with its value, as they are shown."""

    label: str
    shown: str
    typical: str
    outside: bool


@lookup.get("/")
@requires("officer")
def index() -> Page:
    """The form, for today."""
    return _page({"day": "today"})


@lookup.post("/")
@requires("officer")
def answer() -> Page:
    """The prediction below the form, or what is wrong with a field; the inputs stay."""
    inputs = {name: request.form.get(name, "").strip() for name in FIELDS}
    return _page(inputs, asked=True)


@lookup.errorhandler(CSRFError)
def expired(_error: CSRFError) -> Page | Response:
    """The form again with its inputs and a fresh token; pressing the button once more is enough."""
    found = visitor()
    if found is None or not found.may("officer"):
        return redirect(url_for("lookup.index"))
    return _page({name: request.form.get(name, "").strip() for name in FIELDS}, expired=True)


def _page(inputs: Mapping[str, str], *, asked: bool = False, expired: bool = False) -> Page:
    try:
        # Asked for now, so that nobody fills in a form that nobody can answer.
        current_model(LOOKED_UP)
        newest = last_booking(current_settings())
        return _answered(newest, inputs) if asked else _form(newest, inputs, expired=expired)
    except NoModel:
        return render_template("staff/lookup_unready.html", lacking="model"), 503
    except (WarehouseError, SettingsError) as error:
        return render_template("staff/lookup_unready.html", lacking="warehouse", detail=str(error)), 503


def _answered(newest: date | None, inputs: Mapping[str, str]) -> Page:
    try:
        typed = validated_terms(_answers(inputs, newest))
        how = Circumstances("lookup", user_id=staff().user_id)
        answered = answer_account(application_of(typed), how)
    except InvalidAnswers as error:
        return _form(newest, inputs, errors=error.fields)
    return _form(newest, inputs, result=_result(answered, newest, typed["granted_on"]))


def _answers(inputs: Mapping[str, str], newest: date | None) -> dict[str, str]:
    """What was asked for, with the day that was chosen."""
    days = {"today": date.today().isoformat(), "newest": _day_after(newest)}
    chosen = dict(inputs) | {"granted_on": days.get(inputs["day"], inputs["granted_on"])}
    return {name: text for name, text in chosen.items() if text and name != "day"}


def _day_after(newest: date | None) -> str:
    return (newest + timedelta(days=1)).isoformat() if newest else ""


def _form(
    newest: date | None,
    inputs: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    result: Mapping[str, Any] | None = None,
    expired: bool = False,
) -> Page:
    page = render_template(
        "staff/lookup.html",
        inputs=inputs,
        errors=errors or {},
        newest=newest,
        day_after=newest + timedelta(days=1) if newest else None,
        today=date.today(),
        result=result,
        expired=expired,
    )
    return page, 400 if errors or expired else 200


def _result(answered: Answered, newest: date | None, asked_for: date) -> dict[str, Any]:
    prediction, metadata = answered.prediction, answered.model.metadata
    band = prediction.band if prediction.band and prediction.band.loans else None
    reasons = answered.explanation.reasons
    first, rest = _features(metadata, prediction.features, reasons)
    return {
        "prediction": prediction,
        "band": band,
        "interval": band_interval(band) if band else None,
        "against": [sentence(each, metadata) for each in principal_reasons(answered.explanation, "default")],
        "in_favour": [sentence(each, metadata) for each in reasons if each.effect >= LEAST][:MOST_REASONS],
        "outside": sorted(prediction.outside, key=_how_far, reverse=True)[:_MOST_OUTSIDE],
        "first": first,
        "rest": rest,
        "granted_on": asked_for,
        "as_of": asked_for - timedelta(days=1),
        "stale": newest is not None and asked_for - newest > STALE_AFTER,
        "metadata": metadata,
    }


def _how_far(item: Outside) -> float:
    """By how many widths of the training loans' range a figure lies beyond it."""
    beyond = max(item.low - item.value, item.value - item.high)
    return beyond / ((item.high - item.low) or 1.0)


def _features(metadata: Metadata, values: Mapping[str, Any], reasons: Sequence[Reason]) -> tuple[list[Row], list[Row]]:
    """What the model saw: some features of the strongest reasons, and all others in the model's own order."""
    declared = {feature.name: feature for feature in feature_set(metadata.feature_set)}
    strongest = sorted(reasons, key=lambda reason: abs(reason.effect), reverse=True)
    first = [name for reason in strongest for name, _value in reason.values][:_MOST_FIRST]
    rest = [name for name in metadata.features if name not in set(first)]
    first_rows, rest_rows = (
        [_row(declared[name], values[name], metadata.spreads.get(name)) for name in names] for names in (first, rest)
    )
    return first_rows, rest_rows


def _row(feature: Feature, value: Any, spread: Spread | None) -> Row:
    if value is None:
        shown = _("not known")
    elif feature.dtype == "number":
        shown = _figure(value, feature.unit)
    else:
        shown = str(value)
    typical = _typical(spread, feature.unit) if spread else ""
    outside = spread is not None and value is not None and not spread.low <= value <= spread.high
    return Row(feature.label, shown, typical, outside)


def _typical(spread: Spread, unit: str) -> str:
    return str(_("%(low)s to %(high)s", low=_figure(spread.p10), high=_figure(spread.p90, unit)))


def _figure(value: float, unit: str = "") -> str:
    """Shares and ratios are small, and nothing would be left of them without digits."""
    return wording.quantity(value, unit, digits=3) if abs(value) < 1 else wording.rounded(value, unit)
