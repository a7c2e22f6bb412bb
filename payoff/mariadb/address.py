"""The URL of a MariaDB database, with how one signs in to it."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from payoff.errors import SettingsError

DRIVER = "mysql+pymysql"
#: Others would be handed to the driver, and some of them undo TLS.
_OPTIONS = {"auth", "secret", "charset", "unix_socket"}
_FORMS = (
    f"{DRIVER}://USER:PASSWORD@HOST/DATABASE, {DRIVER}://USER@HOST/DATABASE?auth=iam or "
    f"{DRIVER}://HOST/DATABASE?secret=NAME_OR_ARN"
)

#: How one signs in: with the URL's own password, an IAM token, or what a secret of Secrets Manager holds.
SignIn = Literal["password", "iam", "secret"]


@dataclass(frozen=True)
class Address:
    """Where a database is, and how one signs in.

    Attributes
    ----------
    url : URL
        Without what only Payoff understands. Its ``str`` hides the password.
    sign_in : str
        ``password``, ``iam`` or ``secret``.
    secret : str
        Name or ARN of the secret; empty otherwise.
    setting : str
        The variable that names it, for messages.
    ca : Path, optional
        The certificates that alone may vouch for the server.
    verified : bool
        Whether a server outside this machine must prove who it is.
    """

    url: URL
    sign_in: SignIn
    secret: str
    setting: str
    ca: Path | None
    verified: bool = True

    @property
    def shown(self) -> str:
        """The URL as it may be shown: without its password."""
        extra = {"auth": "iam"} if self.sign_in == "iam" else {"secret": self.secret} if self.secret else {}
        return self.url.update_query_dict(extra).render_as_string(hide_password=True)

    @property
    def host(self) -> str:
        return self.url.host or "localhost"

    @property
    def port(self) -> int:
        return self.url.port or 3306

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by its own word: ``localhost``, a loopback address, or a Unix socket.

        A name is taken at its word, not looked up: who answers for a name can change.
        """
        if self.host == "localhost" or "unix_socket" in self.url.query:
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(url: str, setting: str, ca: Path | None, *, verified: bool = True) -> Address:
    """The address that a setting gives.

    Raises
    ------
    SettingsError
        It has none of the three forms. The message never shows a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The cause would show the URL, and with it the password.
        raise SettingsError(f"{setting} is no valid URL; expected {_FORMS}") from None
    shown = parsed.render_as_string(hide_password=True)
    if parsed.drivername != DRIVER:
        raise SettingsError(f"{setting} has the scheme {parsed.drivername!r}; expected {_FORMS}")
    if not parsed.database:
        raise SettingsError(f"{shown} names no database; expected …@HOST:PORT/DATABASE")
    if unknown := sorted(set(parsed.query) - _OPTIONS):
        raise SettingsError(
            f"{setting} has the option {unknown[0]!r}, which is none of auth, secret and unix_socket. "
            "TLS is asked for with PAYOFF_MARIADB_CA."
        )
    sign_in, secret = _sign_in(parsed, setting)
    return Address(parsed.difference_update_query(["auth", "secret"]), sign_in, secret, setting, ca, verified)


def _sign_in(url: URL, setting: str) -> tuple[SignIn, str]:
    auth, secret = url.query.get("auth"), url.query.get("secret")
    if auth is None and secret is None:
        return "password", ""
    if url.password is not None:
        raise SettingsError(f"{setting} has a password beside auth=iam or secret=…; expected {_FORMS}")
    if auth == "iam" and secret is None and url.username:
        return "iam", ""
    if isinstance(secret, str) and secret and auth is None and not url.username:
        return "secret", secret
    raise SettingsError(f"{setting} does not say how to sign in; expected {_FORMS}")
