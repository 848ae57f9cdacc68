"""A certificate authority of a test's own, and certificates that it gives to servers on loopback."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from shared.clock import SystemClock

LASTS = timedelta(days=2)
KEY_USES = {
    "digital_signature": True, "content_commitment": False, "key_encipherment": False, "data_encipherment": False,
    "key_agreement": False, "encipher_only": False, "decipher_only": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """PEM files."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """Its files are in `directory`; `file` is what a client is to trust."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = generate_private_key(SECP256R1())
        self._name = _name("test authority")
        self.file = directory / "authority.pem"
        made = _new(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        _write(self.file, self._sign(made, signs=True))

    def identity(self, host: str) -> Identity:
        """For a server that is met under this name or address."""
        key = generate_private_key(SECP256R1())
        made = _new(_name(host), self._name, key).add_extension(
            x509.SubjectAlternativeName([_general_name(host)]), critical=False
        )
        identity = Identity(self._directory / f"{host}.pem", self._directory / f"{host}.key")
        _write(identity.certificate, self._sign(made, signs=False))
        pem, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        identity.key.touch(mode=0o600)
        identity.key.write_bytes(key.private_bytes(pem, plain, serialization.NoEncryption()))
        return identity

    def _sign(self, made: x509.CertificateBuilder, *, signs: bool) -> x509.Certificate:
        uses = x509.KeyUsage(**KEY_USES, key_cert_sign=signs, crl_sign=signs)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            made.add_extension(uses, critical=True).add_extension(own, critical=False).sign(self._key, hashes.SHA256())
        )


def _new(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = SystemClock().now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LASTS)
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(file: Path, certificate: x509.Certificate) -> None:
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
