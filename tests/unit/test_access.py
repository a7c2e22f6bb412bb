"""Who may do what: roles, the last admin, keys."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from staffed import told_at_once
from web import PASSWORD, client_for, employ

from payoff.choices import ROLES
from payoff.errors import StorageRefused
from webapp.access import Visitor
from webapp.staff import NAVIGATION
from webapp.storage import logins, users
from webapp.storage.logins import digest
from webapp.storage.tables import ApiKey, User

#: What each page of models and users asks for at least.
WANTED = {
    "models.index": "viewer", "models.version": "viewer", "models.compare": "viewer", "models.applicant": "viewer",
    "models.card": "viewer", "models.download_card": "viewer", "models.promote": "admin", "models.rollback": "admin",
    "people.index": "admin", "people.person": "admin", "people.change": "admin", "people.reset_password": "admin",
    "people.revoke": "admin", "people.account": "viewer", "people.change_password": "viewer",
    "people.make_key": "viewer", "people.revoke_own": "viewer",
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("quick_passwords", "tokenless")

#: One of the few words that an address takes.
_WHAT = {"people.change": "disable", "batches.download": "result", "batches.download_template": "form"}


def filled(rule) -> str:
    """An address of the rule, of things that are not there."""
    values = {name: 999 if name in {"number", "key"} else _WHAT.get(rule.endpoint, "x") for name in rule.arguments}
    return rule.build(values)[1]


def rules(app: Flask):
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/staff/")]


def test_every_page_for_staff_asks_strangers_to_log_in(app):
    client = app.test_client()
    asked = [rule for rule in rules(app) if rule.endpoint not in {"entry.login", "entry.logout"}]
    assert len(asked) > 15
    for rule in asked:
        for method in rule.methods & {"GET", "POST"}:
            answer = client.open(filled(rule), method=method)
            assert answer.status_code == 302, rule
            assert answer.location.split("?")[0] == "/staff/login", rule
            # Only pages can be gone back to after logging in.
            assert ("next=" in answer.location) == (method == "GET"), rule


def test_every_page_of_models_and_users_has_its_role(app):
    found = {rule.endpoint for rule in rules(app) if rule.endpoint.startswith(("models.", "people."))}
    assert found == set(WANTED)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_reaches_beyond_a_role(app, role):
    employ(app, role, role)
    client = client_for(app, role)
    for rule in rules(app):
        if rule.endpoint not in WANTED:
            continue
        allowed = ROLES.index(role) >= ROLES.index(WANTED[rule.endpoint])
        for method in rule.methods & {"GET", "POST"}:
            status = client.open(filled(rule), method=method).status_code
            assert (status != 403) == allowed, (method, rule)
            assert status < 500, (method, rule)


def test_the_navigation_names_pages_that_are_there_and_open_to_its_role(app):
    employ(app, "eva", "viewer")
    client = client_for(app, "eva")
    page = client.get("/staff/people/account").text
    for place in NAVIGATION:
        assert (f">{place.label}</a>" in page) == (place.role == "viewer")


@pytest.mark.parametrize("place", range(len(ROLES)))
def test_a_role_includes_those_before_it(place):
    visitor = Visitor(1, "eva", ROLES[place])
    assert [visitor.may(role) for role in ROLES] == [number <= place for number in range(len(ROLES))]


def test_another_role_counts_at_once(app, database):
    employ(app, "eva", "viewer")
    client = client_for(app, "eva")
    assert client.get("/staff/people/").status_code == 403
    with database.session() as session:
        users.set_role(session, users.find_user(session, "eva"), "admin", "a test")
    assert client.get("/staff/people/").status_code == 200


LOSSES = {
    "role": lambda session, user: users.set_role(session, user, "officer", "a test"),
    "disabled": lambda session, user: users.set_disabled(session, user, True, "a test"),
    "deleted": lambda session, user: users.delete_user(session, user, "a test"),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=list(LOSSES))
def test_the_last_admin_stays_one(app, database, loss):
    employ(app, "ada", "admin")
    employ(app, "eva", "officer")
    with database.session() as session:
        users.add_user(session, "old", "admin", PASSWORD, "a test")
        users.set_disabled(session, users.find_user(session, "old"), True, "a test")
    with pytest.raises(StorageRefused, match="ada is the last admin"), database.session() as session:
        loss(session, users.find_user(session, "ada"))
    with database.session() as session:
        ada = users.find_user(session, "ada")
        assert (ada.role, ada.disabled) == ("admin", False)
        # Others may go, a disabled admin among them; and ada, as soon as there is another.
        loss(session, users.find_user(session, "eva"))
        loss(session, users.find_user(session, "old"))
        users.add_user(session, "new", "admin", PASSWORD, "a test")
        loss(session, ada)


def test_the_last_admin_may_be_given_the_role_that_is_held(app, database):
    employ(app, "ada", "admin")
    with database.session() as session:
        users.set_role(session, users.find_user(session, "ada"), "admin", "a test")
        assert users.find_user(session, "ada").role == "admin"


def test_who_is_let_in_again_starts_without_a_lock_and_without_guesses(app, database):
    employ(app, "eva", "officer")
    with database.session() as session:
        eva = users.find_user(session, "eva")
        users.set_disabled(session, eva, True, "a test")
        eva.failures, eva.locked_until = 3, datetime.now(UTC) + timedelta(minutes=5)
        users.set_disabled(session, eva, False, "a test")
        assert (eva.failures, eva.locked_until) == (0, None)


def test_a_new_password_ends_a_lock(app, database):
    employ(app, "eva", "officer")
    with database.session() as session:
        eva = users.find_user(session, "eva")
        eva.failures, eva.locked_until = 3, datetime.now(UTC) + timedelta(minutes=5)
        users.set_password(session, eva, "another good password", "a test")
        assert (eva.failures, eva.locked_until) == (0, None)


def test_who_asks_is_looked_up_once_a_request(app, monkeypatch):
    employ(app, "eva", "viewer")
    client, asked, found = client_for(app, "eva"), [], logins.logged_in
    monkeypatch.setattr(logins, "logged_in", lambda *given: asked.append(1) or found(*given))
    assert client.get("/staff/people/account").status_code == 200
    assert len(asked) == 1


def test_two_admins_cannot_end_each_other_at_once(app, database):
    for name in ("ada", "eva"):
        employ(app, name, "admin")
    said = told_at_once(database, lambda session, user: users.set_role(session, user, "viewer", "a test"))
    assert said[0] == ""
    assert "is the last admin" in said[1]
    with database.session() as session:
        assert [user.role for user in users.all_users(session)].count("admin") == 1


def test_a_key_is_stored_as_a_hash_and_is_its_users(app, database):
    employ(app, "eva", "officer")
    with database.session() as session:
        made = users.add_key(session, users.find_user(session, "eva"), "  nightly job ", "eva")
    assert made.text.startswith("payoff_")
    with database.session() as session:
        key = session.scalars(select(ApiKey)).one()
        assert (key.label, key.key_hash, key.start) == ("nightly job", digest(made.text), made.text[:11])
        assert users.key_of(session, made.text).user.name == "eva"
        assert users.key_of(session, made.text[:-1]) is None
        assert users.key_of(session, "") is None


@pytest.mark.parametrize("end", ["revoked", "disabled", "deleted"])
def test_a_key_ends_when_it_is_revoked_and_with_its_user(app, database, end):
    employ(app, "eva", "officer")
    with database.session() as session:
        eva = users.find_user(session, "eva")
        key = users.add_key(session, eva, "job", "eva")
    with database.session() as session:
        eva = session.get(User, eva.id)
        if end == "revoked":
            users.revoke_key(session, session.get(ApiKey, key.stored.id), "eva")
        elif end == "disabled":
            users.set_disabled(session, eva, True, "a test")
        else:
            users.delete_user(session, eva, "a test")
    with database.session() as session:
        assert users.key_of(session, key.text) is None
        if end == "disabled":
            users.set_disabled(session, session.get(User, eva.id), False, "a test")
            assert users.key_of(session, key.text)


def test_a_key_that_was_revoked_keeps_its_moment(app, database):
    employ(app, "eva", "officer")
    with database.session() as session:
        key = users.add_key(session, users.find_user(session, "eva"), "job", "eva").stored
        users.revoke_key(session, key, "eva")
        first = key.revoked_at
        assert first <= datetime.now(UTC)
        users.revoke_key(session, key, "eva")
        assert key.revoked_at == first


@pytest.mark.parametrize("label", ["", "   ", "x" * 65, "two\nlines", "\x1b[31mred"])
def test_a_label_that_would_not_show_is_refused(app, database, label):
    employ(app, "eva", "officer")
    with database.session() as session, pytest.raises(StorageRefused, match="label"):
        users.add_key(session, users.find_user(session, "eva"), label, "eva")


def test_a_label_may_have_64_characters_and_the_newest_key_is_listed_first(app, database):
    employ(app, "eva", "officer")
    with database.session() as session:
        eva = users.find_user(session, "eva")
        for label in ("older", "x" * 64):
            users.add_key(session, eva, label, "eva")
        assert [key.label for key in users.keys_of(session, eva)] == ["x" * 64, "older"]


def test_what_is_not_there_is_said(database):
    with database.session() as session:
        with pytest.raises(StorageRefused, match="payoff user list"):
            users.find_user(session, "nobody")
        with pytest.raises(StorageRefused, match="payoff key list"):
            users.find_key(session, 7)
