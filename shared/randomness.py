"""Random bytes from the operating system, fetched many at a time.

Each fetch lets go of the interpreter, which has to be won back from the database's thread: up to a millisecond for a
name that is made in one microsecond, several times in each request.
"""

import os

CHUNK = 16
CHUNKS = 256
_chunks: list[bytes] = []
os.register_at_fork(after_in_child=_chunks.clear)


def random_bytes(size: int) -> bytes:
    """At most CHUNK; fit for secrets, and never given twice."""
    while True:
        try:
            return _chunks.pop()[:size]
        except IndexError:
            block = os.urandom(CHUNK * CHUNKS)
            _chunks.extend(block[i : i + CHUNK] for i in range(0, len(block), CHUNK))


def random_hex(size: int) -> str:
    """As many bytes, each two digits."""
    return random_bytes(size).hex()
