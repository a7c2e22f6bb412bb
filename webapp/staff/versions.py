"""The leaderboard of all model versions, and one version with all that is known about it."""

from flask import Response, render_template, request
from werkzeug.exceptions import NotFound

from features.sets import feature_set
from payoff.contract import Feature
from payoff.errors import ContractError, LakeError, ModelError
from payoff.metadata import Metadata
from payoff.registry import Change, earlier, history
from webapp.access import requires
from webapp.cards import FILES, card_file, card_part
from webapp.leaderboard import NEWEST, SORTS, by_set, ordered, roles, standings
from webapp.measures import COST, LEADING, METRICS, POLICIES, measured
from webapp.serving import current_lake
from webapp.staff.comparing import drawn_of
from webapp.staff.published import described


@requires("viewer")
def index() -> str:
    """The leaderboard."""
    by = request.args.get("sort", NEWEST)
    by = by if by in SORTS else NEWEST
    best_first = request.args.get("order") != "worst"
    lake = current_lake()
    sets = {name: ordered(rows, by, best_first=best_first) for name, rows in by_set(standings(lake)).items()}
    held = roles(lake)
    return render_template(
        "staff/models.html",
        sets=sets, by=by, best_first=best_first, measures=LEADING, measured=measured, roles=held,
        returnable=[name for name in held.champions if _has_earlier(name)],
    )  # fmt: skip


@requires("viewer")
def version(version: str) -> str:
    """One version with all that is known about it."""
    found = described(version)
    drawn, problem = drawn_of(found)
    changes, lost = _changes(version)
    return render_template(
        "staff/model_version.html",
        model=found, roles=roles(current_lake()), metrics=METRICS, policies=POLICIES, cost=COST,
        features=_features(found), curves=drawn, problem=problem, changes=changes, lost=lost, files=FILES,
    )  # fmt: skip


@requires("viewer")
def card(version: str) -> str:
    """The model card as a page of this site."""
    found = described(version)
    return render_template("staff/model_card.html", model=found, card=card_part(current_lake(), found))


@requires("viewer")
def download_card(version: str, name: str) -> Response:
    """A file of the model card, to be kept and never shown as a page of this site."""
    found = described(version)
    if name not in FILES or name not in found.attachments:
        raise NotFound
    response = Response(card_file(current_lake(), found, name), mimetype=FILES[name])
    response.headers["Content-Disposition"] = f'attachment; filename="{version}-{name}"'
    return response


def _has_earlier(set_name: str) -> bool:
    """Whether there is a champion to go back to."""
    try:
        return bool(earlier(current_lake(), set_name))
    except (ModelError, LakeError):
        return False


def _changes(version: str) -> tuple[list[Change], str]:
    """The promotions and rollbacks that a version took part in, newest first, or why they cannot be read."""
    try:
        made = history(current_lake())
    except (ModelError, LakeError) as error:
        return [], str(error)
    return [each for each in reversed(made) if version in (each.version, each.replaced)], ""


def _features(found: Metadata) -> list[tuple[str, Feature | None]]:
    """Each feature with its declaration; without one where this program knows no such feature."""
    try:
        declared = {each.name: each for each in feature_set(found.feature_set)}
    except ContractError:
        declared = {}
    return [(name, declared.get(name)) for name in found.features]
