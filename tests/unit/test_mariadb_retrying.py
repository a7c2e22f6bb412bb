"""Which errors of MariaDB are tried again, and for how long."""

import socket
import ssl

import pytest
from pymysql.err import OperationalError, ProgrammingError
from sqlalchemy import exc

from payoff.mariadb import retrying
from payoff.mariadb.advice import advice, said

PASSING = [1040, 1203, 1226, 1053, 2002, 2003, 2006, 2013]
FINAL = [1044, 1045, 1049, 1054, 1062, 1064, 1114, 1142, 1146, 1205, 1213, 1290, 1698, 2005, 2026]


def wrapped(error: Exception) -> exc.DBAPIError:
    return exc.DBAPIError.instance("select 'hidden'", {}, error, OperationalError)


@pytest.mark.parametrize("number", PASSING)
def test_connecting_is_tried_again_where_the_server_is_busy_or_away(number):
    assert retrying.is_busy(OperationalError(number, ""))
    assert retrying.is_busy(wrapped(OperationalError(number, "")))


@pytest.mark.parametrize("number", FINAL)
def test_connecting_is_not_tried_again_otherwise(number):
    assert not retrying.is_busy(OperationalError(number, ""))


@pytest.mark.parametrize("number", [1205, 1213, 1020])
def test_a_statement_is_repeated_only_where_the_server_undid_it(number):
    assert retrying.is_undone(wrapped(OperationalError(number, "")))


@pytest.mark.parametrize("number", sorted({*PASSING, *FINAL} - {1205, 1213}))
def test_no_other_statement_is_repeated(number):
    assert not retrying.is_undone(wrapped(OperationalError(number, "")))


@pytest.mark.parametrize(
    ("cause", "passes"),
    [
        (ConnectionRefusedError(111, "refused"), True),
        (TimeoutError("timed out"), True),
        (socket.gaierror(socket.EAI_AGAIN, "later"), True),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), False),
        (ssl.SSLCertVerificationError(1, "verify failed"), False),
    ],
)
def test_nobody_answers_for_now_or_because_of_what_is_set(cause, passes):
    error = OperationalError(2003, "nobody")
    error.original_exception = cause
    assert retrying.is_busy(error) is passes
    assert retrying.is_lost(wrapped(error)) is passes


class Failing:
    """Fails so many times with an error, then gives ``done``."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times, self.error, self.calls = times, error, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "done"


@pytest.fixture
def naps(monkeypatch):
    taken: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", taken.append)
    return taken


def test_waits_grow_and_are_never_the_same_for_all(naps, monkeypatch):
    monkeypatch.setattr(retrying, "CONNECT_SECONDS", 3600)
    for _ in range(2):
        assert retrying.connecting(Failing(9, OperationalError(1040, ""))) == "done"
    first, second = naps[:9], naps[9:]
    assert first != second
    assert all(nap <= min(0.1 * 2**place, 10) for place, nap in enumerate(first))
    assert sum(first[5:]) > sum(first[:5])


def test_what_does_not_pass_is_raised_as_it_came(naps):
    failing = Failing(1, OperationalError(1045, "denied"))
    with pytest.raises(OperationalError, match="denied"):
        retrying.connecting(failing)
    assert (failing.calls, naps) == (1, [])


def test_what_goes_on_for_too_long_is_raised_as_it_came(monkeypatch):
    monkeypatch.setattr(retrying, "CONNECT_SECONDS", 0.3)
    failing = Failing(10**6, OperationalError(1040, "full"))
    with pytest.raises(OperationalError, match="full"):
        retrying.connecting(failing)
    assert failing.calls > 1


def test_words_hold_the_servers_message_and_advice_but_not_the_statement():
    words = said(wrapped(OperationalError(1114, "The table 'loans' is full")))
    assert "The table 'loans' is full" in words
    assert "disk is full" in words
    assert "hidden" not in words


def test_an_error_that_nothing_is_known_of_has_no_advice():
    assert advice(wrapped(ProgrammingError(1064, "syntax"))) == ""
    assert said(exc.ArgumentError("odd")) == "odd."
