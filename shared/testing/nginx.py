"""A real nginx of one's own (Debian's package), on loopback, under the configuration that ships."""

import re
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from shared.testing.certificates import Authority
from shared.testing.process import Server, ServerDidNotStart, ServerProcess, free_ports

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / "var/servers/nginx/usr/sbin/nginx"
SHIPPED = ROOT / "deploy/proxy/nginx.conf"
START_TIMEOUT_S = 30.0
AROUND = """
daemon off;
user root;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/shipped.conf;
}}
"""


class Nginx(Server):
    """`ports`: where the services listen on loopback, by name. Nothing else of the shipped file is changed but the
    address, the name and the certificate, which an operator puts in too."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        super().__init__(None, name="nginx")
        (self.port,) = free_ports(1)
        self._ports = ports
        self._process: ServerProcess | None = None
        self._authority = Authority(self.directory)
        self.ca_file = self._authority.file

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def start(self) -> None:
        if not INSTALLED.is_file():
            raise ServerDidNotStart("nginx is not installed; deploy/servers/install.sh does it")
        identity = self._authority.identity("localhost")
        text = SHIPPED.read_text(encoding="utf-8")
        own = {
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            "vip.example;": "localhost;",
            "/etc/vrc/vip.example.pem": str(identity.certificate),
            "/etc/vrc/vip.example.key": str(identity.key),
        }
        for shipped, ours in own.items():
            if text.count(shipped) != 1:
                raise ServerDidNotStart(f"{SHIPPED} does not say {shipped!r} once")
            text = text.replace(shipped, ours)
        for name, port in self._ports.items():
            server = rf"(upstream vrc_{name} {{\s+server 127\.0\.0\.1:)\d+"
            text, changed = re.subn(server, rf"\g<1>{port}", text)
            if changed != 1:
                raise ServerDidNotStart(f"{SHIPPED} has no upstream vrc_{name}")
        (self.directory / "shipped.conf").write_text(text, encoding="utf-8")
        (self.directory / "nginx.conf").write_text(AROUND.format(folder=self.directory), encoding="utf-8")
        command: list[str | Path] = [INSTALLED, "-p", self.directory, "-c", self.directory / "nginx.conf"]
        self._process = ServerProcess(command, log=self.directory / "log")
        self._process.wait_until(self._answers, timeout_s=START_TIMEOUT_S)

    def stop(self) -> None:
        if self._process is not None:
            self._process.ask_to_stop(signal.SIGTERM)
            self._process.end_within(5)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True
