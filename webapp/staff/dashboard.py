"""The dashboard: what was predicted, how well, how fast, and whether the applications still look like training."""

from contextlib import suppress

from flask import Blueprint, abort, render_template, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.sets import SET_NAMES
from payoff.errors import LakeError, ModelError
from webapp.access import requires
from webapp.charts import spark
from webapp.predictions import Scorer
from webapp.serving import current_lake, current_model, current_settings
from webapp.staff.drifting import SetDrift, set_drift
from webapp.staff.figures import charts_of
from webapp.staff.windows import CHOICES, Window, window_of
from webapp.storage import database
from webapp.storage.statistics import Overview, overview
from webapp.storage.tables import ModelVersion, StoredPrediction
from webapp.storage.trials import FEWEST_OUTCOMES, WORTH_TELLING, trials

#: Features shown on the dashboard; the others stand on the page of their set.
WORST = 20

dashboard = Blueprint("dashboard", __name__, url_prefix="/staff/dashboard")


@dashboard.get("/")
@requires("viewer")
def index() -> tuple[str, int]:
    """What happened in a window of time, and how the models fare."""
    window = window_of(request.args)
    with database().session() as session:
        found = overview(session, window.since, window.until)
        champions = _champions(session, found)
        page = render_template(
            "staff/dashboard.html",
            window=window,
            choices=CHOICES,
            found=found,
            charts=charts_of(found, _threshold(champions)) if found.predictions else (),
            newest=session.scalar(select(func.max(StoredPrediction.made_at))),
            drifts=[_drift(session, champion, window) for champion in champions],
            trials=trials(session, window.since, window.until),
            settings=current_settings(),
            worst=WORST,
            fewest_outcomes=FEWEST_OUTCOMES,
            worth_telling=WORTH_TELLING,
            spark=spark,
        )
    return page, 400 if window.problem else 200


@dashboard.get("/drift")
@requires("viewer")
def drift() -> tuple[str, int]:
    """Drift of every feature of one set."""
    window, name = window_of(request.args), request.args.get("set", "")
    if name not in SET_NAMES:
        abort(404)
    champion = current_model(name)
    with database().session() as session:
        found = _drift(session, champion, window)
    page = render_template("staff/dashboard_drift.html", window=window, choices=CHOICES, found=found, spark=spark)
    return page, 400 if window.problem else 200


def _champions(session: Session, found: Overview) -> list[Scorer]:
    """The champions of the sets that were predicted from; no other is loaded for this."""
    sets = select(ModelVersion.feature_set).where(ModelVersion.version.in_(found.models)).distinct()
    champions = []
    for name in sorted(session.scalars(sets)):
        # A set whose champion is gone or damaged has no drift; the models page says what is wrong.
        with suppress(ModelError, LakeError):
            champions.append(current_model(name))
    return champions


def _threshold(champions: list[Scorer]) -> float | None:
    """Where the verdict turns, if it turns at one place."""
    thresholds = {round(1 - champion.metadata.threshold, 9) for champion in champions}
    return thresholds.pop() if len(thresholds) == 1 else None


def _drift(session: Session, champion: Scorer, window: Window) -> SetDrift:
    return set_drift(session, current_lake(), champion.metadata, window.since, window.until)
