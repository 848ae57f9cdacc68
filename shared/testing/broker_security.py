"""What makes a test's broker a locked one: certificates of its own, SCRAM users, an authorizer that denies by default.

Clients come by SASL_SSL. Brokers and controllers know each other by certificate; that one and the administrator are
super users, because somebody has to let the others in.
"""

import secrets
import ssl
import subprocess
from pathlib import Path

from shared.bus.kafka.access import MECHANISM, Access

ADMIN = "admin"
OPENSSL = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[broker]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class BrokerSecurity:
    """Its files are in `directory`; `admin` is the access of the super user."""

    def __init__(self, directory: Path, *, tls: bool = True) -> None:
        self._tls = tls
        self._directory = directory
        self.ca_file = directory / "authority.pem"
        self._identity = directory / "broker.pem"
        self._password = secrets.token_urlsafe(24)
        self.admin = self.access(ADMIN, directory / f"{ADMIN}.password")

    def access(self, user: str, password_file: Path) -> Access:
        return Access(
            user=user, password_file=password_file, ca_file=self.ca_file if self._tls else None, tls=self._tls
        )

    def make_files(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self.admin.password_file.touch(mode=0o600)
        self.admin.password_file.write_text(self._password)
        (self._directory / "openssl.cnf").write_text(OPENSSL)
        self._certify("authority", "/CN=test authority", key="authority.key")
        signed_by = ("-CA", "authority.pem", "-CAkey", "authority.key")
        self._certify("broker", "/CN=broker", *signed_by, key="broker.key")
        with self._identity.open("a") as both:
            both.write((self._directory / "broker.key").read_text())

    def properties(self) -> dict[str, str]:
        """Of server.properties, beside the listeners."""
        stores = {"keystore": self._identity, "truststore": self.ca_file}
        return {
            "listener.security.protocol.map": f"CLIENTS:{self.protocol},BROKERS:SSL,CONTROLLER:SSL",
            **{f"ssl.{store}.type": "PEM" for store in stores},
            **{f"ssl.{store}.location": str(file) for store, file in stores.items()},
            "listener.name.brokers.ssl.client.auth": "required",
            "listener.name.controller.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": MECHANISM,
            f"listener.name.clients.{MECHANISM.lower()}.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{ADMIN};User:CN=broker",
        }

    @property
    def protocol(self) -> str:
        return "SASL_SSL" if self._tls else "SASL_PLAINTEXT"

    @property
    def format_arguments(self) -> list[str]:
        """The first user has to be there before the broker is."""
        return ["--add-scram", f"{MECHANISM}=[name={ADMIN},password={self._password}]"]

    def as_broker(self) -> ssl.SSLContext:
        """To speak to a broker as brokers do."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.load_cert_chain(self._identity)
        return context

    def _certify(self, name: str, subject: str, *signed_by: str, key: str) -> None:
        """`<name>.pem`, self-signed unless somebody signs it, and its key."""
        new = ["openssl", "req", "-x509", "-config", "openssl.cnf", "-extensions", name, "-days", "2", "-subj", subject]
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", key]
        command = [*new, *curve, "-out", f"{name}.pem", *signed_by]
        subprocess.run(command, cwd=self._directory, check=True, capture_output=True)
