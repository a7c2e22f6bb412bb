"""The web app: a form for people and an API for programs, both answered by the same prediction."""

from flask import Flask
from jinja2 import StrictUndefined

from payoff.lake import Lake, open_lake
from payoff.settings import Settings
from webapp import api, staff, storage, wording
from webapp.access import introduce
from webapp.answering import gather
from webapp.batch.attached import attach
from webapp.languages import speak
from webapp.limits import restrain
from webapp.observing.page import look_out
from webapp.observing.requests import observe, request_id
from webapp.problems import word_errors
from webapp.security import csrf, secure
from webapp.serving import EXTENSION, LAKE, SETTINGS, Models, lake_models
from webapp.storage import Database
from webapp.vendored import find_parts
from webapp.views import pages


def create_app(
    settings: Settings, lake: Lake | None = None, models: Models | None = None, *, works_batches: bool = True
) -> Flask:
    """The app. Its tables are made, or brought up to date; no model is loaded before the first request.

    Parameters
    ----------
    lake : Lake, optional
        Where the models are; that of the settings by default.
    models : Models, optional
        Where the models come from; the lake by default.
    works_batches : bool
        Whether batches are taken in, and worked off in the background.

    Raises
    ------
    SettingsError
        The lake URI, the database URL or a rate cannot be used, or no secret key can be kept.
    StorageError
        The database cannot be reached.
    """
    app = Flask(__name__)
    observe(app, settings)
    secure(app, settings)
    held = Database(settings.database_url, settings.mariadb_ca)
    held.migrate()
    lake = lake or open_lake(settings)
    app.extensions[storage.EXTENSION] = held
    app.extensions[SETTINGS] = settings
    app.extensions[LAKE] = lake
    app.extensions[EXTENSION] = models or lake_models(settings, lake)
    gather(app, held, settings.gather)
    if works_batches:
        attach(app, lake)
    _prepare_templates(app)
    speak(app)
    introduce(app, staff.NAVIGATION)
    find_parts(app)
    restrain(app, settings)
    for blueprint in api.BLUEPRINTS:
        # It looks at no cookie, so there is nothing to forge a request with.
        csrf.exempt(blueprint)
    for blueprint in (pages, *api.BLUEPRINTS, *staff.BLUEPRINTS):
        app.register_blueprint(blueprint)
    look_out(app)
    word_errors(app)
    return app


def _prepare_templates(app: Flask) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(wording.FILTERS)
    app.jinja_env.globals["request_id"] = request_id
