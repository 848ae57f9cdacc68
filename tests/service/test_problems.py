"""Whatever goes wrong is answered as an RFC 9457 problem that names the field, and never shows the inside."""

import logging
import re
from typing import Any

import pytest
from prometheus_client import generate_latest

from shared.errors import CenterError
from tests.door import RAISED, Door

JSON = {"Content-Type": "application/json"}


def fields(problem: dict[str, Any]) -> dict[str, str]:
    return {error["field"]: error["message"] for error in problem["errors"]}


@pytest.mark.parametrize("name", RAISED)
async def test_every_error_is_a_problem_with_its_own_code_and_status(door: Door, name: str) -> None:
    problem, raised = await door.problem("GET", f"/v1/raise/{name}"), RAISED[name]
    said = {key: problem[key] for key in ("type", "title", "status", "code", "detail")}
    assert said == {
        "type": f"urn:vrc:problem:{raised.code}", "title": raised.title, "status": raised.status,
        "code": raised.code, "detail": raised.detail,
    }  # fmt: skip


async def test_invalid_input_lists_every_field(door: Door) -> None:
    problem = await door.problem("GET", "/v1/raise/invalid")
    assert fields(problem) == {"impact": "is required", "query:limit": "is too large"}


async def test_illegal_move_says_what_is_legal(door: Door) -> None:
    assert (await door.problem("GET", "/v1/raise/illegal"))["legal"] == ["confirm", "reopen"]


async def test_gone_says_what_is_the_oldest(door: Door) -> None:
    assert (await door.problem("GET", "/v1/raise/gone"))["oldest"] == "VT261121-7K3QM9XA-7"


async def test_unavailable_says_when_to_try_again(door: Door) -> None:
    assert (await door.client.get("/v1/raise/unavailable")).headers["retry-after"] == "3"


async def test_unauthenticated_says_how_to(door: Door) -> None:
    answer = await door.client.get("/v1/things/1", headers=door.nobody)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_key_of_another_role_is_forbidden(door: Door) -> None:
    problem = await door.problem("GET", "/v1/things/1", headers=door.network)
    assert (problem["status"], problem["code"]) == (403, "forbidden")
    assert "account and operator" in problem["detail"]


@pytest.mark.parametrize("request_", [("GET", "/v1/raise/defect", None), ("POST", "/v1/hot", "defect")])
async def test_defect_is_said_without_detail_and_logged_once(
    door: Door, caplog: pytest.LogCaptureFixture, request_: tuple[str, str, Any]
) -> None:
    method, path, body = request_
    problem = await door.problem(method, path, json=body)
    (logged,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (problem["status"], problem["code"]) == (500, "internal")
    assert "secret" not in str(problem)
    assert logged.args[0] in problem["detail"]  # type: ignore[index]
    assert logged.exc_info is not None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"name": "is required"}),
        ({"name": 1}, {"name": "Input should be a valid string"}),
        ({"name": "x", "colour": "red"}, {"colour": "is not a field of this request"}),
        ({"name": "x", "parts": [{"name": "ok"}, {}]}, {"parts.1.name": "is required"}),
        ({"name": "x", "parts": [{"name": "y" * 11}]}, {"parts.0.name": "String should have at most 10 characters"}),
    ],
)
async def test_field_of_the_body_is_named_by_its_path(door: Door, body: Any, expected: dict[str, str]) -> None:
    problem = await door.problem("POST", "/v1/things", json=body)
    assert (problem["status"], problem["code"]) == (422, "invalid_input")
    assert fields(problem) == expected


@pytest.mark.parametrize("body", [[], "x", 1, None])
async def test_body_that_is_no_object_is_named_as_the_body(door: Door, body: Any) -> None:
    assert list(fields(await door.problem("POST", "/v1/things", json=body))) == ["body"]


