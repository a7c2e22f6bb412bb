"""The web app: a form for people and an API for programs, both answered by the same prediction."""

from flask import Flask
from jinja2 import StrictUndefined

from payoff.lake import Lake, open_lake
from payoff.settings import Settings
from webapp import wording
from webapp.api import api, health
from webapp.problems import word_errors
from webapp.security import csrf, secure
from webapp.serving import EXTENSION, ModelHolder, Models
from webapp.vendored import find_parts
from webapp.views import pages


def create_app(settings: Settings, lake: Lake | None = None, models: Models | None = None) -> Flask:
    """The app. Nothing is loaded before the first request.

    Parameters
    ----------
    lake : Lake, optional
        Where the models are; that of the settings by default.
    models : Models, optional
        Where the model comes from; the lake's champion by default.

    Raises
    ------
    SettingsError
        The lake URI cannot be used, or no secret key can be kept.
    """
    app = Flask(__name__)
    secure(app, settings)
    app.extensions[EXTENSION] = models or ModelHolder(lake or open_lake(settings), settings.var_dir / "models")
    _prepare_templates(app)
    find_parts(app)
    csrf.exempt(api)
    app.register_blueprint(pages)
    app.register_blueprint(api)
    app.register_blueprint(health)
    word_errors(app)
    return app


def _prepare_templates(app: Flask) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(wording.FILTERS)
