"""Headers, cookies and the key that signs them."""

import stat
import threading
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pages import TOKEN, send
from pydantic import SecretStr
from web import ANSWERS, app_with, settings

from payoff.errors import SettingsError
from webapp import create_app
from webapp.security import HEADERS, TRANSPORT, _generate, secret_key
from webapp.serving import EXTENSION, LakeModels


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return app_with(tmp_path).test_client()


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/"),
        ("POST", "/"),
        ("POST", "/what-if"),
        ("GET", "/about"),
        ("GET", "/nowhere"),
        ("GET", "/static/app.css"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("POST", "/api/v1/predict"),
        ("GET", "/api/nowhere"),
    ],
)
def test_every_response_carries_the_security_headers(client: FlaskClient, method: str, address: str) -> None:
    answer = client.open(address, method=method)
    assert HEADERS.items() <= dict(answer.headers).items()
    answer.close()


def test_answers_are_kept_by_nobody(client: FlaskClient) -> None:
    assert send(client, ANSWERS).headers["Cache-Control"] == "no-store"
    assert client.post("/api/v1/predict", json=ANSWERS).headers["Cache-Control"] == "no-store"
    assert client.get("/").headers["Cache-Control"] == "private, no-cache"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = client.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_cookies_stay_on_https_where_the_site_is_reached_so(client: FlaskClient) -> None:
    assert "Secure" in client.get("/", base_url="https://localhost").headers["Set-Cookie"]


def test_a_cookie_over_https_belongs_to_this_host_alone(client: FlaskClient) -> None:
    cookie = client.get("/", base_url="https://localhost").headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert client.get("/").headers["Set-Cookie"].startswith("session=")


def test_a_form_is_answered_over_https_as_well(client: FlaskClient) -> None:
    page = client.get("/", base_url="https://localhost").text
    token = TOKEN.search(page)
    assert token
    sent = ANSWERS | {"csrf_token": token[1]}
    answer = client.post("/", data=sent, base_url="https://localhost", headers={"Referer": "https://localhost/"})
    assert answer.status_code == 200


def test_browsers_are_asked_to_keep_to_https_only_over_https(client: FlaskClient) -> None:
    assert client.get("/", base_url="https://localhost").headers["Strict-Transport-Security"] == TRANSPORT
    assert "Strict-Transport-Security" not in client.get("/").headers


@pytest.mark.parametrize(("proxies", "secure"), [(0, False), (1, True)])
def test_a_proxy_is_believed_about_https_only_if_it_is_trusted(tmp_path: Path, proxies: int, secure: bool) -> None:
    client = app_with(tmp_path, trusted_proxies=proxies).test_client()
    answer = client.get("/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})
    assert ("Strict-Transport-Security" in answer.headers) == secure
    assert ("Secure" in answer.headers["Set-Cookie"]) == secure


def test_programs_get_no_cookie(client: FlaskClient) -> None:
    assert "Set-Cookie" not in client.post("/api/v1/predict", json=ANSWERS).headers
    assert "Set-Cookie" not in client.get("/readyz").headers


def test_a_key_in_the_settings_is_used_and_none_is_written(tmp_path: Path) -> None:
    assert secret_key(settings(tmp_path, secret_key=SecretStr("given"))) == "given"
    assert not (tmp_path / "var").exists()


def test_a_generated_key_is_private_and_stays(tmp_path: Path) -> None:
    first = secret_key(settings(tmp_path))
    path = tmp_path / "var" / "secret_key"
    assert len(first) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_key(settings(tmp_path, secret_key=SecretStr(""))) == first
    assert [each.name for each in path.parent.iterdir()] == ["secret_key"]


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    keys: list[str] = []
    threads = [threading.Thread(target=lambda: keys.append(secret_key(settings(tmp_path)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_damaged_key_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").write_text("short")
    with pytest.raises(SettingsError, match="Remove it"):
        secret_key(settings(tmp_path))


def test_a_place_that_cannot_be_written_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file, not a directory")
    with pytest.raises(SettingsError, match="PAYOFF_SECRET_KEY"):
        secret_key(settings(tmp_path))


def test_the_app_follows_the_champion_of_the_lake_by_default(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path))
    assert isinstance(app.extensions[EXTENSION], LakeModels)
    assert app.test_client().get("/").status_code == 503


def test_a_process_that_comes_second_leaves_the_key_alone(tmp_path: Path) -> None:
    first = secret_key(settings(tmp_path))
    _generate(tmp_path / "var" / "secret_key")
    assert secret_key(settings(tmp_path)) == first
