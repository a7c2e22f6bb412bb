"""Two model versions side by side."""

from flask import render_template, request
from flask_babel import gettext as _

from payoff.comparison import compared, held_out
from payoff.errors import LakeError
from payoff.metadata import Metadata
from webapp.access import requires
from webapp.curves import Curves, curves
from webapp.leaderboard import Roles, roles, standings
from webapp.measures import LEADING, METRICS, measured
from webapp.serving import current_lake
from webapp.staff.published import described


@requires("viewer")
def compare() -> str:
    """Two versions side by side; without a choice, the challenger beside the champion."""
    rows = [row.metadata for row in standings(current_lake()) if row.metadata]
    held = roles(current_lake())
    names = (request.args.get("left", ""), request.args.get("right", ""))
    left, right = (described(name) for name in names) if all(names) else _usual_pair(rows, held)
    both = left and right and left.version != right.version
    return render_template(
        "staff/models_compare.html",
        versions=rows, left=left, right=right, roles=held, metrics=METRICS, measured=measured, leading=LEADING,
        beside=_beside(left, right) if left and right and both else None,
    )  # fmt: skip


def drawn_of(found: Metadata) -> tuple[Curves | None, str]:
    """The curves of a version, or why there are none."""
    try:
        said = held_out(current_lake(), found)
    except LakeError as error:
        return None, str(error)
    if said is None:
        return None, _("%(version)s was published without its predictions of held-out loans.", version=found.version)
    drawn = curves(said, found.threshold)
    return drawn, "" if drawn else _("All held-out loans of %(version)s ended alike.", version=found.version)


def _beside(left: Metadata, right: Metadata) -> dict[str, object]:
    """What a comparison says beyond the figures of each."""
    try:
        comparison, damaged = compared(current_lake(), right, left), ""
    except LakeError as error:
        comparison, damaged = None, str(error)
    sides = [(each, *drawn_of(each)) for each in (left, right)]
    drawn = [curve for _model, curve, _problem in sides]
    return {
        "comparison": comparison,
        "damaged": damaged,
        "sides": [(model, curve) for model, curve, _problem in sides],
        "rocs": [each and each.roc for each in drawn],
        "precisions": [each and each.precision_recall for each in drawn],
        "reliabilities": [each.reliability if each else () for each in drawn],
        "problems": [problem for _model, _curve, problem in sides if problem],
        "added": sorted(set(right.features) - set(left.features)),
        "gone": sorted(set(left.features) - set(right.features)),
    }


def _usual_pair(rows: list[Metadata], held: Roles) -> tuple[Metadata | None, Metadata | None]:
    """Champion and challenger of a set, or else the two newest versions of one."""
    by_name = {row.version: row for row in rows}
    for name, champion in held.champions.items():
        challenger = held.challengers.get(name)
        if champion in by_name and challenger in by_name:
            return by_name[champion], by_name[challenger]
    for name in {row.feature_set: row for row in rows}:
        newest = [row for row in rows if row.feature_set == name]
        if len(newest) > 1:
            return newest[1], newest[0]
    return (rows[1], rows[0]) if len(rows) > 1 else (None, None)
