"""Keys: who is let in, who is not, and what is noted of it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from problems import faults
from sqlalchemy import update
from web import api_key, client_of

from webapp import storage
from webapp.api import keys
from webapp.storage.tables import ApiKey, User
from webapp.storage.users import key_of, revoke_key

ASKED = "/api/v1/predictions"

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture
def key(app: Flask) -> str:
    return api_key(app, "viewer")


def last_use(app: Flask) -> datetime | None:
    with app.extensions[storage.EXTENSION].session() as session:
        used: datetime | None = session.query(ApiKey).one().last_used_at
        return used


def test_a_key_may_come_in_either_header(app: Flask, key: str) -> None:
    client = app.test_client()
    assert client.get(ASKED, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert client.get(ASKED, headers={"Authorization": f"bearer {key}"}).status_code == 200
    assert client.get(ASKED, headers={"X-API-Key": key}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, "Bearer realm=payoff"),
        ({"Authorization": "Bearer"}, "Bearer realm=payoff"),
        ({"Authorization": "Basic b3BlbjpzZXNhbWU="}, "Bearer realm=payoff"),
        ({"X-API-Key": ""}, "Bearer realm=payoff"),
        ({"Authorization": "Bearer payoff_wrong"}, "Bearer realm=payoff, error=invalid_token"),
        ({"X-API-Key": "payoff_wrong"}, "Bearer realm=payoff, error=invalid_token"),
        ({"X-API-Key": "' or 1=1 --"}, "Bearer realm=payoff, error=invalid_token"),
        ({"X-API-Key": "é" * 5000}, "Bearer realm=payoff, error=invalid_token"),
    ],
)
def test_without_a_key_that_counts_nothing_is_told(app: Flask, headers: dict[str, str], challenge: str) -> None:
    answer = app.test_client().get(ASKED, headers=headers)
    assert answer.status_code == 401
    assert faults(answer) == {}
    assert answer.headers["WWW-Authenticate"] == challenge
    assert "Retry-After" not in answer.headers


def test_a_revoked_key_does_not_count(app: Flask, key: str) -> None:
    with app.extensions[storage.EXTENSION].session() as session:
        revoke_key(session, key_of(session, key), "a test")
    assert app.test_client().get(ASKED, headers={"X-API-Key": key}).status_code == 401


def test_a_key_in_use_outlives_its_revocation_by_a_second_at_most(app: Flask, key: str, monkeypatch) -> None:
    client, headers = app.test_client(), {"X-API-Key": key}
    now = [100.0]
    monkeypatch.setattr(keys, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert client.get(ASKED, headers=headers).status_code == 200
    with app.extensions[storage.EXTENSION].session() as session:
        revoke_key(session, key_of(session, key), "a test")
    now[0] += 0.9
    assert client.get(ASKED, headers=headers).status_code == 200
    now[0] += 0.2
    assert client.get(ASKED, headers=headers).status_code == 401


def test_the_key_of_a_disabled_user_does_not_count(app: Flask, key: str) -> None:
    with app.extensions[storage.EXTENSION].session() as session:
        session.execute(update(User).values(disabled=True))
    assert app.test_client().get(ASKED, headers={"X-API-Key": key}).status_code == 401


def test_no_cookie_counts(app: Flask) -> None:
    client = client_of(app, "admin")
    assert client.get("/staff/people/").status_code == 200
    assert client.get(ASKED).status_code == 401


def test_the_use_of_a_key_is_noted_once_a_minute(app: Flask, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "TRUSTED_SECONDS", 0)
    client, headers = app.test_client(), {"X-API-Key": key}
    client.get(ASKED, headers=headers)
    first = last_use(app)
    assert first
    client.get(ASKED, headers=headers)
    assert last_use(app) == first
    with app.extensions[storage.EXTENSION].session() as session:
        session.execute(update(ApiKey).values(last_used_at=datetime.now(UTC) - timedelta(minutes=2)))
    client.get(ASKED, headers=headers)
    assert last_use(app) >= first


def test_a_key_never_reaches_the_log(app: Flask, key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    app.test_client().get(ASKED, headers={"X-API-Key": key})
    app.test_client().get(ASKED, headers={"X-API-Key": f"{key}x"})
    assert key not in caplog.text
