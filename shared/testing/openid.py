"""A real OpenID provider of one's own (oidc-provider, certified): anybody may sign in, with any password.

Its signing keys are new at each start: stop and start it, and they are rotated.
"""

import json
import secrets
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.testing.node import INSTALLED as SERVERS
from shared.testing.node import node
from shared.testing.process import Server, ServerDidNotStart, ServerProcess, free_ports

ROOT = Path(__file__).parents[2]
INSTALLED = SERVERS / "openid"
PROGRAM = ROOT / "deploy/servers/openid/provider.mjs"
START_TIMEOUT_S = 30.0
CENTER, TOOL = "center", "tool"


class OpenID(Server):
    """`center` is the client that signs people in at `public_url`, `tool` one that gets access tokens for itself.

    `claims` are those of each subject, a person or the tool: `{"lin": {"name": …, "groups": […]}}`.
    """

    def __init__(self, public_url: str, claims: Mapping[str, Mapping[str, Any]]) -> None:
        if not INSTALLED.is_dir():
            raise ServerDidNotStart("The OpenID provider is not installed; deploy/servers/install.sh does it")
        super().__init__(None, name="openid")
        self.port = free_ports(1)[0]
        self.secret = secrets.token_urlsafe(24)
        self._settings = {
            "port": self.port,
            "modules": str(INSTALLED),
            "accounts": claims,
            "clients": [_center(self.secret, public_url), _tool(self.secret)],
        }
        self._process: ServerProcess | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it listens."""
        file = self.directory / "settings.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self._settings))
        self._process = ServerProcess([node(), PROGRAM, file], log=self.directory / "openid.log")
        self._process.wait_until(self._listens, timeout_s=START_TIMEOUT_S)

    def stop(self) -> None:
        if self._process is not None:
            self._process.ask_to_stop(signal.SIGTERM)
            self._process.end_within(5)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _center(secret: str, public_url: str) -> dict[str, Any]:
    return {
        "client_id": CENTER,
        "client_secret": secret,
        "redirect_uris": [f"{public_url}/v1/auth/callback"],
        "post_logout_redirect_uris": [public_url],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "openid profile groups",
    }


def _tool(secret: str) -> dict[str, Any]:
    no_redirects: Sequence[str] = []
    return {
        "client_id": TOOL,
        "client_secret": secret,
        "redirect_uris": no_redirects,
        "grant_types": ["client_credentials"],
        "response_types": [],
    }