async def test_body_that_is_missing_is_named_as_the_body(door: Door) -> None:
    assert fields(await door.problem("POST", "/v1/things")) == {"body": "is required"}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, "body"),
        (b'{"name": NaN}', 400, "body"),
        (b'{"name": "\xff"}', 400, "body"),
        (b'{"name": "x", "name": "y"}', 400, "name"),
        (rb'{"name": "\u0000"}', 422, "name"),
        (rb'{"name": "x", "parts": [{"name": "\ud800"}]}', 422, "parts.0.name"),
        (rb'{"name": "\u202e"}', 422, "name"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/things", "/v1/hot"])
async def test_json_that_is_not_strict_is_refused(door: Door, path: str, body: bytes, status: int, field: str) -> None:
    problem = await door.problem("POST", path, content=body, headers=JSON)
    assert (problem["status"], list(fields(problem))) == (status, [field])


@pytest.mark.parametrize("media", ["text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("path", ["/v1/things", "/v1/hot"])
async def test_other_media_types_are_refused(door: Door, path: str, media: str) -> None:
    problem = await door.problem("POST", path, content=b'{"name": "x"}', headers={"Content-Type": media})
    assert (problem["status"], problem["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("media", ["application/json", "Application/JSON; charset=utf-8"])
async def test_json_is_taken_however_it_is_spelled(door: Door, media: str) -> None:
    answer = await door.client.post("/v1/things", content=b'{"name": "x"}', headers={"Content-Type": media})
    assert answer.json() == {"length": 1}


async def test_parameters_are_named_with_their_place(door: Door) -> None:
    problem = await door.problem("GET", "/v1/things/1?limit=999", headers={"trace": "x"})
    assert set(fields(problem)) == {"query:limit", "header:trace"}


@pytest.mark.parametrize("path", ["/v1/things/1?limit=1&limits=2", "/v1/hot?limits=2"])
async def test_parameter_that_a_route_does_not_declare_is_refused_and_named(door: Door, path: str) -> None:
    problem = await door.problem("POST" if "hot" in path else "GET", path)
    assert (problem["status"], list(fields(problem))) == (422, ["query:limits"])


async def test_parameter_that_is_given_twice_is_refused_and_named(door: Door) -> None:
    problem = await door.problem("GET", "/v1/things/1?limit=1&limit=2")
    assert (problem["status"], fields(problem)) == (422, {"query:limit": "is given more than once"})


async def test_stranger_is_asked_who_he_is_before_what_he_means(door: Door) -> None:
    assert (await door.problem("GET", "/v1/things/1?limits=2", headers=door.nobody))["status"] == 401


async def test_public_address_takes_any_parameter(door: Door) -> None:
    assert (await door.client.get("/healthz?probe=1")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/things/abc", "/v1/nothing", "/", "/v1/things/"])
async def test_address_that_names_nothing_is_not_found(door: Door, path: str) -> None:
    problem = await door.problem("GET", path)
    assert (problem["status"], problem["code"]) == (404, "not_found")


async def test_wrong_method_is_a_problem_that_says_which_are_right(door: Door) -> None:
    answer = await door.client.delete("/v1/things/1")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "http_405", "GET")


async def test_answer_carries_the_callers_request_id_if_it_is_plain(door: Door) -> None:
    mine = await door.client.get("/v1/things/1", headers={"X-Request-Id": "a-1"})
    strange = await door.client.get("/v1/things/1", headers={"X-Request-Id": "a b\tc"})
    assert mine.headers["x-request-id"] == "a-1"
    assert strange.headers["x-request-id"].isalnum()


async def test_readiness_says_which_part_is_stuck(door: Door) -> None:
    door.pulse.beat()
    assert (await door.client.get("/readyz", headers=door.nobody)).json()["status"] == "ok"
    door.pulse.last_beat -= 60
    answer = await door.client.get("/readyz", headers=door.nobody)
    door.pulse.beat()
    assert (answer.status_code, list(answer.json()["troubles"])) == (503, ["relay"])
    assert (await door.client.get("/healthz", headers=door.nobody)).status_code == 200


async def test_metrics_label_routes_by_their_pattern_and_unknown_paths_by_nothing(door: Door) -> None:
    for path in ("/v1/things/77", "/v1/unknown/77"):
        await door.client.get(path)
    page = generate_latest(door.metrics.registry).decode()
    assert 'vrc_http_requests_total{method="GET",route="/v1/things/{number}",status="200"}' in page
    assert 'vrc_http_requests_total{method="any",route="unmatched",status="404"}' in page
    assert "77" not in re.sub(r" [0-9.e+-]+\n", "", page)


def test_every_error_that_is_raised_has_been_tried() -> None:
    kinds = {type(error) for error in RAISED.values()}
    assert {kind for kind in CenterError.__subclasses__() if not kind.__subclasses__()} <= kinds
