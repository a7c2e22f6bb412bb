"""How often somebody may ask, and what is said of it."""

import time
from pathlib import Path

import pytest
from flask import Flask
from pages import TOKEN
from problems import faults
from sqlalchemy import update
from web import ANSWERS, PASSWORD, api_key, app_with, employ, program

from payoff.errors import SettingsError
from webapp import limits, storage
from webapp.storage.counting import count
from webapp.storage.tables import RateCount

ASKED = "/api/v1/predictions"

pytestmark = pytest.mark.usefixtures("quick_passwords")


def end_windows(app: Flask) -> None:
    with app.extensions[storage.EXTENSION].session() as session:
        session.execute(update(RateCount).values(expires_at=time.time() - 1))


def test_a_key_is_told_how_much_is_left_and_then_when_to_come_back(tmp_path: Path) -> None:
    client = program(app_with(tmp_path, api_rate="2/minute"))
    left = [client.get(ASKED).headers["RateLimit-Remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    answer = client.get(ASKED)
    assert answer.status_code == 429
    assert faults(answer) == {}
    assert "2/minute" in answer.get_json(force=True)["detail"]
    assert answer.headers["RateLimit-Limit"] == "2"
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Reset"] == answer.headers["Retry-After"]


def test_all_of_the_api_counts_together_and_each_key_for_itself(tmp_path: Path) -> None:
    app = app_with(tmp_path, api_rate="2/minute")
    one, other = program(app), program(app)
    assert one.get("/api/v1/models").status_code == 200
    assert one.get(ASKED).status_code == 200
    assert one.get("/api/v1/statistics").status_code == 429
    assert other.get(ASKED).status_code == 200
    assert one.get("/api/v1/health").status_code == 200


def test_the_next_window_starts_anew(tmp_path: Path) -> None:
    app = app_with(tmp_path, api_rate="1/minute")
    client = program(app)
    assert [client.get(ASKED).status_code for _ in range(2)] == [200, 429]
    end_windows(app)
    assert client.get(ASKED).status_code == 200


def test_keys_cannot_be_tried_out_without_end(tmp_path: Path) -> None:
    client = app_with(tmp_path, api_rate="3/minute").test_client()
    tried = [client.get(ASKED, headers={"X-API-Key": f"payoff_{n}"}).status_code for n in range(4)]
    assert tried == [401, 401, 401, 429]


def test_the_form_is_limited_by_address_and_says_so_on_a_page(tmp_path: Path) -> None:
    client = app_with(tmp_path, form_rate="2/minute").test_client()
    token = TOKEN.search(client.get("/").text)[1]
    sent = [client.post("/", data=ANSWERS | {"csrf_token": token}) for _ in range(3)]
    assert [answer.status_code for answer in sent] == [200, 200, 429]
    assert sent[2].mimetype == "text/html"
    assert "Wait a minute" in sent[2].text
    assert sent[2].headers["Retry-After"]
    assert client.get("/").status_code == 200
    assert client.post("/", data={"csrf_token": token}, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 400


def test_the_login_is_limited_whoever_is_tried(tmp_path: Path) -> None:
    app = app_with(tmp_path, login_rate="2/minute")
    app.config["WTF_CSRF_ENABLED"] = False
    employ(app, "ann", "viewer")
    client = app.test_client()
    for name in ("x", "y"):
        assert client.post("/staff/login", data={"name": name, "password": "wrong"}).status_code == 400
    assert client.post("/staff/login", data={"name": "ann", "password": PASSWORD}).status_code == 429
    assert client.get("/staff/login").status_code == 200


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "unknown"),
        ("x' or 1=1", "unknown"),
    ],
)
def test_an_ipv6_subscriber_has_one_count_for_all_of_its_addresses(tmp_path: Path, address: str, counted: str) -> None:
    with app_with(tmp_path).test_request_context("/", environ_base={"REMOTE_ADDR": address}):
        assert limits.address() == counted


@pytest.mark.parametrize("rate", ["often", "", "0x/minute", "5"])
def test_a_rate_that_is_none_is_refused_at_the_start(tmp_path: Path, rate: str) -> None:
    with pytest.raises(SettingsError, match="PAYOFF_LOGIN_RATE"):
        app_with(tmp_path, login_rate=rate)


def test_windows_that_ended_are_deleted(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    with app.test_request_context("/"):
        for name in "abc":
            count(name, 60)
        end_windows(app)
        count("d", 60)
    with app.extensions[storage.EXTENSION].session() as session:
        assert [row.key for row in session.query(RateCount)] == ["d"]


def test_a_forwarded_address_counts_only_behind_a_trusted_proxy(tmp_path: Path) -> None:
    def tries(app: Flask) -> list[int]:
        return [app.test_client().get(ASKED, headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(3)]

    assert tries(app_with(tmp_path / "open", api_rate="2/minute")) == [401, 401, 429]
    assert tries(app_with(tmp_path / "behind", api_rate="2/minute", trusted_proxies=1)) == [401, 401, 401]


def test_behind_a_proxy_only_the_address_that_it_added_counts(tmp_path: Path) -> None:
    client = app_with(tmp_path, api_rate="2/minute", trusted_proxies=1).test_client()
    forged = [client.get(ASKED, headers={"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.7"}).status_code for n in range(3)]
    assert forged == [401, 401, 429]


def test_a_key_works_with_a_million_requests_a_minute_in_tests(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    answer = app.test_client().get(ASKED, headers={"X-API-Key": api_key(app, "viewer")})
    assert answer.headers["RateLimit-Limit"] == "1000000"
