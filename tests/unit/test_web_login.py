"""Logging in and out: who gets in, what is counted, and what a thief of a cookie or of the database gets."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters
from flask import Flask
from flask.testing import FlaskClient
from pages import token_of
from sqlalchemy import select
from web import PASSWORD, app_with, audited, database_of, employ

from webapp.storage import logins, passwords
from webapp.storage.logins import FAILURES_ALLOWED, digest
from webapp.storage.tables import Login, User
from webapp.storage.users import add_key, add_user, find_user, set_disabled, set_password

WRONG = "not the password at all"

pytestmark = pytest.mark.usefixtures("quick_passwords")


def made(directory: Path) -> Flask:
    app = app_with(directory)
    app.config["WTF_CSRF_ENABLED"] = False
    employ(app, "eva", "viewer")
    return app


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return made(tmp_path)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An app that tests only ask, and leave as it was."""
    return made(tmp_path_factory.mktemp("unchanged"))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def enter(client: FlaskClient, name: str = "eva", password: str = PASSWORD, address: str = "/staff/login"):
    return client.post(address, data={"name": name, "password": password})


def user_of(app: Flask, name: str = "eva") -> User:
    with database_of(app).session() as session:
        return find_user(session, name)


def change(app: Flask, **values: object) -> None:
    with database_of(app).session() as session:
        user = find_user(session, "eva")
        for name, value in values.items():
            setattr(user, name, value)


def test_name_and_password_lead_to_the_page_that_was_asked_for(client):
    asked = client.get("/staff/models/?sort=brier")
    assert asked.status_code == 302
    assert asked.location == "/staff/login?next=/staff/models/?sort%3Dbrier"
    answer = enter(client, address=asked.location)
    assert (answer.status_code, answer.location) == (302, "/staff/models/?sort=brier")
    assert client.get("/staff/models/").status_code == 200


