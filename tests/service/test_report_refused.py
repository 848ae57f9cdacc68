"""What is refused at the door, by a problem that names the field; nothing is recorded."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.clock import rfc3339
from shared.testing.clock import START
from tests.centers import House
from tests.registry import BEIJING, FAR, OTHERS

REPORT = {"circuit": FAR, "impact": "down", "description": "No light"}
JSON = {"Content-Type": "application/json"}
SIZE = 64 * 1024


def problem(answer: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["type"] == f"urn:vrc:problem:{found['code']}"
    if field is not None:
        assert field in [error["field"] for error in found["errors"]]
    return found


async def send(center: House, body: Any, headers: dict[str, str] = JSON) -> httpx.Response:
    answer = await center.customer.send("POST", "/v1/faults", body, headers)
    assert await center.operator.items("/v1/tickets") == []
    return answer


def text(**changes: Any) -> bytes:
    """A report as JSON; a change to `...` leaves the field out."""
    return json.dumps({n: v for n, v in {**REPORT, **changes}.items() if v is not ...}).encode()


FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "no circuit": ("circuit", {"circuit": ...}),
    "no impact": ("impact", {"impact": ...}),
    "no description": ("description", {"description": ...}),
    "unknown field": ("colour", {"colour": "red"}),
    "circuit null": ("circuit", {"circuit": None}),
    "circuit a number": ("circuit", {"circuit": 7}),
    "circuit empty": ("circuit", {"circuit": ""}),
    "circuit unknown": ("circuit", {"circuit": "SG-NONE"}),
    "circuit of another account": ("circuit", {"circuit": OTHERS[0]}),
    "circuit too long": ("circuit", {"circuit": "x" * 65}),
    "impact unknown": ("impact", {"impact": "broken"}),
    "impact in capitals": ("impact", {"impact": "DOWN"}),
    "description empty": ("description", {"description": ""}),
    "description of blanks": ("description", {"description": " \t\n"}),
    "contact's mail address none": ("contact.email", {"contact": {"email": "notmail"}}),
    "description too long": ("description", {"description": "x" * 2001}),
    "description a list": ("description", {"description": ["x"]}),
    "segment unknown": ("segment", {"segment": "moon"}),
    "segment of another circuit": ("segment", {"segment": "z-tail"}),
    "reference too long": ("reference", {"reference": "x" * 201}),
    "reference a number": ("reference", {"reference": 7}),
    "unknown field of the contact": ("contact.fax", {"contact": {"fax": "1"}}),
    "contact a number": ("contact", {"contact": 7}),
    "contact empty": ("contact.name", {"contact": ""}),
    "field called like a part of the request": ("path", {"path": "/"}),
    "field called query": ("query", {"query": {"x": 1}}),
    "field called body": ("body", {"body": 1}),
    "time without zone": ("reported_at", {"reported_at": "2026-11-21T08:00:00"}),
    "time in the future": ("reported_at", {"reported_at": rfc3339(START + timedelta(seconds=61))}),
    "time in a year that nobody means": ("reported_at", {"reported_at": "1026-11-21T08:00:00Z"}),
    "time as a number": ("reported_at", {"reported_at": 1_700_000_000}),
    "time as digits": ("reported_at", {"reported_at": "1700000000"}),
    "time that is a date": ("reported_at", {"reported_at": "2026-11-21"}),
    "time that is none": ("reported_at", {"reported_at": "yesterday at noon"}),
    "time that overflows": ("reported_at", {"reported_at": "9999-12-31T23:59:59-10:00"}),
    "NUL": ("description", {"description": "no\x00light"}),
    "control character": ("description", {"description": "no\x1blight"}),
    "bidi override": ("description", {"description": "no \u202elight"}),
    "bidi isolate": ("reference", {"reference": "\u2066x"}),
    "lone surrogate": ("description", {"description": "no \ud800 light"}),
    "NUL inside the contact": ("contact.name", {"contact": {"name": "a\x00"}}),
    "bidi override as a contact": ("contact", {"contact": "\u202dx"}),
    "NUL in the circuit": ("circuit", {"circuit": "SG\x00"}),
}  # fmt: skip
BODIES: dict[str, tuple[str, bytes]] = {
    "nothing": ("body", b""),
    "no JSON": ("body", b'{"circuit": '),
    "two documents": ("body", text() + text()),
    "NaN": ("body", b'{"circuit": NaN}'),
    "infinity": ("body", b'{"circuit": -Infinity}'),
    "number out of range": ("body", b'{"circuit": 1e999}'),
    "endless number": ("body", b'{"circuit": %s}' % (b"9" * 5000)),
    "deep nesting": ("body", b"[" * 30_000),
    "nesting that ends": ("body", b"[" * 25 + b"]" * 25),
    "broken UTF-8": ("body", text().replace(b"light", b"\xff\xfe")),
    "encoded surrogate": ("body", text().replace(b"light", b"\xed\xa0\x80")),
    "Latin-1": ("body", "{\"circuit\": \"é\"}".encode("latin-1")),
    "UTF-16": ("body", json.dumps(REPORT).encode("utf-16")),
    "byte order mark": ("body", b"\xef\xbb\xbf" + text()),
    "duplicate key": ("circuit", b'{"circuit": "SG-0878-010", "circuit": "SG-0871-0871"}'),
    "duplicate key inside": ("contact.name", b'{"contact": {"name": "a", "name": "b"}}'),
    "duplicate key, once escaped": ("circuit", b'{"circuit": "a", "\\u0063ircuit": "b"}'),
}  # fmt: skip


@pytest.mark.parametrize("what", FIELDS)
async def test_field_that_is_wrong_is_named(embedded: House, what: str) -> None:
    field, changes = FIELDS[what]
    problem(await send(embedded, text(**changes)), 422, field)


@pytest.mark.parametrize("what", BODIES)
async def test_body_that_is_not_json_is_malformed(embedded: House, what: str) -> None:
    field, body = BODIES[what]
    problem(await send(embedded, body), 400, field)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"down"', b"7"])
async def test_body_that_is_no_object_is_refused(embedded: House, body: bytes) -> None:
    (error,) = problem(await send(embedded, body), 422)["errors"]
    assert (error["field"], error["message"]) == ("body", "must be a JSON object")


async def test_all_wrong_fields_are_named_at_once(embedded: House) -> None:
    errors = problem(await send(embedded, text(circuit=..., impact="broken", colour="red")), 422)["errors"]
    assert [e["field"] for e in errors] == ["circuit", "impact", "colour"]


async def test_another_accounts_circuit_is_as_unknown_as_one_that_does_not_exist(embedded: House) -> None:
    unknown = await send(embedded, text(circuit="BY-9"))
    anothers = await send(embedded, text(circuit=OTHERS[0]))
    assert (anothers.status_code, anothers.content) == (unknown.status_code, unknown.content)
    assert set(anothers.headers) == set(unknown.headers)
    assert await embedded.bank.report(OTHERS[0])


async def test_segment_of_another_accounts_circuit_is_not_told(embedded: House) -> None:
    unknown = await send(embedded, text(circuit="BY-9", segment="a-access"))
    anothers = await send(embedded, text(circuit=OTHERS[0], segment="a-access"))
    assert anothers.content == unknown.content


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json", ""]
)
async def test_wrong_media_type_is_415(embedded: House, media_type: str) -> None:
    problem(await send(embedded, text(), {"Content-Type": media_type}), 415)


async def test_no_media_type_is_415(embedded: House) -> None:
    problem(await send(embedded, text(), {}), 415)


async def test_body_over_64_kib_is_413(embedded: House) -> None:
    problem(await send(embedded, text().ljust(SIZE + 1)), 413)


async def test_body_over_64_kib_in_chunks_is_413(embedded: House) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield text()
        for _ in range(SIZE // 1024):
            yield b" " * 1024

    problem(await send(embedded, chunks()), 413)


async def test_body_without_end_is_413(embedded: House) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    problem(await send(embedded, endless()), 413)


async def test_short_body_in_chunks_is_taken(embedded: House) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for byte in text():
            yield bytes([byte])

    assert (await embedded.customer.send("POST", "/v1/faults", chunks(), JSON)).status_code == 201


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, "ключ", "tab\there"])
async def test_bad_idempotency_key_is_refused(embedded: House, key: str) -> None:
    headers = {**JSON, "Idempotency-Key": key.encode()}
    problem(await send(embedded, text(), headers), 422, "header:idempotency-key")


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer vrc_0_0", "Basic dXNlcjpwYXNz", "Bearer \xff"]
)
async def test_no_valid_key_is_401_whatever_is_sent(embedded: House, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    for body in (text(), b"{", text(circuit="SG-NONE")):
        answer = await embedded.nobody.send("POST", "/v1/faults", body, {**JSON, **headers})
        problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_local_network_may_not_report(embedded: House) -> None:
    problem(await embedded.network(BEIJING).post("/v1/faults", REPORT), 403)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/tickets/", "/v1/faults/", "//v1/tickets", "/"])
async def test_unknown_address_is_a_problem_too(embedded: House, path: str) -> None:
    problem(await embedded.customer.get(path), 404)


async def test_wrong_method_is_a_problem_that_says_which_is_right(embedded: House) -> None:
    answer = await embedded.customer.get("/v1/faults")
    problem(answer, 405)
    assert answer.headers["allow"] == "POST"
