"""A real Prometheus and a real Alertmanager of one's own (Debian's packages), on loopback, hurried by their config.

What they are to scrape, to judge by and to tell whom stands in the file that is given; they listen where we say.
"""

import signal
import subprocess
from pathlib import Path

import httpx

from shared.testing.process import Server, ServerDidNotStart, ServerProcess, free_ports

INSTALLED = Path(__file__).parents[2] / "var/servers/prometheus/usr/bin"
START_TIMEOUT_S = 60.0
KEPT = "100d"
"""History: the longest recording rule looks back a quarter."""


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`promtool` or `amtool`: what it said, and its status."""
    return subprocess.run([_installed(name), *map(str, arguments)], capture_output=True, text=True, check=False)


class _Listening(Server):
    """Ready when it says so."""

    def __init__(self, *, name: str) -> None:
        super().__init__(None, name=name)
        (self.port,) = free_ports(1)
        self.config = ""
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        if self._process is not None:
            self._process.ask_to_stop(signal.SIGTERM)
            self._process.end_within(5)

    def _run(self, program: str, *arguments: str) -> None:
        file = self.directory / "config.yml"
        file.write_text(self.config)
        command: list[str | Path] = [_installed(program), f"--config.file={file}"]
        command += [f"--web.listen-address=127.0.0.1:{self.port}", *arguments]
        self._process = ServerProcess(command, log=self.directory / "log")
        self._process.wait_until(self._is_ready, timeout_s=START_TIMEOUT_S)

    def _is_ready(self) -> bool:
        """A port that answers is not enough: Prometheus answers 503 until it has read what it remembers."""
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


class Prometheus(_Listening):
    """`config` is prometheus.yml's text, set before it starts."""

    def __init__(self) -> None:
        super().__init__(name="prometheus")

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def remember(self, history: Path) -> None:
        """Before it starts: `history` (OpenMetrics with timestamps) has been scraped."""
        found = run_tool("promtool", "tsdb", "create-blocks-from", "openmetrics", history, self.data)
        if found.returncode:
            raise ServerDidNotStart(f"promtool: {found.stderr}")

    def start(self) -> None:
        self._run("prometheus", f"--storage.tsdb.path={self.data}", f"--storage.tsdb.retention.time={KEPT}")


class Alertmanager(_Listening):
    """`config` is alertmanager.yml's text, set before it starts. Alone: it looks for no others."""

    def __init__(self) -> None:
        super().__init__(name="alertmanager")

    def start(self) -> None:
        self._run("prometheus-alertmanager", f"--storage.path={self.directory / 'data'}", "--cluster.listen-address=")


def _installed(program: str) -> Path:
    if not INSTALLED.is_dir():
        raise ServerDidNotStart("Prometheus is not installed; deploy/servers/install.sh does it")
    return INSTALLED / program