def test_a_name_is_taken_in_any_case_and_with_spaces_around(client):
    assert enter(client, "  EVA ").status_code == 302


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "/\t/evil.example", "\t//evil.example", " //evil.example", "/\n/evil.example", "/\r\nLocation: x",
        "javascript:alert(1)", "evil.example", "//[", "http:evil.example", "/a\x00b", "/a b", "//\u2100", "",
    ],
)  # fmt: skip
def test_no_link_leads_elsewhere_after_a_login(unchanged, elsewhere):
    client = unchanged.test_client()
    answer = client.post("/staff/login", query_string={"next": elsewhere}, data={"name": "eva", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (302, "/staff/dashboard/")
    # Who is logged in already is not led astray either.
    again = client.get("/staff/login", query_string={"next": elsewhere})
    assert (again.status_code, again.location) == (302, "/staff/dashboard/")


def refused(app: Flask, client: FlaskClient, why: str) -> tuple[str, str]:
    """Name and password that are refused for that reason."""
    if why == "locked":
        change(app, locked_until=datetime.now(UTC) + timedelta(minutes=1))
    if why == "disabled":
        change(app, disabled=True)
    return ("nobody" if why == "unknown" else "eva", WRONG if why == "wrong" else PASSWORD)


@pytest.mark.parametrize("why", ["unknown", "wrong", "locked", "disabled"])
def test_every_refusal_has_the_same_words_and_the_same_work(app, client, monkeypatch, why):
    checked = []
    honest = passwords.fits
    monkeypatch.setattr(passwords, "fits", lambda *both: checked.append(1) or honest(*both))
    name, password = refused(app, client, why)
    answer = enter(client, name, password)
    assert answer.status_code == 400
    assert len(checked) == 1
    assert password not in answer.text
    assert bare(answer.text, name) == bare(enter(app.test_client(), "whoever", WRONG).text, "whoever")
    assert client.get("/staff/models/").status_code == 302


def bare(page: str, name: str) -> str:
    """The page without its token and without the name that was typed into it."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page).replace(f'value="{name}"', "")


def test_after_five_wrong_passwords_the_right_one_is_refused_for_a_quarter_of_an_hour(app, client):
    for _ in range(FAILURES_ALLOWED):
        assert enter(client, password=WRONG).status_code == 400
    assert enter(client).status_code == 400
    locked = user_of(app).locked_until
    assert timedelta(minutes=14) < locked - datetime.now(UTC) <= timedelta(minutes=15)
    change(app, locked_until=datetime.now(UTC) - timedelta(seconds=1))
    assert enter(client).status_code == 302
    assert (user_of(app).failures, user_of(app).locked_until) == (0, None)


def test_after_the_quarter_of_an_hour_guesses_are_counted_from_none(app, client):
    for _ in range(FAILURES_ALLOWED):
        enter(client, password=WRONG)
    change(app, locked_until=datetime.now(UTC) - timedelta(seconds=1))
    for _ in range(FAILURES_ALLOWED - 1):
        enter(client, password=WRONG)
    assert enter(client).status_code == 302


def test_four_wrong_passwords_are_forgiven_by_the_right_one(app, client):
    for _ in range(2):
        for _ in range(FAILURES_ALLOWED - 1):
            enter(client, password=WRONG)
        assert enter(client).status_code == 302
        client.post("/staff/logout")
    assert user_of(app).failures == 0


def test_guesses_made_at_once_are_all_counted(app):
    """Twelve at once may not be twelve times the first."""
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: enter(app.test_client(), password=WRONG).status_code, range(12)))
    assert answers == [400] * 12
    assert user_of(app).locked_until
    whys = [entry.details["why"] for entry in audited(app) if entry.action == "login.failed"]
    assert sum(why.startswith("wrong") for why in whys) == FAILURES_ALLOWED
    assert whys.count("locked") == 12 - FAILURES_ALLOWED


def test_a_password_that_was_changed_while_it_was_checked_does_not_fit(app):
    with database_of(app).session() as session:
        stale = find_user(session, "eva")
        session.expunge(stale)
    with database_of(app).session() as session:
        set_password(session, find_user(session, "eva"), "another good password", "a test")
    with database_of(app).session() as session:
        session.add(stale)
        assert not logins.knows_password(session, stale, PASSWORD)


def test_a_login_begins_a_new_session(client):
    with client.session_transaction() as before:
        before["planted"] = "by somebody else"
        before["csrf_token"] = "known to somebody else"
    assert enter(client).status_code == 302
    with client.session_transaction() as after:
        assert "planted" not in after
        assert after.get("csrf_token") != "known to somebody else"
        assert not after.permanent


def test_a_login_is_stored_as_a_hash_and_a_copied_cookie_ends_with_it(app, client):
    enter(client)
    with client.session_transaction() as cookie:
        token = cookie["login"]
    with database_of(app).session() as session:
        assert session.scalars(select(Login.token_hash)).all() == [digest(token)]
    thief = app.test_client()
    thief.set_cookie("session", client.get_cookie("session").value)
    assert thief.get("/staff/models/").status_code == 200
    assert client.post("/staff/logout").status_code == 302
    assert thief.get("/staff/models/").status_code == 302
    assert client.get("/staff/models/").status_code == 302


@pytest.mark.parametrize("cookie", ["", "nonsense", "eyJsb2dpbiI6ImEifQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"])
def test_a_cookie_that_was_not_made_here_is_nobodys(unchanged, cookie):
    client = unchanged.test_client()
    client.set_cookie("session", cookie)
    assert client.get("/staff/models/").status_code == 302


@pytest.mark.parametrize("token", ["guessed", 7, None, ["a"], ""])
def test_a_token_that_was_not_given_out_is_nobodys(unchanged, token):
    client = unchanged.test_client()
    with client.session_transaction() as session:
        session["login"] = token
    assert client.get("/staff/models/").status_code == 302


def test_a_login_ends_after_twelve_hours_and_its_row_is_cleared_away(app, client):
    enter(client)
    with database_of(app).session() as session:
        (login,) = session.scalars(select(Login))
        assert timedelta(hours=11, minutes=59) < login.expires_at - datetime.now(UTC) <= timedelta(hours=12)
        login.expires_at = datetime.now(UTC)
    assert client.get("/staff/models/").status_code == 302
    enter(app.test_client())
    with database_of(app).session() as session:
        assert len(session.scalars(select(Login)).all()) == 1


def test_who_is_disabled_is_out_at_once(app, client):
    enter(client)
    change(app, disabled=True)
    assert client.get("/staff/models/").status_code == 302
    change(app, disabled=False)
    with database_of(app).session() as session:
        employed = add_user(session, "ada", "admin", PASSWORD, "a test")
        assert employed.id
        set_disabled(session, find_user(session, "eva"), True, "a test")
        set_disabled(session, find_user(session, "eva"), False, "a test")
    # Enabled again, but the old login has ended.
    assert client.get("/staff/models/").status_code == 302


def test_a_form_that_was_opened_before_somebody_logged_in_says_so(app, client):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = enter(client)
    assert answer.status_code == 400
    assert "This page was too old" in answer.text
    assert 'href="/staff/login"' in answer.text
    assert client.get("/staff/models/").status_code == 302
    token = token_of(client, "/staff/login")
    sent = {"name": "eva", "password": PASSWORD, "csrf_token": token}
    assert client.post("/staff/login", data=sent).status_code == 302
    # The token of before the login is not good after it.
    answer = client.post("/staff/people/account/keys", data={"label": "x", "csrf_token": token})
    assert answer.status_code == 400
    assert 'href="/staff/people/account"' in answer.text


@pytest.mark.parametrize(
    "sent", [{}, {"name": "eva"}, {"password": PASSWORD}, {"name": "e" * 65, "password": PASSWORD}]
)
def test_half_a_login_is_refused_like_a_wrong_one(unchanged, sent):
    answer = unchanged.test_client().post("/staff/login", data=sent)
    assert answer.status_code == 400
    assert "Name and password do not fit" in answer.text


def test_no_password_and_no_key_is_logged_or_noted_or_stored(app, client, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    enter(client, password=WRONG)
    enter(client, name=WRONG)
    enter(client)
    with database_of(app).session() as session:
        key = add_key(session, find_user(session, "eva"), "a program", "eva").text
        set_password(session, find_user(session, "eva"), "another good password", "eva")
    said = caplog.text + "".join(f"{each.actor} {each.subject} {each.details}" for each in audited(app))
    with database_of(app).engine.connect() as connection:
        kept = "\n".join(connection.connection.driver_connection.iterdump())
    for secret in (PASSWORD, WRONG, "another good password", key, key.removeprefix("payoff_")):
        assert secret not in said
        assert secret not in kept
    assert key[: len("payoff_") + 4] in said


def test_the_audit_log_tells_of_logins_and_failures(app, client):
    enter(client, "nobody")
    enter(client, password=WRONG)
    enter(client)
    client.post("/staff/logout")
    found = [(each.actor, each.action, each.subject) for each in audited(app)][1:]
    assert found == [
        ("nobody", "login.failed", "unknown user"),
        ("eva", "login.failed", "eva"),
        ("eva", "login.succeeded", "eva"),
        ("eva", "login.ended", "eva"),
    ]


def test_a_weaker_hash_is_renewed_at_the_next_login(app, client, monkeypatch):
    before = user_of(app).password_hash
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert enter(client).status_code == 302
    after = user_of(app).password_hash
    assert extract_parameters(after).time_cost == 2
    assert after != before
    assert enter(app.test_client()).status_code == 302
    assert user_of(app).password_hash == after
