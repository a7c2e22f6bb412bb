"""The pages on users and on one's own account, as a browser gets them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages import words
from sqlalchemy import select, update
from web import ANSWERS, PASSWORD, audited, client_for, employ

from webapp.storage import Database, users
from webapp.storage.logins import begin
from webapp.storage.tables import ApiKey, AuditEntry, Login, StoredPrediction, User

NEW = "another good password"


pytestmark = pytest.mark.usefixtures("quick_passwords", "tokenless")


@pytest.fixture
def app(app: Flask) -> Flask:
    """An app with an admin and an officer."""
    employ(app, "ada", "admin")
    employ(app, "eva", "officer")
    return app


@pytest.fixture
def ada(app: Flask) -> FlaskClient:
    return client_for(app, "ada")


@pytest.fixture
def eva(app: Flask) -> FlaskClient:
    return client_for(app, "eva")


def number(database: Database, name: str = "eva") -> int:
    with database.session() as session:
        return users.find_user(session, name).id


def actions(app: Flask) -> list[tuple[str, str, str]]:
    return [(each.actor, each.action, each.subject) for each in audited(app)]


def test_the_list_names_everybody_with_role_state_and_last_login(app, ada, database):
    employ(app, "zed", "viewer")
    with database.session() as session:
        users.set_disabled(session, users.find_user(session, "zed"), True, "a test")
        users.find_user(session, "eva").locked_until = datetime.now(UTC) + timedelta(minutes=5)
        users.add_key(session, users.find_user(session, "eva"), "job", "eva")
    page = words(ada.get("/staff/people/"))
    today = f"{datetime.now(UTC):%-d %B %Y}"
    assert "3 users" in page
    assert re.search(rf"ada you Admin active {today}, \d\d:\d\d UTC 0 ", page)
    assert "eva Officer locked never 1 " in page
    assert "zed Viewer disabled never 0 " in page
    assert "payoff user add NAME --role officer" in page


def test_an_earlier_user_of_the_name_has_not_logged_in_for_the_new_one(app, ada, database):
    client_for(app, "eva")
    assert "eva Officer active never" not in words(ada.get("/staff/people/"))
    with database.session() as session:
        users.delete_user(session, users.find_user(session, "eva"), "a test")
    employ(app, "eva", "officer")
    assert "eva Officer active never" in words(ada.get("/staff/people/"))


def test_the_latest_login_is_told_and_neither_keys_that_ended_nor_such_logins_count(app, ada, database):
    with database.session() as session:
        eva = users.find_user(session, "eva")
        eva.created_at = datetime(2026, 1, 1, tzinfo=UTC)
        for month in (2, 4, 3):
            entry = {"actor": "eva", "action": "login.succeeded", "subject": "eva", "details": {}}
            session.add(AuditEntry(at=datetime(2026, month, 1, 9, 30, tzinfo=UTC), **entry))
        users.revoke_key(session, users.add_key(session, eva, "job", "eva").stored, "eva")
        begin(session, eva)
        session.execute(update(Login).where(Login.user_id == eva.id).values(expires_at=datetime.now(UTC)))
    assert "eva Officer active 1 April 2026, 09:30 UTC 0 " in words(ada.get("/staff/people/"))
    assert "Browsers logged in 0" in words(ada.get(f"/staff/people/{number(database)}"))


def test_a_role_is_changed_on_the_users_page(app, ada, database):
    eva = number(database)
    page = ada.get(f"/staff/people/{eva}")
    assert re.search(r'value="officer" checked', page.text)
    answer = ada.post(f"/staff/people/{eva}/role", data={"role": "viewer"}, follow_redirects=True)
    assert "The role was changed." in words(answer)
    assert re.search(r'value="viewer" checked', answer.text)
    assert ("ada", "user.role", "eva") in actions(app)


@pytest.mark.parametrize("role", ["", "root", "ADMIN"])
def test_a_role_that_is_none_changes_nothing(ada, database, role):
    assert ada.post(f"/staff/people/{number(database)}/role", data={"role": role}).status_code == 400
    with database.session() as session:
        assert users.find_user(session, "eva").role == "officer"


def test_a_user_is_disabled_and_enabled_again(app, ada, eva, database):
    at = f"/staff/people/{number(database)}"
    assert "Disable" in words(ada.get(at))
    assert "kept out now" in words(ada.post(f"{at}/disable", follow_redirects=True))
    assert eva.get("/staff/people/account").status_code == 302
    page = words(ada.get(at))
    assert "Enable" in page
    assert "Disable" not in page
    assert "may log in again" in words(ada.post(f"{at}/enable", follow_redirects=True))
    assert client_for(app, "eva")


def test_a_locked_user_is_unlocked(app, ada, database):
    for _ in range(5):
        app.test_client().post("/staff/login", data={"name": "eva", "password": "not the password"})
    at = f"/staff/people/{number(database)}"
    assert "Locked until" in words(ada.get(at))
    page = words(ada.post(f"{at}/unlock", follow_redirects=True))
    assert "Passwords are accepted again." in page
    assert "Locked until" not in page
    assert client_for(app, "eva")


def test_a_new_password_is_shown_once_and_ends_all_logins(app, ada, eva, database):
    at = f"/staff/people/{number(database)}"
    answer = ada.post(f"{at}/password")
    assert answer.headers["Cache-Control"] == "no-store"
    password = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', answer.text)[1]
    assert eva.get("/staff/people/account").status_code == 302
    assert app.test_client().post("/staff/login", data={"name": "eva", "password": PASSWORD}).status_code == 400
    assert client_for(app, "eva", password)
    assert password not in ada.get(at).text
    assert ada.get(f"{at}/password").status_code == 405


def test_all_logins_of_a_user_are_ended(app, ada, eva, database):
    client_for(app, "eva")
    at = f"/staff/people/{number(database)}"
    assert "Browsers logged in 2" in words(ada.get(at))
    page = words(ada.post(f"{at}/logout", follow_redirects=True))
    assert "Browsers logged in 0" in page
    assert "End all logins" not in page
    assert eva.get("/staff/people/account").status_code == 302
    assert ("ada", "user.logged_out", "eva") in actions(app)


def test_a_deleted_user_leaves_predictions_and_the_audit_log(app, ada, database):
    eva = number(database)
    app.test_client().post("/", data=ANSWERS)
    with database.session() as session:
        session.scalars(select(StoredPrediction)).one().user_id = eva
        users.add_key(session, session.get(User, eva), "job", "eva")
    answer = ada.post(f"/staff/people/{eva}/delete", follow_redirects=True)
    assert "The user was deleted" in words(answer)
    assert answer.request.path == "/staff/people/"
    with database.session() as session:
        assert session.scalars(select(StoredPrediction)).one().user_id is None
        assert session.scalars(select(ApiKey)).all() == []
    assert ("a test", "user.added", "eva") in actions(app)
    assert ("ada", "user.deleted", "eva") in actions(app)
    assert ada.get(f"/staff/people/{eva}").status_code == 404


@pytest.mark.parametrize(("what", "data"), [("role", {"role": "viewer"}), ("disable", {}), ("delete", {})])
def test_the_last_admin_is_told_why_not(ada, database, what, data):
    answer = ada.post(f"/staff/people/{number(database, 'ada')}/{what}", data=data)
    assert answer.status_code == 409
    assert "ada is the last admin. Give somebody else the role admin first." in words(answer)
    assert ada.get("/staff/people/").status_code == 200


@pytest.mark.parametrize(
    ("what", "data", "then"),
    [
        ("role", {"role": "viewer"}, "/staff/people/account"),
        ("disable", {}, "/staff/login"),
        ("delete", {}, "/staff/login"),
    ],
)
def test_who_gives_up_the_role_admin_is_shown_what_is_left(app, ada, database, what, data, then):
    employ(app, "zed", "admin")
    answer = ada.post(f"/staff/people/{number(database, 'ada')}/{what}", data=data)
    assert (answer.status_code, answer.location) == (302, then)
    assert ada.get(then).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "999",
        "999/delete",
        "999/password",
        "999/keys/1/revoke",
        "0",
        "x",
        "1/promote",
        "9" * 25,
        f"{'9' * 25}/delete",
        f"1/keys/{'9' * 25}/revoke",
        f"account/keys/{'9' * 25}/revoke",
    ],
)
def test_a_user_who_is_not_there_is_not_found(ada, address):
    assert ada.open(f"/staff/people/{address}", method="POST" if "/" in address else "GET").status_code == 404


def made_key(client: FlaskClient, label: str = "nightly job") -> str:
    answer = client.post("/staff/people/account/keys", data={"label": label})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return re.search(r'<code id="secret"[^>]*>([^<]+)</code>', answer.text)[1]


def test_a_key_is_shown_once_and_listed_with_its_last_use(eva, database):
    text = made_key(eva)
    with database.session() as session:
        key = users.key_of(session, text)
        assert key.user.name == "eva"
        key.last_used_at = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
    page = eva.get("/staff/people/account")
    assert text not in page.text
    assert f"nightly job {text[:11]}…" in words(page)
    assert "1 March 2026, 12:05 UTC" in words(page)


def test_a_key_without_a_label_is_asked_for_again(eva, database):
    answer = eva.post("/staff/people/account/keys", data={"label": "  "})
    assert answer.status_code == 400
    assert "A key needs a label" in words(answer)
    assert re.search(r'<input id="label"[^>]*aria-invalid="true"', answer.text)
    with database.session() as session:
        assert users.keys_of(session) == []


def test_ones_own_key_is_revoked_and_nobody_elses(app, eva, database):
    employ(app, "zed", "officer")
    own, other = made_key(eva), made_key(client_for(app, "zed"))
    with database.session() as session:
        mine, theirs = users.key_of(session, own).id, users.key_of(session, other).id
    assert eva.post(f"/staff/people/account/keys/{theirs}/revoke").status_code == 404
    assert eva.post("/staff/people/account/keys/999/revoke").status_code == 404
    answer = eva.post(f"/staff/people/account/keys/{mine}/revoke", follow_redirects=True)
    assert "The key was revoked." in words(answer)
    with database.session() as session:
        assert users.key_of(session, own) is None
        assert users.key_of(session, other)


def test_an_admin_sees_whose_keys_there_are_and_revokes_any(app, ada, eva, database):
    text = made_key(eva)
    at = f"/staff/people/{number(database)}"
    assert "nightly job" in words(ada.get(at))
    with database.session() as session:
        key = users.key_of(session, text).id
    # Under another user's address it is not there.
    assert ada.post(f"/staff/people/{number(database, 'ada')}/keys/{key}/revoke").status_code == 404
    assert "The key was revoked." in words(ada.post(f"{at}/keys/{key}/revoke", follow_redirects=True))
    with database.session() as session:
        assert users.key_of(session, text) is None
    assert ("ada", "key.revoked", f"{text[:11]}… of eva") in actions(app)


def change(client: FlaskClient, present: str = PASSWORD, new: str = NEW, again: str | None = None):
    data = {"present": present, "new": new, "again": new if again is None else again}
    return client.post("/staff/people/account/password", data=data)


def test_ones_password_is_changed_and_only_this_browser_stays(app, eva, database):
    elsewhere = client_for(app, "eva")
    with eva.session_transaction() as session:
        before = session["login"]
    assert change(eva).location == "/staff/people/account"
    page = eva.get("/staff/people/account")
    assert page.status_code == 200
    assert "Your password was changed." in words(page)
    with eva.session_transaction() as session:
        assert session["login"] != before
    assert elsewhere.get("/staff/people/account").status_code == 302
    assert client_for(app, "eva", NEW)
    assert ("eva", "user.password", "eva") in actions(app)


@pytest.mark.parametrize(
    ("sent", "field", "reason"),
    [
        ({"present": "not the password"}, "present", "not the present password"),
        ({"present": ""}, "present", "not the present password"),
        ({"new": "short"}, "new", "12 to 256 characters"),
        ({"new": "password12345"}, "new", "among the first"),
        ({"new": "eva.1234.eva"}, "new", "little more than a name"),
        ({"again": "something else"}, "again", "not the same"),
        ({"again": f"{NEW} "}, "again", "not the same"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why_at_its_field(app, eva, sent, field, reason):
    answer = change(eva, **sent)
    assert answer.status_code == 400
    assert re.search(rf'id="{field}-error">[^<]*{reason}', answer.text)
    assert re.search(
        rf'<input [^>]*id="{field}"[^>]*aria-describedby="{field}-error[^>]*aria-invalid="true"', answer.text
    )
    assert NEW not in answer.text
    assert client_for(app, "eva")


def test_guesses_at_the_present_password_are_counted(app, eva):
    for _ in range(5):
        assert change(eva, present="not the password").status_code == 400
    assert change(eva).status_code == 400
    assert app.test_client().post("/staff/login", data={"name": "eva", "password": PASSWORD}).status_code == 400
    # What is wrong with the new one is said without a guess.
    assert "12 to 256" in words(change(eva, new="short"))


def test_a_label_is_shown_as_text(eva, ada, database):
    made_key(eva, "<script>alert(1)</script>")
    for page in (eva.get("/staff/people/account"), ada.get(f"/staff/people/{number(database)}")):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
