"""Which stored prediction an answer's page shows: handed on to the next page, signed, so that none can be claimed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.exceptions import BadRequest

from webapp.predictions import Scorer
from webapp.serving import served_models


@dataclass(frozen=True)
class Reference:
    """A stored prediction: its number, the model that made it, and when."""

    number: int
    version: str
    made_at: datetime

    def signed(self, inputs: Mapping[str, str]) -> str:
        """Good for ``inputs`` alone."""
        return str(_signer().dumps([self.number, self.version, self.made_at.isoformat(), _digest(inputs)]))

    @property
    def model(self) -> Scorer:
        """The model that made the prediction, also when another has been promoted since."""
        models = served_models()
        for held in (models.current(), models.challenger()):
            if held and held.metadata.version == self.version:
                return held
        return models.version(self.version)


def read_reference(text: str, inputs: Mapping[str, str]) -> Reference:
    """The reference that was signed for ``inputs``. Raises BadRequest where it was not."""
    try:
        number, version, made_at, digest = _signer().loads(text)
    except BadSignature as error:
        raise BadRequest("The reference is not of this site.") from error
    if digest != _digest(inputs):
        raise BadRequest("The reference belongs to other answers.")
    return Reference(number, version, datetime.fromisoformat(made_at))


def _signer() -> Any:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="reference")


def _digest(inputs: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(inputs), sort_keys=True).encode()).hexdigest()
