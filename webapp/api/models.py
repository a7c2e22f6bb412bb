"""The model versions, and two of them side by side."""

import logging

from werkzeug.exceptions import NotFound

from payoff.comparison import compared
from payoff.errors import ModelError
from payoff.lake import Lake
from payoff.metadata import Metadata
from payoff.model import read_metadata, versions
from payoff.registry import challengers, champions
from webapp.api import schemas
from webapp.api.describing import described
from webapp.api.keys import api
from webapp.api.reading import read_query
from webapp.serving import current_lake

_TAG = "Models"
_log = logging.getLogger(__name__)


@api.get("/models")
@described(_TAG, schemas.Models, "The versions.")
def list_models() -> schemas.Models:
    """List every model version with its figures, the newest first."""
    lake = current_lake()
    roles = _roles(lake)
    found = [_readable(lake, version) for version in reversed(versions(lake))]
    return schemas.Models(models=[_told(each, roles) for each in found if each])


@api.get("/models/compare")
@described(_TAG, schemas.Compared, "Both versions.", (400, 404), query=schemas.Pair)
def compare_models() -> schemas.Compared:
    """Compare two model versions: their own figures, and both on the loans that neither was trained on."""
    pair, lake = read_query(schemas.Pair), current_lake()
    left, right = (_found(lake, version) for version in (pair.left, pair.right))
    roles, beside = _roles(lake), compared(lake, left, right)
    names = sorted({*left.metrics, *right.metrics})
    return schemas.Compared(
        left=_told(left, roles),
        right=_told(right, roles),
        metrics=[
            schemas.Metric(name=name, left=left.metrics.get(name), right=right.metrics.get(name)) for name in names
        ],
        held_out=schemas.HeldOut(loans=beside.loans, log_loss_excess=beside.log_loss, against=list(beside.against)),
    )


def _roles(lake: Lake) -> dict[str, schemas.Standing]:
    standing: dict[str, schemas.Standing] = dict.fromkeys(challengers(lake).values(), "challenger")
    return standing | dict.fromkeys(champions(lake).values(), "champion")


def _readable(lake: Lake, version: str) -> Metadata | None:
    try:
        return read_metadata(lake, version)
    except ModelError as error:
        _log.warning("a model is left out of the list: %s", error)
        return None


def _found(lake: Lake, version: str) -> Metadata:
    # Held against the list, so that no name can lead out of the models.
    if version not in versions(lake):
        raise NotFound("There is no such model version; /api/v1/models lists those there are.")
    return read_metadata(lake, version)


def _told(described_as: Metadata, roles: dict[str, schemas.Standing]) -> schemas.Model:
    taken = described_as.model_dump(include=set(schemas.Model.model_fields) - {"role", "metrics"})
    return schemas.Model(**taken, role=roles.get(described_as.version), metrics=described_as.metrics)
