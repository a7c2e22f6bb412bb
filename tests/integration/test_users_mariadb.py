"""Users on MariaDB: what must hold there although its transactions are other than SQLite's."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from staffed import told_at_once
from web import PASSWORD

from payoff.errors import StorageRefused
from webapp.storage import Database, users
from webapp.storage.logins import is_locked, last_logins, log_in, logged_in
from webapp.storage.tables import ApiKey, Login

pytestmark = [
    pytest.mark.usefixtures("quick_passwords"),
    pytest.mark.parametrize("empty_url", ["mariadb"], indirect=True),
]


@pytest.fixture
def database(tables: Database) -> Database:
    """Two admins."""
    with tables.session() as session:
        for name in ("ada", "eva"):
            users.add_user(session, name, "admin", PASSWORD, "a test")
    return tables


def test_a_login_is_made_found_and_remembered(database):
    with database.session() as session:
        token = log_in(session, "eva", PASSWORD)
    with database.session() as session:
        assert logged_in(session, token).name == "eva"
        assert set(last_logins(session)) == {"eva"}


def test_guesses_made_at_once_are_all_counted(database):
    def guess(_: int) -> str | None:
        with database.session() as session:
            return log_in(session, "eva", "not the password at all")

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(guess, range(10))) == [None] * 10
    with database.session() as session:
        eva = users.find_user(session, "eva")
        assert is_locked(eva)
        assert eva.failures == 0
        assert log_in(session, "eva", PASSWORD) is None


def test_two_admins_cannot_end_each_other_at_once(database):
    said = told_at_once(database, lambda session, user: users.set_disabled(session, user, True, "a test"))
    assert said[0] == ""
    assert "is the last admin" in said[1]


def test_a_name_is_taken_whatever_its_case(database):
    with pytest.raises(StorageRefused, match="already"), database.session() as session:
        users.add_user(session, "eva", "viewer", PASSWORD, "a test")


def test_a_deleted_user_takes_logins_and_keys_along(database):
    with database.session() as session:
        log_in(session, "eva", PASSWORD)
        users.add_key(session, users.find_user(session, "eva"), "job", "eva")
    with database.session() as session:
        users.delete_user(session, users.find_user(session, "eva"), "ada")
    with database.session() as session:
        assert session.scalars(select(Login)).all() == []
        assert session.scalars(select(ApiKey)).all() == []
