"""What a customer may do with its ticket: note, cancel, confirm, reopen; and what it is told when it may not."""

import pytest

from tests.centers import House, live
from tests.people import done
from tests.registry import BEIJING, CHUXIONG, FAR


async def ticket_that_is(center: House, status: str) -> str:
    """A ticket led to this status by those who use the center."""
    ticket = await center.report(FAR, CHUXIONG, BEIJING)
    network = center.network(BEIJING)
    if status not in ("acknowledged", "rejected"):
        await network.accept(ticket)
    match status:
        case "pending":
            await network.suspend(ticket, "customer_unavailable")
        case "held":
            await network.suspend(ticket, "spares")
        case "resolved":
            await network.restore(ticket)
        case "closed":
            await network.restore(ticket)
            await center.customer.confirm(ticket)
        case "cancelled":
            await center.customer.cancel(ticket)
        case "rejected":
            done(await center.operator.post(f"/v1/tickets/{ticket}/reject", {"reason": "not our service"}))
    assert (await center.customer.ticket(ticket))["status"] == status
    return ticket


LEGAL = {
    "acknowledged": {"cancel"},
    "inProgress": {"cancel"},
    "pending": {"cancel"},
    "held": {"cancel"},
    "resolved": {"confirm", "reopen"},
    "closed": set(),
    "cancelled": set(),
    "rejected": set(),
}  # fmt: skip
AFTERWARDS = {"cancel": "cancelled", "confirm": "closed", "reopen": "inProgress"}


@pytest.mark.parametrize(("status", "verb"), [(s, v) for s, verbs in LEGAL.items() for v in sorted(verbs)])
async def test_legal_command_moves_the_ticket(embedded: House, status: str, verb: str) -> None:
    ticket = await ticket_that_is(embedded, status)
    moved = done(await embedded.customer.post(f"/v1/tickets/{ticket}/{verb}"))
    assert moved["status"] == AFTERWARDS[verb]


@pytest.mark.parametrize("status", LEGAL)
async def test_illegal_command_is_409_and_says_which_are_legal(embedded: House, status: str) -> None:
    ticket = await ticket_that_is(embedded, status)
    before = await embedded.customer.log(ticket)
    for verb in AFTERWARDS.keys() - LEGAL[status]:
        answer = await embedded.customer.post(f"/v1/tickets/{ticket}/{verb}")
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")
        assert set(answer.json()["legal"]) & AFTERWARDS.keys() == LEGAL[status]
    assert (await embedded.customer.log(ticket))[: len(before)] == before


async def test_note_reaches_the_log_and_names_the_networks_at_work(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).decline(ticket)
    noted = await embedded.customer.note(ticket, "Ask for Wang\nat the gate")
    (entry,) = [e for e in await embedded.customer.log(ticket) if e["type"] == "ticket.noted"]
    assert entry["data"] == {"text": "Ask for Wang\nat the gate", "networks": [BEIJING]}
    assert (entry["actor"], noted["seq"]) == ("account:hw-power", entry["seq"])


async def test_local_network_at_work_may_note_and_another_may_not(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    done(await embedded.network(BEIJING).post(f"/v1/tickets/{ticket}/notes", {"text": "On our way"}))
    answer = await embedded.network("021").post(f"/v1/tickets/{ticket}/notes", {"text": "Hello"})
    assert answer.status_code == 404


async def test_reasons_and_comments_are_in_the_log(embedded: House) -> None:
    ticket = await ticket_that_is(embedded, "resolved")
    done(await embedded.customer.post(f"/v1/tickets/{ticket}/reopen", {"reason": "still errors"}))
    await embedded.ordered(ticket, BEIJING)
    await embedded.network(BEIJING).accept(ticket)
    await embedded.network(BEIJING).restore(ticket)
    done(await embedded.customer.post(f"/v1/tickets/{ticket}/confirm", {"comment": "谢谢"}))
    said = {e["type"]: e["data"] for e in await embedded.customer.log(ticket)}
    assert said["ticket.reopened"]["reason"] == "still errors"
    assert said["ticket.confirmed"]["comment"] == "谢谢"


async def test_operator_commands_on_the_customers_behalf(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    await embedded.operator.cancel(ticket)
    assert live(await embedded.ordered(ticket)) == []
    (cancelled,) = [e for e in await embedded.customer.log(ticket) if e["type"] == "ticket.cancelled"]
    assert cancelled["actor"] == "operator:noc"


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("notes", {}, "text"),
        ("notes", {"text": ""}, "text"),
        ("notes", {"text": "x" * 2001}, "text"),
        ("notes", {"text": " \u3000"}, "text"),
        ("chase", {"text": " "}, "text"),
        ("cancel", {"reason": "\n"}, "reason"),
        ("notes", {"text": "a\u202eb"}, "text"),
        ("notes", {"text": "x", "path": 1}, "path"),
        ("cancel", {"reason": 7}, "reason"),
        ("cancel", {"why": "x"}, "why"),
        ("reopen", {"reason": None}, "reason"),
        ("confirm", [], "body"),
    ],
)
async def test_field_that_is_wrong_is_named(embedded: House, verb: str, body: object, field: str) -> None:
    ticket = await embedded.customer.report(FAR)
    answer = await embedded.customer.post(f"/v1/tickets/{ticket}/{verb}", body)
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("body", [b"{", b'{"text": "a", "text": "b"}', b'{"text": "\xff"}', b'{"text": NaN}'])
async def test_note_that_is_not_json_is_malformed(embedded: House, body: bytes) -> None:
    ticket = await embedded.customer.report(FAR)
    headers = {"Content-Type": "application/json"}
    answer = await embedded.customer.send("POST", f"/v1/tickets/{ticket}/notes", body, headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_note_of_wrong_media_type_is_415_and_a_large_one_413(embedded: House) -> None:
    path = f"/v1/tickets/{await embedded.customer.report(FAR)}/notes"
    for media_type in ("text/plain", "application/x-www-form-urlencoded"):
        answer = await embedded.customer.send("POST", path, b'{"text": "x"}', {"Content-Type": media_type})
        assert answer.status_code == 415
    headers = {"Content-Type": "application/json"}
    assert (await embedded.customer.send("POST", path, b" " * 65_537, headers)).status_code == 413
