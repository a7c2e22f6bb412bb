"""What is looked at because somebody asks for figures, and takes too long to let them wait: models and drift."""

import logging
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import nan

from flask import Flask

from payoff.errors import LakeError, ModelError, PayoffError
from payoff.registry import SERVED
from webapp.drift import Drift
from webapp.lookups import LOOKED_UP
from webapp.observing import metrics
from webapp.observing.together import counted
from webapp.predictions import Scorer
from webapp.serving import EXTENSION as MODELS
from webapp.serving import LAKE, SETTINGS
from webapp.staff.drifting import SetDrift, set_drift
from webapp.storage import EXTENSION as DATABASE

#: What takes longer is told at the next scrape.
PATIENCE_SECONDS = 0.2
#: For all processes together.
DRIFT_SECONDS = 60
DRIFT_DAYS = 7

_log = logging.getLogger(__name__)


class Lookout:
    """Looks around for one app, one look at a time."""

    def __init__(self, app: Flask) -> None:
        self._found = app.extensions
        self._lock = threading.Lock()

    def look(self) -> None:
        """Look, and wait for it a moment only: a scrape tells most where the database, say, is away."""
        thread = threading.Thread(target=self._look, name="look-out", daemon=True)
        thread.start()
        thread.join(PATIENCE_SECONDS)

    def _look(self) -> None:
        if not self._lock.acquire(blocking=False):
            # Another look takes its time.
            return
        try:
            for name in (SERVED, LOOKED_UP):
                # A set without a champion that could be loaded; who asks it for a prediction is told why.
                with suppress(ModelError, LakeError):
                    self._look_at(self._found[MODELS].current(name))
        except PayoffError as error:
            _log.warning("drift is not computed: %s", error)
        finally:
            self._lock.release()

    def _look_at(self, champion: Scorer) -> None:
        name = champion.metadata.feature_set
        metrics.served(name, champion.metadata.version, "champion")
        if self._found[SETTINGS].challenger != "off":
            challenger = self._found[MODELS].challenger(name)
            metrics.served(name, challenger and challenger.metadata.version, "challenger")
        if _due(name):
            now = datetime.now(UTC)
            with self._found[DATABASE].session() as session:
                found = set_drift(session, self._found[LAKE], champion.metadata, now - timedelta(days=DRIFT_DAYS), now)
            metrics.drifted(name, found.predictions, {"score": _told(found.score), "worst_feature": _worst(found)})


def _due(feature_set: str) -> bool:
    known = counted().get_sample_value("payoff_drift_timestamp_seconds", {"feature_set": feature_set})
    return known is None or time.time() - known >= DRIFT_SECONDS


def _told(drift: Drift | None) -> float:
    """Its PSI, unless chance alone could have brought it about."""
    return nan if drift is None or drift.psi.level == "few" else drift.psi.value


def _worst(found: SetDrift) -> float:
    told = [each.drift.psi.value for each in found.features if each.drift.psi.level != "few"]
    return max(told, default=nan)
