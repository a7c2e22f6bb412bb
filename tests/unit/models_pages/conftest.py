"""The pages on models over a lake of several versions: to be changed, or only to be asked."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from staffed import staffed
from web import client_for


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, quick_passwords: None) -> Flask:
    """An app that tests only ask, and leave as it was."""
    return staffed(tmp_path_factory.mktemp("shown"))


@pytest.fixture(scope="module")
def viewer(shown: Flask) -> FlaskClient:
    """Somebody who only asks it."""
    return client_for(shown, "viewer")


@pytest.fixture
def app(tmp_path: Path, quick_passwords: None) -> Flask:
    """An app to be changed."""
    return staffed(tmp_path)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    """Somebody who changes it."""
    return client_for(app, "admin")
