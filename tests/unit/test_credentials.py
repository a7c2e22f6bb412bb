"""Names and passwords: which are taken, and how a password is kept."""

import re

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from staffed import THOROUGH
from web import PASSWORD, employ

from payoff.errors import StorageRefused
from webapp.storage import passwords
from webapp.storage.users import add_user

pytestmark = pytest.mark.usefixtures("quick_passwords")


def test_passwords_are_hashed_with_argon2id_as_rfc_9106_advises(monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", THOROUGH)
    passwords.of_nobody.cache_clear()
    found = extract_parameters(passwords.of_nobody())
    assert (found.type, found.time_cost, found.memory_cost, found.parallelism) == (Type.ID, 3, 65536, 4)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "12 to 256 characters"),
        ("a long one " * 24, "12 to 256 characters"),
        ("Password1234!", "among the first"),
        ("2024-Liverpool-2024", "among the first"),
        ("passwordpassword", "among the first"),
        ("qwertyuiop123", "among the first"),
        ("1q2w3e4r5t6y", "among the first"),
        ("aaaaaaaaaaaaaaaa", "among the first"),
        ("abababababababab", "among the first"),
        ("123456789012", "among the first"),
        ("19970510-1960", "among the first"),
        ("eva.novak.1997", "little more than a name"),
        ("EVA.NOVAK-EVA.NOVAK", "little more than a name"),
        ("payoff-payoff", "little more than a name"),
    ],
)
def test_a_password_that_would_be_guessed_first_is_refused(password, words):
    with pytest.raises(StorageRefused, match=words):
        passwords.check(password, "eva.novak")


@pytest.mark.parametrize("password", [PASSWORD, "eva.novak went to the sea", "žluťoučký kůň", " leading and trailing "])
def test_a_long_password_of_any_characters_is_taken(password):
    passwords.check(password, "eva.novak")
    assert passwords.fits(passwords.hashed(password, "eva.novak"), password)


def test_a_generated_password_is_random_and_would_be_taken():
    made = {passwords.generated() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        assert re.fullmatch(r"([a-hj-km-np-z2-9]{5}-){3}[a-hj-km-np-z2-9]{5}", each)
        passwords.check(each, "eva")


@pytest.mark.parametrize("name", ["", "Eva", "eva novak", "-eva", "a" * 65, "eva\n", "žofie", "../eva", "<b>"])
def test_an_odd_name_is_refused(database, name):
    with database.session() as session, pytest.raises(StorageRefused, match="is no user name"):
        add_user(session, name, "viewer", PASSWORD, "a test")


def test_a_name_is_given_once(app, database):
    employ(app, "eva", "viewer")
    with pytest.raises(StorageRefused, match="already"), database.session() as session:
        add_user(session, "eva", "viewer", PASSWORD, "a test")
