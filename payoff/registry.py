"""Which model version serves: pointers in the lake, and the record of each change.

``models/champion.json`` names, for each feature set, the version that answers; ``models/challenger.json`` the newest
that does not (yet). Each promotion and rollback is a file of its own in ``models/promotions/``, never changed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import ValidationError

from payoff.comparison import Comparison, compared
from payoff.errors import LakeError, ModelError, NoModel, PromotionRefused
from payoff.lake import Lake, read_json, sha256, update_json, write_json
from payoff.metadata import Figure, Frozen, Metadata
from payoff.model import read_metadata

CHAMPION = "models/champion.json"
CHALLENGER = "models/challenger.json"
#: The set that the form can answer.
SERVED = "form"

_PROMOTIONS = "models/promotions/"


class Change(Frozen):
    """One change of champion.

    Attributes
    ----------
    compared_loans : int
        Loans that neither version was trained on.
    log_loss : Figure, optional
        By how much the new version's log-loss exceeds the old one's on them.
    forced : tuple of str
        What stood against it.
    """

    at: datetime
    action: Literal["promote", "rollback"]
    feature_set: str
    version: str
    replaced: str | None
    compared_loans: int = 0
    log_loss: Figure | None = None
    forced: tuple[str, ...] = ()
    reason: str = ""


def champion(lake: Lake, feature_set: str = SERVED) -> str:
    """The version that answers from ``feature_set``.

    Raises
    ------
    NoModel
        None was promoted yet.
    """
    if version := _pointers(lake, CHAMPION).get(feature_set):
        return version
    raise NoModel(
        f"{lake.uri} holds no model of the set {feature_set!r} yet. Run `payoff model train --features {feature_set}`, "
        "or `payoff run` for everything."
    )


def champions(lake: Lake) -> dict[str, str]:
    """The version that serves, by feature set."""
    return _pointers(lake, CHAMPION)


def challengers(lake: Lake) -> dict[str, str]:
    """The version that could be promoted next, by feature set."""
    return _pointers(lake, CHALLENGER)


def challenge(lake: Lake, version: str) -> None:
    """Make ``version`` the challenger of its set."""
    feature_set = read_metadata(lake, version).feature_set
    _point(lake, CHALLENGER, lambda held: held | {feature_set: version})


def promote(lake: Lake, version: str, *, reason: str = "", force: bool = False) -> Change:
    """Make ``version`` the champion of its feature set.

    Parameters
    ----------
    reason : str
        Recorded with the change.
    force : bool
        Promote although something stands against it; wants a reason.

    Raises
    ------
    PromotionRefused
        It is significantly worse than the champion, cannot be compared with it, or its features changed.
    ModelError
        There is no such version, a file of it is missing or damaged, or force is without a reason.
    """
    if force and not reason.strip():
        raise ModelError("a forced promotion needs a reason, which is recorded with it")
    candidate = read_metadata(lake, version)
    verify(lake, candidate)
    serving = champions(lake).get(candidate.feature_set)
    if serving == version:
        raise ModelError(f"{version} is the champion of {candidate.feature_set} already")
    change = Change(
        at=datetime.now(UTC), action="promote", feature_set=candidate.feature_set, version=version, replaced=serving,
        reason=reason.strip(),
    )  # fmt: skip
    if serving:
        found = beside(lake, candidate, serving)
        change = change.model_copy(
            update={"compared_loans": found.loans, "log_loss": found.log_loss, "forced": found.against}
        )
    if change.forced and not force:
        raise PromotionRefused(version, change.forced)
    return _carry_out(lake, change)


def rollback(lake: Lake, feature_set: str = SERVED, *, reason: str = "") -> Change:
    """Bring back the champion that the present one replaced; done twice, the one before that.

    Raises
    ------
    NoModel
        Nothing serves.
    ModelError
        The present champion replaced none, or what it replaced is gone or damaged.
    """
    serving, before = champion(lake, feature_set), earlier(lake, feature_set)
    verify(lake, read_metadata(lake, before))
    change = Change(
        at=datetime.now(UTC), action="rollback", feature_set=feature_set, version=before, replaced=serving,
        reason=reason.strip(),
    )  # fmt: skip
    return _carry_out(lake, change)


def earlier(lake: Lake, feature_set: str = SERVED) -> str:
    """The version that a rollback brings back: the one that the present champion replaced.

    Raises
    ------
    NoModel
        Nothing serves.
    ModelError
        The present champion replaced none.
    """
    serving = champion(lake, feature_set)
    made = [each for each in history(lake) if each.action == "promote" and each.version == serving]
    if not made or not made[-1].replaced:
        raise ModelError(f"{serving}, the champion of {feature_set}, replaced no other, so there is none to go back to")
    return made[-1].replaced


def history(lake: Lake) -> list[Change]:
    """Every change of champion, oldest first.

    Raises
    ------
    ModelError
        A record is not of this program.
    """
    try:
        return [Change.model_validate(read_json(lake, key)) for key in lake.keys(_PROMOTIONS)]
    except ValidationError as error:
        raise ModelError(f"a record in {lake.uri}/{_PROMOTIONS} is not of this version of payoff: {error}") from error


def verify(lake: Lake, described: Metadata) -> None:
    """Hold every file of a version to its checksum.

    Raises
    ------
    ModelError
        One is missing or damaged.
    """
    root = f"models/{described.version}"
    listed = {f"{root}/predictor/{name}": checksum for name, checksum in described.files.items()}
    listed |= {f"{root}/{name}": checksum for name, checksum in described.attachments.items()}
    damaged = [key for key, checksum in listed.items() if not lake.exists(key) or sha256(lake.read(key)) != checksum]
    if damaged:
        raise ModelError(
            f"model {described.version} is incomplete or damaged: {len(damaged)} of {len(listed)} files do not match "
            f"their checksum, {damaged[0]} first. Train or promote another."
        )


def beside(lake: Lake, candidate: Metadata, serving: str) -> Comparison:
    """``candidate`` beside the champion; one that is damaged stands against a change, but can be replaced by force."""
    try:
        return compared(lake, candidate, read_metadata(lake, serving))
    except (ModelError, LakeError) as error:
        return Comparison(0, None, (f"the champion {serving} cannot be read to compare with: {error}",))


def _carry_out(lake: Lake, change: Change) -> Change:
    """The record first: a pointer never moves without one."""
    record = f"{_PROMOTIONS}{change.at:%Y-%m-%dT%H-%M-%S.%f}.json"
    write_json(lake, record, change.model_dump(mode="json"))
    try:
        _crown(lake, change)
    except ModelError:
        # Refused. After an error of the lake the pointer may have moved all the same, and then needs its record.
        lake.delete(record)
        raise

    def without(held: dict[str, str]) -> dict[str, str]:
        return {name: version for name, version in held.items() if (name, version) != settled}

    settled = (change.feature_set, change.version)
    _point(lake, CHALLENGER, without)
    return change


def _crown(lake: Lake, change: Change) -> None:
    def crowned(held: dict[str, str]) -> dict[str, str]:
        if (serving := held.get(change.feature_set)) != change.replaced:
            raise ModelError(
                f"the champion of {change.feature_set} changed from {change.replaced or 'none'} to {serving or 'none'} "
                f"while {change.version} was judged, so nothing was changed. Do it again, to judge it by that one."
            )
        return held | {change.feature_set: change.version}

    _point(lake, CHAMPION, crowned)


def _pointers(lake: Lake, key: str) -> dict[str, str]:
    return _versions(lake, key, read_json(lake, key) if lake.exists(key) else None)


def _versions(lake: Lake, key: str, found: dict[str, Any] | None) -> dict[str, str]:
    if not all(isinstance(version, str) for version in (found or {}).values()):
        raise ModelError(f"{key} in {lake.uri} is not a pointer: expected a version for each feature set")
    return found or {}


def _point(lake: Lake, key: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    update_json(lake, key, lambda found: change(_versions(lake, key, found)))
