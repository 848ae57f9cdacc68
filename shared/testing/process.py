"""Child processes that cannot outlive us, and what a failure test does to them: stop, kill, pause, start.

Every child has PR_SET_PDEATHSIG, so the kernel kills it when this process ends, however that ends. `setpriv`
sets it, after it changed the user: a change of user clears it.
"""

import atexit
import os
import random
import select
import shutil
import signal
import socket
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from subprocess import DEVNULL, PIPE, STDOUT, Popen, TimeoutExpired
from typing import Self

POLL_S = 0.02
"""Pause between two looks at a server that is starting."""


class ServerDidNotStart(RuntimeError):
    """Carries the tail of the server's log."""


class ServerProcess:
    """One child and its descendants. `user` (for root only) is who it runs as; its output goes to `log`."""

    def __init__(self, argv: Sequence[str | Path], *, log: Path, user: str | None = None) -> None:
        self.log = log
        self._name = Path(argv[0]).name
        self._guard: Popen[bytes] | None = None
        self._frozen: list[int] = []
        become = ["--reuid", user, "--regid", user, "--init-groups"] if user else []
        command = ["setpriv", "--pdeathsig", "KILL", *become, "--", *map(str, argv)]
        with log.open("ab") as output:
            self._child = _fork(
                lambda: Popen(
                    command,
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=STDOUT,
                    cwd=log.parent,
                    start_new_session=True,  # Ctrl-C is ours to handle
                )
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Raises ServerDidNotStart when the child ends first, or is still not `ready` in time."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            with suppress(TimeoutExpired):
                raise self._failure(f"ended with status {self._child.wait(POLL_S)}")
            if time.monotonic() > deadline:
                raise self._failure(f"is not ready after {timeout_s:g} s")

    def finish(self, *, timeout_s: float) -> None:
        """Waits for a child that ends by itself; raises ServerDidNotStart unless it ends well."""
        try:
            status = self._child.wait(timeout_s)
        except TimeoutExpired:
            self.kill()
            raise self._failure(f"has not ended after {timeout_s:g} s") from None
        if status:
            raise self._failure(f"ended with status {status}")

    def ask_to_stop(self, with_signal: signal.Signals) -> None:
        self.resume()
        if self.running:
            self._child.send_signal(with_signal)

    def end_within(self, timeout_s: float) -> None:
        """Waits for an orderly end, and kills when that takes longer."""
        try:
            self._child.wait(timeout_s)
        except TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole tree; returns when nothing of it is left, as after a power cut."""
        if self.running:
            _kill_and_wait(self._freeze())
            self._child.wait()
        self._dismiss_guard()

    def pause(self) -> None:
        """The whole tree stops answering and keeps its connections, as a machine that hangs does."""
        if self._guard is not None:
            return
        self._frozen = self._freeze()
        # Stopped grandchildren don't notice that we died: a guard kills them when its pipe to us closes.
        guard = ["sh", "-c", 'read -r _; kill -KILL "$@"', "guard", *map(str, self._frozen)]
        self._guard = Popen(guard, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True)

    def resume(self) -> None:
        self._dismiss_guard()
        for pid in reversed(self._frozen):
            _signal(pid, signal.SIGCONT)
        self._frozen = []

    def _freeze(self) -> list[int]:
        """The whole tree, stopped: a parent before its children are listed, so that none is born unseen."""
        pids = [self.pid]
        _signal(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        for pid in pids:
            for child in _children(pid):
                _signal(child, signal.SIGSTOP)
                pids.append(child)
        return pids

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def _failure(self, what: str) -> ServerDidNotStart:
        tail = self.log.read_text(errors="replace").splitlines()[-30:]
        return ServerDidNotStart("\n".join([f"{self._name} {what}; the end of {self.log}:", *tail]))


class Server(ABC):
    """A directory and the processes that work in it; as a context manager started, and gone with the block.

    Without a `directory` it makes its own in the system's temporary directory, and removes that at the end.
    """

    def __init__(self, directory: Path | None, *, name: str) -> None:
        self._owns_directory = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix=f"vrc-{name}-"))
        self._owner = os.getpid()
        atexit.register(self.close)

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    def close(self) -> None:
        atexit.unregister(self.close)
        if os.getpid() != self._owner:  # a fork that ends leaves its parent's servers alone
            return
        if self._owns_directory:
            self._discard()
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            self.stop()

    def _discard(self) -> None:
        """The quickest end that leaves nothing outside the directory."""
        self.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_ports(count: int) -> list[int]:
    """Free loopback ports below the range that the kernel gives to outgoing connections.

    A port inside that range can be taken by any client while its server is down: even by one that, trying to
    reach it, connects to itself. Drawn apart from `random`, whose seed test processes side by side may share.
    """
    lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = random.SystemRandom().sample(range(10_000, lowest_ephemeral), k=count + 100)
    with ExitStack() as held:
        free = (port for port in candidates if _bind(port, held))
        return [next(free) for _ in range(count)]


def _bind(port: int, held: ExitStack) -> bool:
    claim = held.enter_context(socket.socket())
    try:
        claim.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


_Job = tuple[Callable[[], Popen[bytes]], Future[Popen[bytes]]]


def _fork(make: Callable[[], Popen[bytes]]) -> Popen[bytes]:
    """PR_SET_PDEATHSIG fires when the *thread* that forked ends: one that never ends does all the forking."""
    result: Future[Popen[bytes]] = Future()
    _forker(os.getpid()).put((make, result))
    return result.result()


@cache
def _forker(_process: int) -> SimpleQueue[_Job]:
    jobs: SimpleQueue[_Job] = SimpleQueue()
    threading.Thread(target=_fork_forever, args=(jobs,), name="server-forker", daemon=True).start()
    return jobs


def _fork_forever(jobs: SimpleQueue[_Job]) -> None:
    while True:
        make, result = jobs.get()
        try:
            result.set_result(make())
        except OSError as error:
            result.set_exception(error)


def _children(parent: int) -> list[int]:
    return [pid for pid in _processes() if _parent(pid) == parent]


def _processes() -> Iterable[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _kill_and_wait(pids: Iterable[int]) -> None:
    """`pids` are stopped. Most are no children of ours, so a pidfd tells when they ended."""
    handles = [os.pidfd_open(pid) for pid in pids]
    try:
        for handle in handles:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        for handle in handles:
            ended = select.poll()
            ended.register(handle, select.POLLIN)
            ended.poll()
    finally:
        for handle in handles:
            os.close(handle)
