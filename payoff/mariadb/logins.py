"""How one signs in: with a password, with an IAM token of 15 minutes, or with a secret that is rotated.

boto3 is imported where AWS is asked: it takes a tenth of a second that a password does not need.
"""

import json
import threading
from typing import Protocol

from payoff.errors import PayoffError
from payoff.mariadb.address import Address


class Login(Protocol):
    """Where user and password come from."""

    def credentials(self) -> dict[str, str]:
        """``user`` and ``password`` for a new connection."""

    def renew(self, refused: dict[str, str]) -> bool:
        """Whether there are others now than those that the server ``refused``."""


class PasswordLogin:
    """User and password of the URL."""

    def __init__(self, user: str | None, password: str | None) -> None:
        given = {"user": user, "password": password}
        self._credentials = {name: value for name, value in given.items() if value is not None}

    def credentials(self) -> dict[str, str]:
        return self._credentials

    def renew(self, refused: dict[str, str]) -> bool:
        return False


class TokenLogin:
    """A token that this machine's AWS credentials sign; a new one for each connection, as it lasts 15 minutes."""

    def __init__(self, address: Address, kind: type[PayoffError]) -> None:
        self._address, self._kind = address, kind

    def credentials(self) -> dict[str, str]:
        from payoff import aws

        host, user = self._address.host, str(self._address.url.username)
        with aws.worded(self._kind, f"get an IAM token for {user} at {host}"):
            made = aws.client("rds").generate_db_auth_token(host, self._address.port, user)
        return {"user": user, "password": str(made)}

    def renew(self, refused: dict[str, str]) -> bool:
        return False


class SecretLogin:
    """User and password of a secret, kept in this process until the server refuses them."""

    def __init__(self, secret: str, kind: type[PayoffError]) -> None:
        self._secret, self._kind = secret, kind
        self._held: dict[str, str] = {}
        self._lock = threading.Lock()

    def credentials(self) -> dict[str, str]:
        with self._lock:
            self._held = self._held or self._read()
            return self._held

    def renew(self, refused: dict[str, str]) -> bool:
        with self._lock:
            # Of many connections that are refused at once, one reads it for all.
            if self._held == refused:
                self._held = self._read()
            return self._held != refused

    def _read(self) -> dict[str, str]:
        from payoff import aws

        with aws.worded(self._kind, f"read the secret {self._secret}"):
            text = aws.client("secretsmanager").get_secret_value(SecretId=self._secret).get("SecretString", "")
        try:
            content = json.loads(text)
            return {"user": str(content["username"]), "password": str(content["password"])}
        except (ValueError, KeyError, TypeError):
            # Neither the text nor the cause, which may hold it, is for a log.
            raise self._kind(
                f"the secret {self._secret} is no JSON object with username and password, as RDS writes them"
            ) from None


_secrets: dict[tuple[str, str], SecretLogin] = {}


def login_of(address: Address, kind: type[PayoffError]) -> Login:
    """How one signs in at ``address``; what goes wrong in doing so is raised as ``kind``."""
    if address.sign_in == "iam":
        return TokenLogin(address, kind)
    if address.sign_in == "secret":
        # One for all engines, as each lookup makes an engine.
        return _secrets.setdefault((address.secret, kind.__name__), SecretLogin(address.secret, kind))
    return PasswordLogin(address.url.username, address.url.password)
