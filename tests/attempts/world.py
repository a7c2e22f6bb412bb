"""The app that is attacked, and the few words that an answer of it is told in."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from pages import token_of
from web import ANSWERS, PASSWORD, api_key, database_of, employ
from werkzeug.test import TestResponse

PREDICT = "/api/v1/predict"


@dataclass
class World:
    """An app with its form tokens checked, and staff in it; ``address`` where it is served on the wire."""

    app: Flask
    address: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def logged_in(self, name: str = "viewer") -> FlaskClient:
        client = self.browser()
        answer = self.log_in(client, name)
        assert answer.status_code == 302, answer.text
        return client

    def log_in(self, client: FlaskClient, name: str, password: str = PASSWORD, query: str = "") -> TestResponse:
        token = token_of(client, "/staff/login")
        return client.post(f"/staff/login{query}", data={"name": name, "password": password, "csrf_token": token})

    def ask(self, method: str = "POST", address: str = PREDICT, role: str = "viewer", **sent: Any) -> TestResponse:
        sent["headers"] = {"X-API-Key": self.keys[role]} | sent.get("headers", {})
        return self.app.test_client().open(address, method=method, **sent)

    def predict(self, **changed: Any) -> TestResponse:
        return self.ask(data=json.dumps(ANSWERS | changed), content_type="application/json")

    def transaction(self) -> Any:
        return database_of(self.app).session()

    def wire(self, request: bytes) -> str:
        """The status line's number of what the real server answers to ``request``."""
        parts = urlsplit(self.address)
        with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=30) as connection:
            # It may have had enough before all was sent.
            with suppress(OSError):
                connection.sendall(request)
            try:
                line = connection.makefile("rb").readline().decode("latin-1")
            except OSError:
                return "closed"
        return line.split()[1] if line else "closed"


def staffed(app: Flask, address: str = "") -> World:
    """An app with a viewer, an officer and an admin, and a key of each."""
    for role in ("viewer", "officer", "admin"):
        employ(app, role, role)
    return World(app, address, {role: api_key(app, role) for role in ("viewer", "officer")})


def said(answer: TestResponse) -> str:
    """An answer in a few words: its status, the fields that a problem names, where a redirect leads."""
    words = str(answer.status_code)
    if answer.status_code in {301, 302, 303, 307, 308}:
        return f"{words} to `{urlsplit(answer.headers['Location']).path}`"
    if answer.mimetype == "application/problem+json":
        fields = [
            f"`{error['field']}`" if error["field"] else "the request"
            for error in answer.get_json(force=True).get("errors", [])
        ]
        return f"{words} naming {', '.join(fields)}" if fields else words
    return words


def alike(answers: list[TestResponse]) -> str:
    """The one thing that all of them say."""
    (words,) = {said(answer) for answer in answers}
    return words
