"""TLS to a MariaDB server: required outside this machine, and vouched for by one set of certificates only."""

import ssl

from payoff.errors import SettingsError
from payoff.mariadb.address import Address

_WHERE = (
    "Set PAYOFF_MARIADB_CA to a file with the certificates that vouch for it; Amazon's for RDS are in "
    "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem."
)


def context_for(address: Address) -> ssl.SSLContext | None:
    """How the server must prove who it is; None on this machine where no CA is set.

    Raises
    ------
    SettingsError
        The server is outside this machine, or gets IAM tokens, which are sent as they are; and no CA is set. Or the CA
        cannot be read.
    """
    if not address.verified:
        return None
    if address.ca is None:
        if address.sign_in == "iam":
            raise SettingsError(f"{address.setting} signs in with IAM tokens, which only travel over TLS. {_WHERE}")
        if not address.is_loopback:
            raise SettingsError(f"{address.setting} names {address.host}, which is reached over TLS only. {_WHERE}")
        return None
    # Not ssl.create_default_context, which would trust the system's certificates as well.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # On this machine the server may be the near end of a tunnel, and then it has the name of its far end.
    context.check_hostname = not address.is_loopback
    try:
        context.load_verify_locations(cafile=address.ca)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"PAYOFF_MARIADB_CA={address.ca} holds no certificates: {error}. {_WHERE}") from error
    return context
