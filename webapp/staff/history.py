"""History: every prediction, found by filters; one of them in full; how its loan ended; deleting."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as AnyResponse

from payoff.choices import Verdict
from payoff.errors import InvalidAnswers
from webapp import csv_safe
from webapp.access import requires, staff
from webapp.staff.describing import described
from webapp.staff.filtering import OUTCOME_NAMES, SOURCE_NAMES, VERDICT_NAMES, Asked, asked, cursor
from webapp.storage import Database, database
from webapp.storage.audit import note
from webapp.storage.finding import LARGEST_NUMBER
from webapp.storage.queries import MOST_COUNTED, Filters, Page, detail, found, page, record_outcome, versions
from webapp.storage.retention import delete
from webapp.storage.tables import StoredPrediction, User

history = Blueprint("history", __name__, url_prefix="/staff/history")

#: In addresses; beyond it neither database has a number.
_NUMBER = f"<int(max={LARGEST_NUMBER}):number>"
#: Rows that an export holds in memory at once.
_EXPORTED_AT_ONCE = 2000
_COLUMNS = (
    "number", "made_at", "application", "account_id", "source", "amount_czk", "duration_months", "payoff_probability",
    "verdict", "model", "arm", "outcome", "outcome_at",
)  # fmt: skip
_NAMES = {"sources": SOURCE_NAMES, "verdicts": VERDICT_NAMES, "outcomes": OUTCOME_NAMES}


@history.get("/")
@requires("viewer")
def index() -> tuple[str, int]:
    """The predictions that fit the filters in the address, a page of them."""
    before, after = cursor("before"), cursor("after")
    with database().session() as session:
        known = versions(session)
        sought = asked(request.args, known)
        try:
            shown = None if sought.errors else page(session, sought.filters, before=before, after=after)
            counted = None if sought.errors else found(session, sought.filters)
        except InvalidAnswers as error:
            sought.errors.update(_worded(error))
            shown = counted = None
    return _list(sought, known, shown, counted), 400 if sought.errors else 200


@history.get("/export.csv")
@requires("officer")
def export() -> Response | AnyResponse:
    """Every prediction that fits the filters, newest first, as CSV."""
    with database().session() as session:
        sought = asked(request.args, versions(session))
        mistaken = redirect(f"{url_for('history.index')}?{urlencode(sought.texts)}")
        if sought.errors:
            return mistaken
        try:
            first = page(session, sought.filters, size=_EXPORTED_AT_ONCE)
        except InvalidAnswers:
            return mistaken
        # Not what was searched for: it may be a person's reference.
        note(session, staff().name, "history.exported", "predictions", {"filtered by": sorted(sought.texts)})
    answer = Response(_exported(database(), sought.filters, first), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=payoff-history.csv"
    return answer


@history.get(f"/{_NUMBER}")
@requires("viewer")
def single(number: int) -> str:
    """All that is stored about one prediction; ``?thorough=1`` computes its explanation anew."""
    with database().session() as session:
        stored = detail(session, number)
        if stored is None:
            raise NotFound
        asker = session.get(User, stored[0].user_id) if stored[0].user_id else None
    # After the transaction, because a model may have to be loaded first.
    about = described(*stored, asker.name if asker else None, thorough=request.args.get("thorough") == "1")
    return render_template("staff/history_detail.html", about=about, **_NAMES)


@history.post(f"/{_NUMBER}/outcome")
@requires("officer")
def outcome(number: int) -> AnyResponse:
    """Record, correct or withdraw how the loan ended."""
    given = request.form.get("outcome", "")
    if given not in {*OUTCOME_NAMES, "unknown"}:
        raise BadRequest
    ended = None if given == "unknown" else cast("Verdict", given)
    with database().session() as session:
        if not record_outcome(session, number, ended, staff().name):
            raise NotFound
    return redirect(url_for("history.single", number=number, recorded=1, _anchor="outcome"), 303)


@history.route(f"/{_NUMBER}/delete", methods=["GET", "POST"])
@requires("admin")
def remove(number: int) -> str | AnyResponse:
    """Ask once more, then delete a prediction for good."""
    with database().session() as session:
        if request.method == "POST":
            if not delete(session, [number], staff().name):
                raise NotFound
            return redirect(url_for("history.index", deleted=number), 303)
        row = session.get(StoredPrediction, number)
        if row is None:
            raise NotFound
        return render_template("staff/history_delete.html", row=row, **_NAMES)


def _list(sought: Asked, known: Any, shown: Page | None, counted: tuple[int, bool] | None) -> str:
    deleted = request.args.get("deleted", "")
    return render_template(
        "staff/history.html",
        sought=sought,
        version_choices=[(version, version) for version in known],
        page=shown,
        counted=counted,
        most=MOST_COUNTED,
        deleted=int(deleted) if deleted.isascii() and deleted.isdigit() and len(deleted) < 20 else None,
        **_NAMES,
    )


def _worded(error: InvalidAnswers) -> dict[str, str]:
    if set(error.fields) != {"search"}:
        raise error
    return {"search": str(_("Too many predictions fit this search. Give more of the reference."))}


def _exported(held_in: Database, filters: Filters, held: Page) -> Iterator[str]:
    yield csv_safe.BOM + csv_safe.lines([_COLUMNS])
    while held.rows:
        yield csv_safe.lines(_cells(row) for row in held.rows)
        if held.older is None:
            return
        with held_in.session() as session:
            held = page(session, filters, before=held.older, size=_EXPORTED_AT_ONCE)


def _cells(row: StoredPrediction) -> list[csv_safe.Cell]:
    return [
        row.id, _iso(row.made_at), row.application, row.account_id, row.source, row.amount_czk, row.duration_months,
        row.payoff_probability, row.verdict, row.model.version, row.arm, row.outcome,
        _iso(row.outcome_at) if row.outcome_at else None,
    ]  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
