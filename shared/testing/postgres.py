"""A real PostgreSQL 15 of one's own: durable as in production, on a loopback port, gone with this process."""

import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from shared.testing.process import Server, ServerDidNotStart, ServerProcess, free_ports

BIN = Path("/usr/lib/postgresql/15/bin")
ROLE = "vrc"
SERVICE = "vrc_service"
START_TIMEOUT_S = 60.0


class Postgres(Server):
    """Role `vrc` (no superuser, random password) owns the databases, `vrc_service` owns nothing: the services' login.

    The superuser has the unix socket only.

    Root runs it as the user `postgres`, who must be able to reach `directory`: every parent open to others.
    `settings` are postgresql.conf's; fsync and synchronous_commit keep their safe defaults.
    """

    def __init__(self, directory: Path | None = None, *, settings: Mapping[str, str] | None = None) -> None:
        if not BIN.is_dir():
            raise ServerDidNotStart("PostgreSQL 15 is not installed; deploy/servers/install.sh does it")
        super().__init__(directory, name="postgres")
        self.port = free_ports(1)[0]
        self._password = secrets.token_urlsafe(18)
        self._user = "postgres" if os.geteuid() == 0 else None
        self._data = self.directory / "data"
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "max_connections": "200",
            "dynamic_shared_memory_type": "mmap",  # in the data directory: a kill leaves nothing in /dev/shm
            **(settings or {}),
        }
        self._process: ServerProcess | None = None

    def dsn(self, database: str) -> str:
        return f"postgresql://{ROLE}:{self._password}@127.0.0.1:{self.port}/{database}"

    def service_dsn(self, database: str) -> str:
        """The services' login, which may do in a migrated database what `vrc migrate` granted it."""
        return f"postgresql://{SERVICE}:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The postmaster's."""
        return self._running().pid

    @property
    def log(self) -> Path:
        return self.directory / "postgres.log"

    def start(self) -> None:
        """Returns when connections are accepted. After stop() or kill(): the same port, the same data."""
        if self._process is not None and self._process.running:
            return
        first = not self._data.exists()
        if first:
            self._make_cluster()
        flags = [f"--{name}={value}" for name, value in self._settings.items()]
        self._process = self._run("postgres", *flags)
        self._process.wait_until(self._accepts_connections, timeout_s=START_TIMEOUT_S)
        if first:
            for role in (ROLE, SERVICE):
                self.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{self._password}'")

    def stop(self) -> None:
        """PostgreSQL's fast shutdown: sessions are ended, a checkpoint is written."""
        if self._process is not None:
            self._process.ask_to_stop(signal.SIGINT)
            self._process.end_within(30)

    def kill(self) -> None:
        """Postmaster and backends at once, by SIGKILL; what was committed must be there after start()."""
        self._running().kill()
        forget_shared_memory(self._data)

    def pause(self) -> None:
        self._running().pause()

    def resume(self) -> None:
        self._running().resume()

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """The new database's DSN. `template` must have no open connections."""
        self.sql(f"CREATE DATABASE {_plain(name)} OWNER {ROLE} TEMPLATE {_plain(template)}")
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Ends its sessions."""
        self.sql(f"DROP DATABASE IF EXISTS {_plain(name)} WITH (FORCE)")

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """What psql prints for it, run by the superuser: rows as lines, columns separated by `|`."""
        where = ["-h", str(self.directory), "-p", str(self.port), "-U", "postgres", "-d", database]
        psql = [str(BIN / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, "-c", statement]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        done = subprocess.run(psql, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def _running(self) -> ServerProcess:
        if self._process is None:
            raise RuntimeError("not started")
        return self._process

    def _make_cluster(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._user:
            shutil.chown(self.directory, self._user, self._user)
        access = ["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"]
        # --no-sync: only a power cut right now could lose the empty cluster.
        form = ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        self._run("initdb", *access, *form).finish(timeout_s=START_TIMEOUT_S)
        # `trust` above is for the socket: only its owner and root may enter the directory.
        self.directory.chmod(0o700)

    def _run(self, program: str, *arguments: str) -> ServerProcess:
        command = [str(BIN / program), "-D", str(self._data), *arguments]
        return ServerProcess(command, log=self.log, user=self._user)

    def _accepts_connections(self) -> bool:
        """As pg_ctl does it: the lock file has our postmaster in line 1 and its state in line 8."""
        lock = _lock_file(self._data)
        return len(lock) > 7 and lock[0] == str(self._running().pid) and lock[7].strip() == "ready"


def forget_shared_memory(data: Path) -> None:
    """Removes the System V segment that a killed postmaster leaves: `key id` in line 7 of its lock file."""
    lock = _lock_file(data)
    if len(lock) > 6:
        subprocess.run(["ipcrm", "-m", lock[6].split()[1]], capture_output=True, check=False)


def _lock_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _plain(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ValueError(f"not a plain database name: {name!r}")
    return name
