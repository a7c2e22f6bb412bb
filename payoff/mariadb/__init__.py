"""MariaDB: one way to reach a server, for the warehouse and for the web app's tables.

TLS, passwords that change, the pool, and what is tried again are the same for both. Each module is one of these:
``address`` reads the URL, ``tls`` checks the server, ``logins`` finds the password, ``retrying`` knows the errors that
pass, ``advice`` says what to do about the others, ``users`` makes the users with their rights.
"""

from functools import partial
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect, ExceptionContext

from payoff.errors import PayoffError
from payoff.mariadb import retrying, tls
from payoff.mariadb.address import DRIVER, Address, parse_address
from payoff.mariadb.advice import worded
from payoff.mariadb.logins import Login, login_of

__all__ = ["DRIVER", "Address", "forget_rows", "open_engine", "parse_address", "worded"]

_CONNECT_SECONDS = 10
#: Proxies and servers end a connection that idles for long; one that is younger is asked first (pre-ping) anyway.
_RECYCLE_SECONDS = 1800
_DENIED = 1045


def open_engine(address: Address, kind: type[PayoffError], *, local_infile: bool = False, **options: Any) -> Engine:
    """An engine whose every new connection is verified, signed in anew, and tried again where that helps.

    Parameters
    ----------
    address : Address
    kind : subclass of PayoffError
        What is raised where no password can be found. Refusals of the server are SQLAlchemy's errors.
    local_infile : bool
        Let the server ask for what is loaded in bulk. It might then ask for any file of this machine, so only those
        who load say so.
    options
        More for ``sqlalchemy.create_engine``.

    Raises
    ------
    SettingsError
        The server is outside this machine and no CA is set, or the CA cannot be read.
    """
    arguments: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "local_infile": local_infile}
    if context := tls.context_for(address):
        arguments["ssl"] = context
    url, options_of_url = address.url, {**address.url.query, "charset": "utf8mb4"}
    # The password is the login's, and in no engine that may be shown.
    engine = create_engine(
        URL.create(url.drivername, url.username, None, url.host, url.port, url.database, options_of_url),
        connect_args=arguments | options.pop("connect_args", {}),
        **{"pool_pre_ping": True, "pool_recycle": _RECYCLE_SECONDS} | options,
    )
    event.listen(engine, "do_connect", partial(_connect, login_of(address, kind)))
    event.listen(engine, "handle_error", _forget_lost)
    return engine


def _connect(login: Login, dialect: Dialect, _: object, arguments: Any, named: dict[str, Any]) -> DBAPIConnection:
    def signed_in(credentials: dict[str, str]) -> DBAPIConnection:
        # As bytes: the driver itself knows Western letters only.
        as_sent = {"password": credentials["password"].encode()} if "password" in credentials else {}
        return dialect.connect(*arguments, **named | credentials | as_sent)

    def once() -> DBAPIConnection:
        credentials = login.credentials()
        try:
            return signed_in(credentials)
        except dialect.loaded_dbapi.Error as error:
            if retrying.code(error) != _DENIED or not login.renew(credentials):
                raise
        return signed_in(login.credentials())

    return retrying.connecting(once)


def _forget_lost(context: ExceptionContext) -> None:
    """Take more errors for the end of a connection than SQLAlchemy does, so that no pool keeps one to such a server."""
    if retrying.code(context.original_exception) in retrying.LEAVE:
        context.is_disconnect = True
    if context.is_disconnect:
        forget_rows(getattr(context.execution_context, "cursor", None))


def forget_rows(cursor: object) -> None:
    """Let the driver not read the rows that a server-side cursor has still to come, before its connection is closed.

    It would read them all, or fail to where the connection is gone already, which no caller could catch.
    """
    if (result := getattr(cursor, "_result", None)) is not None:
        result.unbuffered_active = False
