"""Who a client is to the broker (SASL, SCRAM-SHA-512) and how it knows the broker (TLS, always verified)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from shared.credentials import password_in, verifying
from shared.settings import Settings

MECHANISM = "SCRAM-SHA-512"


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
            "ssl_context": verifying(self.ca_file) if self.tls else None,
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": self.user,
            "sasl_plain_password": password_in(self.password_file),
        }


def connection(bootstrap: str, access: Access | None) -> dict[str, Any]:
    """What every aiokafka client is made with. Raises OSError."""
    return {"bootstrap_servers": bootstrap, **(access.arguments() if access else {})}
