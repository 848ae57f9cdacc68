"""The AsyncAPI document is one by the judgement of AsyncAPI's own parser, and that parser sees what is broken."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import main
from shared.testing.asyncapi import faults
from tests.centers import House

Json = dict[str, Any]
REPORTED = "vrc.ticket.reported.v1"


@pytest.fixture
def document() -> Json:
    return json.loads(CliRunner().invoke(main, ["asyncapi"]).output)


def test_reference_parser_finds_nothing_wrong(document: Json) -> None:
    assert faults(json.dumps(document)) == []


BREAKS: dict[str, Callable[[Json], Any]] = {
    "no title": lambda d: d["info"].pop("title"),
    "message that is not there": lambda d: d["components"]["messages"].pop(REPORTED),
    "schema that is not there": lambda d: d["components"]["schemas"].pop("FaultReported"),
    "type that is none": lambda d: d["components"]["schemas"]["FaultReported"].update(type="thing"),
    "operation that neither sends nor receives": lambda d: d["operations"]["publishFacts"].update(action="shout"),
    "security that is not known": lambda d: d["components"]["securitySchemes"]["scram"].update(type="handshake"),
    "binding of no version": lambda d: d["channels"]["orders"]["bindings"]["kafka"].update(bindingVersion="9"),
    "word that is not AsyncAPI's": lambda d: d["channels"]["tickets"].update(colour="red"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_reference_parser_sees_what_is_broken_by_hand(document: Json, broken: str) -> None:
    BREAKS[broken](document)
    assert faults(json.dumps(document)) != []


async def test_center_serves_the_document_that_the_command_prints(embedded: House, document: Json) -> None:
    answer = await embedded.nobody.get("/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document
