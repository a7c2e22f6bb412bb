"""What to do about an error of MariaDB."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from payoff.errors import PayoffError
from payoff.mariadb import retrying

_ADVICE = {
    (1045, 1698): "Check user and password, or the secret. With auth=iam: the AWS credentials may have expired, lack "
    "the right rds-db:connect, or the user is not made for IAM; `payoff database users` makes it.",
    (1044, 1142, 1227, 1370): "The user lacks a right; `payoff database users` gives each user its own.",
    (1049,): "Create the database, or name another; `payoff database users` creates it.",
    (1021, 1026, 1030, 1114): "The server's disk is full, or its storage has reached its limit: give it more, or "
    "delete what is not needed, and run this again. What was published stays as it was.",
    (1205, 1213, 1020): "Another program holds locks on these tables, also after several tries. Wait for it to end.",
    (1040, 1203, 1226): "The server has too many connections, also after several tries. Close some, or raise "
    "max_connections.",
    (1053, 1290, 1836, 1927, 2002, 2003, 2006, 2013): "Check that the server runs and can be reached from here (host, "
    "port, security group); after a restart or a failover it needs some minutes. Then run this again.",
    (2005,): "Check the host's name.",
    (2026,): "The server offers no TLS, or none that fits. Check PAYOFF_MARIADB_CA and the server's certificate.",
}
_BY_CODE = {code: words for codes, words in _ADVICE.items() for code in codes}
_CERTIFICATE = (
    "The server's certificate does not fit: check that PAYOFF_MARIADB_CA holds the CA of this server, and that the URL "
    "names it as its certificate does."
)


def advice(error: BaseException) -> str:
    """What to do about ``error``; empty where its own words are all that is known."""
    cause = getattr(error.orig if isinstance(error, DBAPIError) else error, "original_exception", None)
    if isinstance(cause, ssl.SSLError):
        return _CERTIFICATE
    return _BY_CODE.get(retrying.code(error), "")


def said(error: SQLAlchemyError) -> str:
    """The server's own words, without the statement and its values, then what to do."""
    return " ".join(filter(None, (f"{getattr(error, 'orig', None) or error}.", advice(error))))


@contextmanager
def worded(kind: type[PayoffError], what: str) -> Iterator[None]:
    """Turn an error of SQLAlchemy into ``kind``: ``what`` it is about, what the server said, and what to do.

    Raises
    ------
    PayoffError
        Of that ``kind``.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise kind(f"{what}: {said(error)}") from error
