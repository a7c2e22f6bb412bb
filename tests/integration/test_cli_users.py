"""The commands that add users and keys, and what those may do then."""

import io
import re
import sys

import click
import pytest
from sqlalchemy import select
from web import PASSWORD

from payoff.settings import load_settings
from webapp.storage import Database, users
from webapp.storage.logins import log_in
from webapp.storage.tables import AuditEntry

OTHER = "another good password"


pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch) -> None:
    """Where there is no database yet."""
    monkeypatch.chdir(tmp_path)


def database() -> Database:
    return Database(load_settings().database_url)


@pytest.fixture
def piped(run, monkeypatch):
    """Run a command with something in its standard input."""

    def program(text: bytes, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        return run(*arguments)

    return program


@pytest.fixture
def typed(run, monkeypatch):
    """Run a command at a terminal where somebody types passwords."""

    def program(answers: list[str], *arguments: str) -> tuple[int, str, str]:
        asked = iter(answers)
        monkeypatch.setattr(sys, "stdin", type("Terminal", (io.StringIO,), {"isatty": lambda _: True})())
        monkeypatch.setattr(click.termui, "hidden_prompt_func", lambda _: next(asked))
        done = run(*arguments)
        assert list(asked) == []
        return done

    return program


@pytest.fixture
def ada(piped) -> None:
    assert piped(PASSWORD.encode() + b"\n", "user", "add", "ada", "--role", "admin", "--password-stdin")[0] == 0


def fits(name: str, password: str) -> bool:
    with database().session() as session:
        return log_in(session, name, password) is not None


def test_the_first_user_is_added_before_anything_is_served(piped):
    status, out, err = piped(PASSWORD.encode() + b"\r\n", "user", "add", "ada", "--role", "admin", "--password-stdin")
    assert (status, out, err) == (0, "ada can log in with the role admin.\n", "")
    assert fits("ada", PASSWORD)
    with database().session() as session:
        entry = session.scalars(select(AuditEntry)).first()
        assert (entry.actor, entry.action, entry.subject, entry.details) == (
            "command line", "user.added", "ada", {"role": "admin"},
        )  # fmt: skip


def test_a_password_is_typed_twice_without_echo(typed):
    status, out, _ = typed([PASSWORD, PASSWORD], "user", "add", "eva", "--role", "officer")
    assert status == 0
    assert PASSWORD not in out
    assert fits("eva", PASSWORD)


def test_two_passwords_that_differ_change_nothing(typed, run):
    status, _, err = typed([PASSWORD, OTHER], "user", "add", "eva", "--role", "officer")
    assert status == 1
    assert "differ" in err
    assert "no users yet" in run("user", "list")[1]


def test_a_password_that_would_be_guessed_is_refused_before_it_is_typed_again(typed):
    status, _, err = typed(["password1234"], "user", "add", "eva", "--role", "officer")
    assert status == 1
    assert "among the first" in err


def test_without_a_terminal_the_ways_around_it_are_named(piped):
    status, _, err = piped(PASSWORD.encode(), "user", "add", "eva", "--role", "officer")
    assert status == 1
    assert "--password-stdin or --generate" in err


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "12 to 256"),
        (b"short\n", "12 to 256"),
        (b"\xff\xfe" * 10 + b"\n", "not UTF-8"),
        (b"ada.ada.2026", "a name"),
    ],
)
def test_a_password_from_standard_input_is_held_to_the_same(piped, sent, words):
    status, _, err = piped(sent, "user", "add", "ada", "--role", "officer", "--password-stdin")
    assert status == 1
    assert words in err


def test_a_generated_password_is_printed_once(run):
    status, out, _ = run("user", "add", "eva", "--role", "viewer", "--generate")
    assert status == 0
    password = re.search(r"Password, shown this once: (\S+)", out)[1]
    assert fits("eva", password)
    assert password not in run("user", "list")[1]


def test_both_ways_at_once_are_none(run):
    status, _, err = run("user", "add", "eva", "--role", "viewer", "--generate", "--password-stdin")
    assert status == 2
    assert "exclude each other" in err


@pytest.mark.parametrize(
    "arguments",
    [["user", "add", "eva"], ["user", "add", "eva", "--role", "root"], ["user", "add", "eva", "--password", "x"]],
)
def test_a_user_needs_a_role_and_never_a_password_on_the_command_line(run, arguments):
    assert run(*arguments)[0] == 2


