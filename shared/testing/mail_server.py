"""A real mail server of one's own (chasquid, Debian's package): TLS, authentication, local users, mail kept as files.

It runs as nobody in particular: chasquid needs no root, unlike Postfix, Exim and OpenSMTPD.
"""

import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from shared.testing.certificates import Authority
from shared.testing.process import Server, ServerDidNotStart, ServerProcess, free_ports

INSTALLED = Path(__file__).parents[2] / "var/servers/chasquid/usr/bin"
START_TIMEOUT_S = 20.0
USER, DOMAIN, PASSWORD = "center", "vrc.test", "correct horse"
"""How the center signs in: `center@vrc.test`."""
CONFIG = """\
hostname: "localhost"
smtp_address: "127.0.0.1:{plain}"
submission_address: "127.0.0.1:{starttls}"
submission_over_tls_address: "127.0.0.1:{tls}"
mail_delivery_agent_bin: "{keep}"
mail_delivery_agent_args: "%to%"
data_dir: "{directory}/data"
mail_log_path: "<stderr>"
"""
KEEP = """\
#!/bin/sh
# Into a new file, then renamed: nobody reads half a mail.
new=$(mktemp {directory}/arriving.XXXXXX) && cat > "$new" && mv "$new" "{directory}/mail/$(date +%s%N).$1"
"""


class MailServer(Server):
    """`users` of `DOMAIN` have mailboxes; anybody else's is refused with 550."""

    def __init__(self, *users: str) -> None:
        if not INSTALLED.is_dir():
            raise ServerDidNotStart("The mail server is not installed; deploy/servers/install.sh does it")
        super().__init__(None, name="mail")
        self.plain, self.starttls, self.tls = free_ports(3)
        self.user = f"{USER}@{DOMAIN}"
        self._users = (USER, *users)
        self._process: ServerProcess | None = None

    @property
    def ca_file(self) -> Path:
        return self.directory / "authority.pem"

    @property
    def mails(self) -> Sequence[EmailMessage]:
        """In the order in which they were stored, which is not always that in which they were taken."""
        files = sorted((self.directory / "mail").iterdir())
        return [message_from_bytes(file.read_bytes(), policy=default) for file in files]

    def password_file(self, password: str = PASSWORD) -> Path:
        file = self.directory / f"{len(password)}.password"
        file.touch(mode=0o600)
        file.write_text(password)
        return file

    def start(self) -> None:
        """Returns when it listens on all three ports."""
        config = self.directory / "config"
        for folder in (config / "certs/localhost", config / "domains" / DOMAIN, self.directory / "mail"):
            folder.mkdir(parents=True, exist_ok=True)
        identity = Authority(self.directory).identity("localhost")
        shutil.copy(identity.certificate, config / "certs/localhost/fullchain.pem")
        shutil.copy(identity.key, config / "certs/localhost/privkey.pem")
        keep = self.directory / "keep"
        keep.write_text(KEEP.format(directory=self.directory))
        keep.chmod(0o700)
        ports = {"plain": self.plain, "starttls": self.starttls, "tls": self.tls}
        (config / "chasquid.conf").write_text(CONFIG.format(directory=self.directory, keep=keep, **ports))
        for user in self._users:
            self._add(user, config)
        self._process = ServerProcess(
            [INSTALLED / "chasquid", f"-config_dir={config}"], log=self.directory / "mail.log"
        )
        self._process.wait_until(self._listens, timeout_s=START_TIMEOUT_S)

    def stop(self) -> None:
        if self._process is not None:
            self._process.ask_to_stop(signal.SIGTERM)
            self._process.end_within(5)

    def _add(self, user: str, config: Path) -> None:
        tool = str(INSTALLED / "chasquid-util")
        command = [tool, f"-C={config}", "user-add", f"{user}@{DOMAIN}", f"--password={PASSWORD}"]
        subprocess.run(command, check=True, capture_output=True)

    def _listens(self) -> bool:
        return all(_accepts(port) for port in (self.plain, self.starttls, self.tls))


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
