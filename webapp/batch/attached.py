"""The runner of a Flask app; the one module of the package that knows Flask."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app
from flask_babel import force_locale

from payoff.lake import Lake
from webapp import storage
from webapp.batch.runner import Runner
from webapp.serving import EXTENSION as MODELS
from webapp.serving import SETTINGS

EXTENSION = "payoff.batches"


def attach(app: Flask, lake: Lake) -> None:
    """Give ``app`` a runner; its threads start when there is something to do."""

    @contextmanager
    def speaking(language: str) -> Iterator[None]:
        with app.app_context(), force_locale(language):
            yield

    found = app.extensions
    app.extensions[EXTENSION] = Runner(found[SETTINGS], found[storage.EXTENSION], lake, found[MODELS], speaking)


def batch_runner() -> Runner | None:
    """The runner of the running app; None where no thread may live on after an answer."""
    runner: Runner | None = current_app.extensions.get(EXTENSION)
    return runner
