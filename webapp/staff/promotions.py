"""Promote and roll back: a page that shows what would change, then the change, recorded twice."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import text
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from payoff import registry
from payoff.errors import LakeError, ModelError, PromotionRefused
from payoff.metadata import Metadata
from payoff.model import read_metadata
from webapp.access import requires, staff
from webapp.leaderboard import standing
from webapp.measures import LEADING, measured
from webapp.serving import current_lake
from webapp.staff.published import described
from webapp.storage import database
from webapp.storage.audit import note

LONGEST_REASON = 500

Page = tuple[str, int]


@requires("admin")
def promote(version: str) -> Page | Response:
    """Make a version the champion of its set, after a look at what stands against it."""
    candidate = described(version)
    if request.method != "POST":
        return _confirmation(candidate, "promote")
    force = request.form.get("force") == "yes"
    return _carried_out(
        candidate, "promote", lambda reason: registry.promote(current_lake(), version, reason=reason, force=force)
    )


@requires("admin")
def rollback(name: str) -> Page | Response:
    """Bring back the champion that the present one of a set replaced."""
    lake = current_lake()
    if name not in registry.champions(lake):
        raise NotFound
    try:
        before = read_metadata(lake, registry.earlier(lake, name))
    except ModelError as error:
        return render_template("staff/models_unreadable.html", problem=str(error)), 409
    if request.method != "POST":
        return _confirmation(before, "rollback")
    return _carried_out(before, "rollback", lambda reason: registry.rollback(lake, name, reason=reason))


def _carried_out(candidate: Metadata, action: str, change: Callable[[str], registry.Change]) -> Page | Response:
    reason = request.form.get("reason", "").strip()
    if problem := _unready(candidate, reason):
        return _confirmation(candidate, action, problem, status=409)
    try:
        _change(change, reason)
    except PromotionRefused:
        refused = _("It was not promoted: something stands against it. Read it below, then decide once more.")
        return _confirmation(candidate, action, refused, status=409)
    except (ModelError, LakeError) as error:
        return _confirmation(candidate, action, foreign=str(error), status=409)
    said = {
        "promote": _("%(version)s answers now.", version=candidate.version),
        "rollback": _("%(version)s answers again.", version=candidate.version),
    }
    flash(said[action])
    return redirect(url_for("models.version", version=candidate.version))


def _unready(candidate: Metadata, reason: str) -> str:
    """What must be mended before anything is tried."""
    if request.form.get("serving", "") != registry.champions(current_lake()).get(candidate.feature_set, ""):
        return str(_("Somebody else has changed the champion meanwhile. Below is how things stand now."))
    if len(reason) > LONGEST_REASON:
        return str(_("The reason is too long: %(most)s characters at most.", most=LONGEST_REASON))
    if request.form.get("force") == "yes" and not reason:
        return str(_("To promote it although something stands against it, give a reason. It is recorded."))
    return ""


def _change(carry_out: Callable[[str], registry.Change], reason: str) -> None:
    with database().session() as session:
        # Asked before: what cannot be noted must not be done.
        session.execute(text("select 1"))
        made = carry_out(reason)
        action = "model.promoted" if made.action == "promote" else "model.rolled_back"
        details = {
            "feature_set": made.feature_set,
            "replaced": made.replaced,
            "reason": made.reason,
            "forced": list(made.forced),
        }
        note(session, staff().name, action, made.version, details)


def _confirmation(candidate: Metadata, action: str, problem: str = "", foreign: str = "", status: int = 200) -> Page:
    """The page that shows the change; ``foreign`` is a problem in English words of the kernel."""
    lake = current_lake()
    serving = registry.champions(lake).get(candidate.feature_set, "")
    if serving == candidate.version:
        return render_template("staff/model_promote.html", model=candidate, serving=serving, already=True), status
    page = render_template(
        "staff/model_promote.html",
        model=candidate, serving=serving, already=False, action=action, problem=problem, foreign_problem=foreign,
        champion=standing(lake, serving).metadata if serving else None,
        found=registry.beside(lake, candidate, serving) if serving else None,
        measures=LEADING, measured=measured, reason=request.form.get("reason", ""), longest=LONGEST_REASON,
    )  # fmt: skip
    return page, status
