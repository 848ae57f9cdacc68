"""What says the same again and again is said now and then, with how often; nothing else is left out."""

import logging
from collections.abc import Iterator

import pytest

from shared import sparing
from shared.sparing import Sparing


@pytest.fixture
def said() -> Iterator[list[str]]:
    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    lines: list[str] = []
    handler = Heard()
    handler.addFilter(Sparing())
    root = logging.getLogger()
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)


def passes(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    was = sparing.time.monotonic()
    monkeypatch.setattr(sparing.time, "monotonic", lambda: was + seconds)


def test_the_same_warning_is_said_once_and_later_how_often(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("shared.bus.relay")
    for _ in range(100):
        log.warning("relay pauses: %s", "the broker is away")
    passes(monkeypatch, sparing.EVERY_S)
    log.warning("relay pauses: %s", "the broker is away")
    assert said == [
        "relay pauses: the broker is away",
        "relay pauses: the broker is away (and 99 times more before)",
    ]


def test_ours_that_read_differently_are_all_said(said: list[str]) -> None:
    for ticket in ("A", "B"):
        logging.getLogger("shared.bus.relay").error("ticket %s can't be published", ticket)
    assert len(said) == 2


def test_what_is_not_of_the_bus_is_always_said(said: list[str]) -> None:
    for _ in range(5):
        logging.getLogger("shared.operators").warning("BREAK-GLASS from 127.0.0.1: wrong")
    assert len(said) == 5


def test_numbers_make_no_other_warning_of_the_kafka_clients(said: list[str]) -> None:
    for node in range(50):
        logging.getLogger("aiokafka.client").error("Unable connect to node with id %s", node)
    assert said == ["Unable connect to node with id 0"]


def test_what_is_no_warning_is_never_left_out(said: list[str]) -> None:
    logging.getLogger().setLevel(logging.INFO)
    for _ in range(3):
        logging.getLogger("access").info("GET /healthz 200")
    assert len(said) == 3
