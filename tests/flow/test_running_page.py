"""docs/operations/running.md, done as it stands: from empty servers to a fault that is ordered."""

import re
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from shared.testing.process import ServerProcess, free_ports
from shared.testing.servers import Kafka, Postgres

DOCUMENTS = Path(__file__).parents[2] / "docs/operations"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
THREE_BROKERS = "kafka-1.example.net:9092,kafka-2.example.net:9092,kafka-3.example.net:9092"
PORTS = ("8080", "8081", "8082", "9464", "9465", "9466")
START_S = 60


class Walk:
    """Somebody who does what the page says, in a folder, with the addresses and passwords that there are."""

    def __init__(self, folder: Path, instead: Mapping[str, str]) -> None:
        self.folder = folder
        self._instead = instead
        self._running: list[ServerProcess] = []

    def block(self, page: str, has: str) -> str:
        """The one block of the page in which this stands."""
        (found,) = [text for _, text in BLOCK.findall((DOCUMENTS / page).read_text()) if has in text]
        for said, here in self._instead.items():
            found = found.replace(said, here)
        return str(found)

    def write(self, page: str, name: str) -> None:
        (self.folder / name).write_text(self.block(page, f"# {name}\n"))

    def do(self, commands: str) -> str:
        """What they print. Raises ServerDidNotStart with it when one of them fails."""
        log = self.folder / "said.log"
        log.write_text("")
        ServerProcess(_shell(f"set -e\n{commands}"), log=log).finish(timeout_s=START_S)
        return log.read_text()

    def run(self, command: str, *, port: int) -> ServerProcess:
        """Returns when it listens."""
        process = ServerProcess(_shell(f"exec {command}"), log=self.folder / f"{port}.log")
        self._running.append(process)
        process.wait_until(lambda: _listens(port), timeout_s=START_S)
        return process

    def end(self) -> None:
        for process in self._running:
            process.kill()


def _shell(commands: str) -> list[str]:
    return ["bash", "-c", f'PATH="{Path(sys.executable).parent}:$PATH"\n{commands}']


def _listens(port: int) -> bool:
    with socket.socket() as wire:
        return wire.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def broker() -> Iterator[Kafka]:
    with Kafka(secured=True) as server:
        yield server


@pytest.fixture
def ports() -> list[int]:
    return free_ports(len(PORTS))


@pytest.fixture
def walk(postgres: Postgres, broker: Kafka, tmp_path: Path, ports: list[int]) -> Iterator[Walk]:
    etc = tmp_path / "etc"
    etc.mkdir()
    shutil.copy(broker.security.admin.password_file, etc / "admin.password")
    shutil.copy(broker.security.ca_file, etc / "authority.pem")
    here = f'host = "127.0.0.1"\nport = {ports[0]}\nmetrics_port = {ports[3]}'
    walk = Walk(tmp_path, {
        "/etc/vrc": str(etc), THREE_BROKERS: broker.bootstrap, "kafka_replication = 3": "kafka_replication = 1",
        "db.internal/vrc": f"127.0.0.1:{postgres.port}/walked", "DATABASE vrc OWNER": "DATABASE walked OWNER",
        "vrc_service": "walker_service", "ROLE vrc ": "ROLE walker ", "OWNER vrc;": "OWNER walker;",
        "//vrc:": "//walker:", "…": "secret",
        'host = "0.0.0.0"': here, **dict(zip(PORTS, map(str, ports), strict=True)),
    })  # fmt: skip
    yield walk
    walk.end()
    postgres.drop_database("walked")
    postgres.sql("DROP ROLE walker, walker_service")


def test_whoever_follows_the_page_has_a_fault_ordered(walk: Walk, postgres: Postgres, ports: list[int]) -> None:
    for statement in walk.block("running.md", "CREATE ROLE").splitlines():
        postgres.sql(statement)
    walk.write("running.md", "center.toml")
    walk.write("running.md", "registry.yaml")
    walk.write("kafka.md", "admin.toml")
    walk.do(walk.block("running.md", "vrc registry import"))
    walk.do(walk.block("running.md", "vrc keys issue"))
    commands = walk.block("running.md", "vrc dispatcher").replace("\\\n", "").splitlines()
    _, dispatcher, _ = [walk.run(command, port=port) for command, port in zip(commands, ports, strict=False)]
    report, look = walk.block("running.md", "vrc fault").splitlines()
    (ticket,) = re.findall(r"(VT\S+)  reported", walk.do(report))
    dispatcher.wait_until(lambda: f"{ticket}.0954" in walk.do(look), timeout_s=START_S)
