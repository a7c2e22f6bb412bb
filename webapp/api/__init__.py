"""The API for programs: JSON under /api/v1, told of by /api/v1/openapi.json.

The views of each module return the pydantic models that the document promises. ``keys`` holds who may ask, ``reading``
what is accepted, ``describing`` and ``document`` how views become OpenAPI.
"""

from flask import Blueprint

from webapp.api import models, scoring, stored
from webapp.api.docs import docs
from webapp.api.health import health
from webapp.api.keys import api

#: What needs a key, and what anybody may ask. No cookie counts in either.
BLUEPRINTS: tuple[Blueprint, ...] = (api, health, docs)

__all__ = ["BLUEPRINTS", "models", "scoring", "stored"]
