"""Names nobody can guess, and none twice."""

import os

from shared.randomness import CHUNK, CHUNKS, random_bytes, random_hex


def test_none_comes_twice() -> None:
    names = {random_bytes(8) for _ in range(CHUNKS * 5)}
    assert len(names) == CHUNKS * 5
    assert {len(name) for name in names} == {8}


def test_hex_has_two_digits_a_byte() -> None:
    assert len(bytes.fromhex(random_hex(CHUNK))) == CHUNK


def test_process_and_its_fork_do_not_share_what_was_fetched() -> None:
    random_bytes(1)  # the rest is fetched
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, random_bytes(CHUNK))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, CHUNK)
    assert theirs not in {random_bytes(CHUNK) for _ in range(CHUNKS)}
