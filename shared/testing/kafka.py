"""A real Apache Kafka of one's own: 1 or 3 brokers (and controllers) on loopback, gone with this process."""

import base64
import secrets
import shutil
import signal
import socket
import ssl
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.bus.kafka.access import Access
from shared.testing.broker_security import BrokerSecurity
from shared.testing.process import Server, ServerDidNotStart, ServerProcess, free_ports

SERVERS = Path(__file__).parents[2] / "var/servers"
JARS = SERVERS / "kafka-libs"
CLASS_ARCHIVE = SERVERS / "kafka.jsa"
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0


@dataclass(slots=True)
class _Broker:
    node: int
    port: int
    controller_port: int
    broker_port: int
    directory: Path
    process: ServerProcess | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def formatted(self) -> bool:
        return (self.data / "meta.properties").exists()

    @property
    def log(self) -> Path:
        return self.directory / "broker.log"

    @property
    def properties(self) -> Path:
        return self.directory / "server.properties"


class Kafka(Server):
    """Nodes are numbered from 1; start, stop, kill, pause and resume mean all of them unless one is named.

    Acknowledged means: on 1 broker of 1, or on 2 of 3. `settings` are server.properties' and win over ours.
    `quick_start` leaves out the JVM's second compiler: the start is shorter, and for the first minutes each
    message costs the broker less too. `secured`: clients prove who they are, over TLS unless `tls` is False, and may
    do what was allowed to them; `security` has the administrator's access.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        brokers: int = 1,
        heap_mb: int = 256,
        quick_start: bool = True,
        secured: bool = False,
        tls: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        if not JARS.is_dir() or shutil.which("java") is None:
            raise ServerDidNotStart("Kafka's jars or Java are missing; deploy/servers/install.sh brings them")
        super().__init__(directory, name="kafka")
        ports = free_ports(3 * brokers)
        self._brokers = {
            node: _Broker(node, ports.pop(), ports.pop(), ports.pop(), self.directory / f"broker-{node}")
            for node in range(1, brokers + 1)
        }
        self._security = BrokerSecurity(self.directory / "security", tls=tls) if secured else None
        self._settings = dict(settings or {})
        self._cluster_id = _new_cluster_id()
        self._java = _java(heap_mb, quick_start=quick_start, temporary=self.directory)

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self._brokers.values())

    @property
    def security(self) -> BrokerSecurity:
        if self._security is None:
            raise RuntimeError("not secured")
        return self._security

    @property
    def admin(self) -> Access | None:
        """Who may do everything: everybody, or the administrator."""
        return self._security.admin if self._security else None

    def pid(self, node: int = 1) -> int:
        process = self._brokers[node].process
        if process is None:
            raise RuntimeError("not started")
        return process.pid

    def log(self, node: int = 1) -> Path:
        return self._brokers[node].log

    def start(self, node: int | None = None) -> None:
        """Returns when every running broker answers and knows the others. The same ports, the same data.

        Of three, two must run: one alone waits for another until the time is up.
        """
        chosen = [broker for broker in self._chosen(node) if not broker.running]
        if self._security is not None and not self._security.ca_file.exists():
            self._security.make_files()
        self._format([broker for broker in chosen if not broker.formatted])
        for broker in chosen:
            command = [*self._java, "kafka.Kafka", str(broker.properties)]
            broker.process = ServerProcess(command, log=broker.log)
        running = [broker for broker in self._brokers.values() if broker.running]
        for broker in running:
            self._await_ready(broker, members=len(running))

    def stop(self, node: int | None = None) -> None:
        """Kafka's controlled shutdown; three at once take 6 s, because the last ones have no majority."""
        for process in self._processes(node):
            process.ask_to_stop(signal.SIGTERM)
        for process in self._processes(node):
            process.end_within(STOP_TIMEOUT_S)

    def kill(self, node: int | None = None) -> None:
        """SIGKILL; what was acknowledged must be there after start()."""
        for process in self._processes(node):
            process.kill()

    def pause(self, node: int | None = None) -> None:
        for process in self._processes(node):
            process.pause()

    def resume(self, node: int | None = None) -> None:
        for process in self._processes(node):
            process.resume()

    def _discard(self) -> None:
        self.kill()

    def _chosen(self, node: int | None) -> list[_Broker]:
        return list(self._brokers.values()) if node is None else [self._brokers[node]]

    def _processes(self, node: int | None) -> list[ServerProcess]:
        return [broker.process for broker in self._chosen(node) if broker.process is not None]

    def _format(self, brokers: Iterable[_Broker]) -> None:
        """The storage tool gives each new data directory its identity; the tools run side by side."""
        tools = []
        first_user = self._security.format_arguments if self._security else []
        for broker in brokers:
            broker.directory.mkdir(parents=True, exist_ok=True)
            lines = self._properties(broker) | self._settings
            broker.properties.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
            arguments = ["format", "--cluster-id", self._cluster_id, "--config", str(broker.properties), *first_user]
            tools.append(ServerProcess([*self._java, "kafka.tools.StorageTool", *arguments], log=broker.log))
        for tool in tools:
            tool.finish(timeout_s=START_TIMEOUT_S)

    def _await_ready(self, broker: _Broker, *, members: int) -> None:
        """A locked broker is asked at its brokers' door."""
        port, tls = (broker.broker_port, self._security.as_broker()) if self._security else (broker.port, None)
        if broker.process is not None:
            broker.process.wait_until(lambda: _known_brokers(port, tls) >= members, timeout_s=START_TIMEOUT_S)

    def _listeners(self, broker: _Broker) -> dict[str, str]:
        clients = f"CLIENTS://127.0.0.1:{broker.port}"
        controller = f"CONTROLLER://127.0.0.1:{broker.controller_port}"
        if self._security is None:
            return {
                "listeners": f"{clients},{controller}",
                "advertised.listeners": clients,
                "inter.broker.listener.name": "CLIENTS",
                "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            }
        brokers = f"BROKERS://127.0.0.1:{broker.broker_port}"
        return {
            "listeners": f"{clients},{brokers},{controller}",
            "advertised.listeners": f"{clients},{brokers}",
            "inter.broker.listener.name": "BROKERS",
            **self._security.properties(),
        }

    def _properties(self, broker: _Broker) -> dict[str, str]:
        copies, in_sync = (3, 2) if len(self._brokers) >= 3 else (1, 1)
        controllers = (f"{b.node}@127.0.0.1:{b.controller_port}" for b in self._brokers.values())
        return {
            "process.roles": "broker,controller",
            "node.id": str(broker.node),
            "controller.quorum.voters": ",".join(controllers),
            **self._listeners(broker),
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(broker.data),
            "auto.create.topics.enable": "false",
            "default.replication.factor": str(copies),
            "min.insync.replicas": str(in_sync),
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": str(copies),
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.replication.factor": str(copies),
            "transaction.state.log.min.isr": str(in_sync),
            "group.initial.rebalance.delay.ms": "0",
            # The default of 128 MB does not fit a heap of 256: a broker died of it at its start.
            "log.cleaner.dedupe.buffer.size": "8388608",
            # A killed broker may register again only when its old session has run out: with the default of
            # 9 s a restart takes 12 s.
            "broker.session.timeout.ms": "1500",
            "broker.heartbeat.interval.ms": "300",
        }


def make_class_archive() -> None:
    """What a broker loads, ready-made: a start takes half the CPU time. The JVM passes over a stale one."""
    with Kafka() as kafka:
        kafka.stop()
        kafka._java.insert(1, f"-XX:ArchiveClassesAtExit={CLASS_ARCHIVE}")
        kafka.start()
        kafka.stop()


def _java(heap_mb: int, *, quick_start: bool, temporary: Path) -> list[str]:
    return [
        "java",
        f"-Xms{heap_mb}m",  # as large from the beginning, as Kafka's own script has it
        f"-Xmx{heap_mb}m",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:-UsePerfData",
        *(["-XX:TieredStopAtLevel=1"] if quick_start else []),
        *([f"-XX:SharedArchiveFile={CLASS_ARCHIVE}"] if CLASS_ARCHIVE.exists() else []),
        f"-Djava.io.tmpdir={temporary}",  # where zstd and snappy unpack their libraries
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-cp",
        f"{JARS}/*",
    ]


_METADATA_REQUEST = struct.pack(">ihhihi", 14, 3, 1, 0, -1, 0)
"""Length, API key 3 (Metadata), version 1, correlation id, no client id, no topics: only the brokers."""


def _known_brokers(port: int, tls: ssl.SSLContext | None) -> int:
    """How many brokers this one knows to be alive, itself among them; 0 while it does not answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as wire:
            peer = tls.wrap_socket(wire, server_hostname="127.0.0.1") if tls else wire
            peer.sendall(_METADATA_REQUEST)
            with peer.makefile("rb") as answers:
                answer = answers.read(12)
            if tls:
                peer.close()
    except OSError:
        return 0
    return int.from_bytes(answer[8:12]) if len(answer) == 12 else 0


def _new_cluster_id() -> str:
    """A UUID as 22 characters of base64url that does not look like an option, that is, begin with `-`."""
    return "A" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode()[1:22]
