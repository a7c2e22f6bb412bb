"""Certificates of a private authority, for servers that speak TLS."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """A certificate authority; ``certificate`` is the file that clients are given."""

    certificate: Path
    _key: ec.EllipticCurvePrivateKey
    _name: x509.Name

    def server_options(self, folder: Path, host: str) -> list[str]:
        """Options of a MariaDB server that shows a certificate for ``host``; its files lie in ``folder``."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        signed = _builder(_name(host), self._name, key).add_extension(names, critical=False)
        certificate = signed.sign(self._key, hashes.SHA256())
        files = {"cert": folder / "server.pem", "key": folder / "server.key"}
        files["cert"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        files["key"].write_bytes(key.private_bytes(encoding, kind, plain))
        return [f"--ssl-{what}={file}" for what, file in files.items()] + [f"--ssl-ca={self.certificate}"]


def new_authority(folder: Path, name: str) -> Authority:
    """An authority whose certificate lies in ``folder``."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = _name(name)
    ca = x509.BasicConstraints(ca=True, path_length=0)
    certificate = _builder(who, who, key).add_extension(ca, critical=True).sign(key, hashes.SHA256())
    file = folder / f"{name}.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(file, key, who)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(who: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
