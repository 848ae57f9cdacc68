"""Who a client is to the broker (SASL, SCRAM-SHA-512) and how it knows the broker (TLS, always verified)."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from shared.settings import Settings

MECHANISM = "SCRAM-SHA-512"
OTHERS = 0o007


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`ca_file` None: the system's authorities. `tls` False is for loopback and private wires only.

    The files are read for each new client: a password that was changed there is used from the next connection on.
    """

    user: str
    password_file: Path
    ca_file: Path | None = None
    tls: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """None for a broker without authentication."""
        if settings.kafka_protocol == "PLAINTEXT":
            return None
        assert settings.kafka_user is not None  # the settings' own promise
        assert settings.kafka_password_file is not None
        return cls(
            user=settings.kafka_user, password_file=settings.kafka_password_file, ca_file=settings.kafka_ca_file,
            tls=settings.kafka_protocol == "SASL_SSL",
        )  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        """aiokafka's. Raises OSError that says which file to mend."""
        return {
            "security_protocol": "SASL_SSL" if self.tls else "SASL_PLAINTEXT",
            "ssl_context": _verifying(self.ca_file) if self.tls else None,
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": self.user,
            "sasl_plain_password": _secret_in(self.password_file),
        }


def connection(bootstrap: str, access: Access | None) -> dict[str, Any]:
    """What every aiokafka client is made with. Raises OSError."""
    return {"bootstrap_servers": bootstrap, **(access.arguments() if access else {})}


def _verifying(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise OSError(f"{ca_file} holds no certificate authority in PEM ({error.strerror or error}).") from error


def _secret_in(file: Path) -> str:
    try:
        if file.stat().st_mode & OTHERS:
            raise PermissionError(f"{file} holds a password and everybody can read it: chmod 600 {file}")
        secret = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no password file {file}.") from None
    if not secret:
        raise OSError(f"{file} is empty; it should hold a password.")
    return secret
