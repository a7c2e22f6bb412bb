"""Loading models ahead of the first request that needs them."""

import logging
from collections.abc import Iterable

from flask import Flask

from payoff.errors import LakeError, ModelError
from webapp.serving import EXTENSION, SETTINGS, Models

_log = logging.getLogger(__name__)


def warm_up(app: Flask, feature_sets: Iterable[str]) -> None:
    """Load what answers from each of ``feature_sets``; the log says what cannot be loaded."""
    models: Models = app.extensions[EXTENSION]
    challenged = app.extensions[SETTINGS].challenger != "off"
    for feature_set in feature_sets:
        try:
            models.current(feature_set)
            if challenged:
                models.challenger(feature_set)
        except (ModelError, LakeError) as error:
            _log.warning("%s", error)