def test_users_are_listed_with_role_state_and_keys(run, ada):
    run("user", "add", "eva", "--role", "viewer", "--generate")
    run("user", "disable", "eva")
    run("key", "add", "ada", "--label", "job")
    assert fits("ada", PASSWORD)
    rows = [re.split(r"\s*│\s*", line.strip("│ ")) for line in run("user", "list")[1].splitlines() if "│" in line]
    assert rows[0][:3] == ["ada", "admin", "active"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", rows[0][3])
    assert rows[0][4] == "1"
    assert rows[1] == ["eva", "viewer", "disabled", "never", "0"]


def test_role_password_and_state_are_changed(run, piped, ada):
    run("user", "add", "eva", "--role", "viewer", "--generate")
    assert run("user", "role", "eva", "officer")[1] == "eva has the role officer.\n"
    assert piped(OTHER.encode(), "user", "password", "eva", "--password-stdin")[0] == 0
    assert fits("eva", OTHER)
    assert run("user", "disable", "eva")[0] == 0
    assert not fits("eva", OTHER)
    assert run("user", "enable", "eva")[0] == 0
    assert fits("eva", OTHER)
    for _ in range(5):
        assert not fits("eva", PASSWORD)
    assert not fits("eva", OTHER)
    assert "locked" in run("user", "list")[1]
    assert run("user", "unlock", "eva")[0] == 0
    assert fits("eva", OTHER)


def test_a_user_is_deleted_after_a_question(run, ada, monkeypatch):
    run("user", "add", "eva", "--role", "viewer", "--generate")
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    monkeypatch.setattr(click.termui, "visible_prompt_func", lambda _: "n")
    assert run("user", "delete", "eva")[0] == 1
    assert "eva" in run("user", "list")[1]
    assert run("user", "delete", "eva", "--yes")[1] == "eva is deleted.\n"
    assert "eva" not in run("user", "list")[1]


@pytest.mark.parametrize("command", [["role", "ada", "viewer"], ["disable", "ada"], ["delete", "ada", "--yes"]])
def test_the_last_admin_stays_one_on_the_command_line_too(run, ada, command):
    status, _, err = run("user", *command)
    assert status == 1
    assert "ada is the last admin" in err
    assert fits("ada", PASSWORD)


@pytest.mark.parametrize(
    "command",
    [
        ["role", "nobody", "viewer"], ["password", "nobody", "--generate"], ["disable", "nobody"],
        ["enable", "nobody"], ["unlock", "nobody"], ["delete", "nobody", "--yes"],
    ],
)  # fmt: skip
def test_a_user_who_is_not_there_is_said(run, command):
    status, _, err = run("user", *command)
    assert status == 1
    assert "there is no user 'nobody'; `payoff user list` shows all" in err


def test_a_key_is_printed_once_listed_and_revoked(run, ada):
    assert "There are no keys" in run("key", "list")[1]
    status, out, _ = run("key", "add", "ada", "--label", "nightly [red]job")
    assert status == 0
    number, text = re.fullmatch(r"Key (\d+) of ada, shown this once: (payoff_\S+)\n", out).groups()
    with database().session() as session:
        assert users.key_of(session, text).user.name == "ada"
    listed = run("key", "list", "ada")[1]
    assert text not in listed
    assert f"{text[:11]} │ ada  │ nightly [red]job" in listed
    assert "active" in listed
    assert run("key", "revoke", number)[1] == f"The key {text[:11]}… of ada is revoked.\n"
    with database().session() as session:
        assert users.key_of(session, text) is None
    assert "revoked" in run("key", "list")[1]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["add", "nobody", "--label", "x"], "no user 'nobody'"),
        (["add", "ada", "--label", " "], "needs a label"),
        (["list", "nobody"], "no user 'nobody'"),
        (["revoke", "7"], "no key 7"),
    ],
)
def test_what_cannot_be_done_with_keys_is_said(run, ada, command, words):
    status, _, err = run("key", *command)
    assert status == 1
    assert words in err


def test_a_database_that_cannot_be_reached_is_named_without_its_password(run, monkeypatch):
    monkeypatch.setenv("PAYOFF_DATABASE_URL", "mysql+pymysql://eva:secret@127.0.0.1:1/none")
    status, _, err = run("user", "list")
    assert status == 1
    assert "PAYOFF_DATABASE_URL" in err
    assert "secret" not in err


def test_what_helps_says_what_the_roles_are(run):
    out = re.sub(r"\s+", " ", run("user", "--help")[1])
    assert "A viewer looks at history, dashboard and models; an officer also" in out
