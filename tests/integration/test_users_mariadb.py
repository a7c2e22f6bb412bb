"""Users on MariaDB: what must hold there although its transactions are other than SQLite's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from staffed import quick_hashes
from web import PASSWORD

from payoff.errors import StorageError, StorageRefused
from webapp.storage import Database, users
from webapp.storage.logins import is_locked, last_logins, log_in, logged_in
from webapp.storage.tables import ApiKey, Login


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


@pytest.fixture
def database(mariadb_url: str) -> Iterator[Database]:
    made = Database(mariadb_url)
    made.migrate()
    with made.session() as session:
        for name in ("ada", "eva"):
            users.add_user(session, name, "admin", PASSWORD, "a test")
    yield made
    made.engine.dispose()


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
    both = Barrier(2)

    def end(name: str) -> str:
        try:
            with database.session() as session:
                user = users.find_user(session, name)
                both.wait()
                users.set_disabled(session, user, True, "a test")
        except StorageError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(end, ["ada", "eva"]))
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
