"""Thousands of live streams held by one process over raw sockets: what reads must cost less than what writes.

Commands are lines on standard input, answers JSON lines on standard output:

    open <url path> <count> <slow>   opens streams; the last `slow` of them read nothing from then on
    message                          waits until each (but the slow) had one more event: seconds of arrival, monotonic
    close                            all of them
"""

import json
import os
import select
import socket
import sys
import time
from pathlib import Path

PATIENCE_S = 60.0
WAVE = 500  # connections under way at once: less than a listener's backlog
BEGINS, EVENT = b"retry: 2000\n\n", b"\ndata: "
SMALL = 4096


class Reader:
    def __init__(self, port: int, keys: list[str]) -> None:
        self._port = port
        self._keys = keys
        self._epoll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._slow: set[int] = set()

    def open(self, path: str, count: int, slow: int) -> None:
        for first in range(0, count, WAVE):
            self._open_wave(path, range(first, min(first + WAVE, count)), slow_from=count - slow)
        for fd in self._slow:
            self._epoll.unregister(fd)

    def _open_wave(self, path: str, numbers: range, *, slow_from: int) -> None:
        beginning: dict[int, bytes] = {}
        for number in numbers:
            one = socket.socket()
            if number >= slow_from:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
                self._slow.add(one.fileno())
            one.connect(("127.0.0.1", self._port))
            one.setblocking(False)
            key = self._keys[number % len(self._keys)]
            one.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
            self._open[one.fileno()] = one
            self._epoll.register(one.fileno(), select.EPOLLIN)
            beginning[one.fileno()] = b""
        deadline = time.monotonic() + PATIENCE_S
        while beginning and time.monotonic() < deadline:
            for fd, _ in self._epoll.poll(1):
                said = os.read(fd, 65536)
                if fd in beginning:
                    beginning[fd] += said
                    if not said or b" 200 " not in beginning[fd][:20]:
                        raise SystemExit(f"a stream was not opened: {beginning[fd]!r}")
                    if BEGINS in beginning[fd]:
                        del beginning[fd]
        if beginning:
            raise SystemExit(f"{len(beginning)} streams did not begin")

    def message(self) -> list[float]:
        waiting, arrived = len(self._open) - len(self._slow), []
        deadline = time.monotonic() + PATIENCE_S
        while waiting > 0 and time.monotonic() < deadline:
            for fd, _ in self._epoll.poll(1, 1000):
                said = os.read(fd, 65536)
                if not said:
                    raise SystemExit("a stream ended")
                if found := said.count(EVENT):
                    waiting -= found
                    arrived.append(time.monotonic())
        if waiting:
            raise SystemExit(f"{waiting} streams heard nothing")
        return arrived

    def close(self) -> None:
        for one in self._open.values():
            one.close()
        self._open.clear()
        self._slow.clear()


def main() -> None:
    reader = Reader(int(sys.argv[1]), Path(sys.argv[2]).read_text().split())
    for line in sys.stdin:
        match line.split():
            case ["open", path, count, slow]:
                reader.open(path, int(count), int(slow))
                answer: object = True
            case ["message"]:
                answer = reader.message()
            case _:
                reader.close()
                answer = True
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
