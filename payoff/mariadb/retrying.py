"""Which errors of MariaDB pass by themselves, and how long they are waited for.

To connect again is always safe. A statement is repeated only where the server says that it undid all of it, and
nothing else was part of its transaction; what hung on a lost connection (locks, temporary tables) is gone with it, so
only a stream of rows, which knows where it was, goes on over another one.
"""

import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

#: The server has no place left or is not there yet: a moment later it may.
BUSY = {
    1040: "too many connections",
    1203: "too many connections of this user",
    1226: "this user has used up its connections of an hour",
    1053: "the server is shutting down",
    2002: "nothing listens on the socket",
    2003: "nothing answers at this host and port",
    2006: "the server has gone away",
    2013: "the connection was lost",
}
#: The server undid the whole statement, and says so.
UNDONE = {
    1205: "another transaction held a lock for too long",
    1213: "a deadlock, which this transaction was chosen to end",
    1020: "the row was changed by another transaction since it was read",
}
#: The connection is over, or is one to a server that is going or has become a read-only replica in a failover.
LEAVE = {
    1053: "the server is shutting down",
    1290: "the server runs read-only",
    1836: "the server runs read-only",
    1927: "the connection was killed",
    2006: "the server has gone away",
    2013: "the connection was lost",
}

#: A wrong address should be told soon; a stream that worked waits for a restart, which takes a server some minutes.
CONNECT_SECONDS = 5.0
RESTART_SECONDS = 180.0
#: Somebody waits in front of a page, or a program with a time limit of its own.
ANSWER_SECONDS = 10.0
_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_OF_ANSWER = 0.1, 10.0, 0.5

_Result = TypeVar("_Result")


def code(error: BaseException | None) -> int:
    """MariaDB's number of an error, of the driver or of SQLAlchemy; 0 where it has none."""
    if isinstance(error, DBAPIError):
        error = error.orig
    number = error.args[0] if error is not None and error.args else 0
    return number if isinstance(number, int) else 0


def is_busy(error: BaseException) -> bool:
    """Whether connecting may work in a moment."""
    return code(error) in BUSY and not _is_final(error)


def is_undone(error: BaseException) -> bool:
    """Whether the statement that raised ``error`` left nothing behind, and may be repeated."""
    return code(error) in UNDONE


def is_lost(error: BaseException) -> bool:
    """Whether the connection is of no more use, but another one may be."""
    return code(error) in LEAVE or is_busy(error)


def connecting(connect: Callable[[], _Result]) -> _Result:
    """What ``connect`` gives, tried again for ``CONNECT_SECONDS`` while the server is busy."""
    return _patient(CONNECT_SECONDS, is_busy)(connect)


def undone(statement: Callable[[], _Result]) -> _Result:
    """What ``statement`` gives; it must be all of its transaction."""
    return _patient(CONNECT_SECONDS, is_undone)(statement)


def restarting(begin: Callable[[], _Result]) -> _Result:
    """What ``begin`` gives, tried again for ``RESTART_SECONDS`` while the server is away."""
    return _patient(RESTART_SECONDS, is_lost)(begin)


def keeping(store: Callable[[], _Result]) -> _Result:
    """What ``store`` gives, tried again for ``ANSWER_SECONDS`` while the server is away.

    The caller sees to it that nothing is stored twice, where a connection was lost while it committed.
    """
    return _patient(ANSWER_SECONDS, lambda error: is_lost(error) or is_undone(error), _LONGEST_OF_ANSWER)(store)


def _patient(seconds: float, passes: Callable[[BaseException], bool], longest: float = _LONGEST_WAIT) -> Retrying:
    # Each wait is drawn anew, so that all who lost the same server do not come back at the same moment.
    return Retrying(
        retry=retry_if_exception(passes),
        wait=wait_random_exponential(_FIRST_WAIT, longest),
        stop=stop_after_delay(seconds),
        reraise=True,
    )


def _is_final(error: BaseException) -> bool:
    """Whether nobody answers because of what is set: a certificate that does not fit, a host that is not known."""
    cause = getattr(error.orig if isinstance(error, DBAPIError) else error, "original_exception", None)
    if isinstance(cause, socket.gaierror):
        return cause.errno != socket.EAI_AGAIN
    return isinstance(cause, ssl.SSLError)
