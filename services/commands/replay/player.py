"""Plays one incident against a running center: each row's steps as requests of the customer or of a local network.

Every request carries an Idempotency-Key made of file, incident, row and step, so a replay that was interrupted can
be run again: what was done is answered as it was then, and nothing happens twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.commands.credentials import Credentials
from services.commands.replay import mapping as m
from services.commands.replay.history import History, Incident, Row
from services.commands.replay.requests import Moment, body_of, is_customers
from services.commands.replay.tally import Ended, Tally
from shared.errors import Unavailable
from shared.testing.client import Answer, CenterClient

FIRST_LOOK_S, LONGEST_LOOK_S, DISPATCHED_WITHIN_S = 0.01, 0.5, 60.0
FOREIGN = "the circuit has an open ticket of somebody else's"
OVER = ("resolved", "closed", "cancelled", "rejected")
Due = Callable[[Row], Awaitable[None]]


class CannotPlay(Exception):
    """The rest of this incident's rows cannot be played; says why."""


class Refused(Exception):
    """The center refused one step."""


@dataclass(slots=True)
class _Ticket:
    """This incident's ticket as the replay knows it; `network` is the one that works on it."""

    circuit: str
    account: str
    id: str = ""
    network: str = ""
    place: m.Place = "nowhere"


class Player:
    """`run` tells replays of the same file apart: the same name goes on where it stopped, another begins anew."""

    def __init__(
        self,
        client: CenterClient,
        credentials: Credentials,
        *,
        history: History,
        tally: Tally,
        run: str = "1",
        historic: bool = False,
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._prefix = f"replay-{quote(run, safe='')}-{history.digest[:16]}"
        self._tally = tally
        self._historic = historic

    async def play(self, incident: Incident, circuit: Mapping[str, Any], due: Due) -> Ended | None:
        """How its ticket ended; None when it never got one. Raises Unavailable when the center stays away."""
        ticket = _Ticket(circuit["id"], circuit["account"])
        previous: Row | None = None
        for number, row in enumerate(incident.rows):
            await due(row)
            try:
                await self._row(ticket, Moment(incident, row, previous))
            except CannotPlay as error:
                self._tally.unmapped[str(error)] += len(incident.rows) - number
                break
            previous = row
        return await self._ended(ticket, incident) if ticket.id else None

    async def _row(self, ticket: _Ticket, moment: Moment) -> None:
        match m.meaning(ticket.place, moment.row.state):
            case m.Nothing():
                self._tally.without += 1
            case m.Unmapped(reason):
                self._tally.unmapped[reason] += 1
            case m.Steps(steps, place):
                try:
                    for position, step in enumerate(steps):
                        await self._step(ticket, step, position=position, moment=moment)
                    ticket.place = place
                    self._tally.with_steps += 1
                except Refused as error:
                    self._tally.unmapped[str(error)] += 1
                    ticket.place = await self._where(ticket)

    async def _step(self, ticket: _Ticket, step: m.Step, *, position: int, moment: Moment) -> None:
        body, row = body_of(step, moment, historic=self._historic), moment.row
        if step.verb == "report":
            body["circuit"] = ticket.circuit
        path, key = self._address(ticket, step)
        once = f"{self._prefix}-{quote(row.incident, safe='')}-{row.line}-{position}"
        answer = await self._client.post(path, key, body, idempotency_key=once)
        if not answer.ok:
            raise Refused(f"the center refused: {step.verb}, {answer.body.get('code', answer.status)}")
        self._tally.did(step, again=answer.replayed)
        if step.verb == "report":
            await self._reported(ticket, answer)
        elif step.verb == "reopen":
            await self._ordered(ticket)

    def _address(self, ticket: _Ticket, step: m.Step) -> tuple[str, str]:
        """Where the step is posted, and with whose key."""
        if step.verb == "report":
            return "/v1/faults", self._credentials.of_account(ticket.account)
        if is_customers(step):
            return f"/v1/tickets/{ticket.id}/{step.verb}", self._credentials.of_account(ticket.account)
        return f"/v1/orders/{ticket.id}.{ticket.network}/{step.verb}", self._credentials.of_network(ticket.network)

    async def _reported(self, ticket: _Ticket, answer: Answer) -> None:
        if answer.status == 200:
            raise CannotPlay(FOREIGN)
        ticket.id = answer.body["id"]
        found = await self._ordered(ticket)
        if not found["orders"]:
            raise CannotPlay(f"no local network was ordered: {found['awaiting_routing']}")
        # Both ends are ordered at once; the lower area code works, whichever order stands first by now.
        ticket.network = min(order["network"] for order in found["orders"])

    async def _ordered(self, ticket: _Ticket) -> dict[str, Any]:
        """The ticket once the dispatcher has ordered this round's networks, or has moved on long ago."""
        pause, waited = FIRST_LOOK_S, 0.0
        while waited < DISPATCHED_WITHIN_S:
            found = await self._look(ticket)
            live = any(order["state"] in ("issued", "accepted") for order in found["orders"])
            if live or found["awaiting_routing"] or found["status"] in OVER:
                return found
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, LONGEST_LOOK_S)
        raise CannotPlay(f"no local network was ordered within {DISPATCHED_WITHIN_S:.0f} s")

    async def _look(self, ticket: _Ticket) -> dict[str, Any]:
        answer = await self._client.get(f"/v1/tickets/{ticket.id}", self._credentials.of_account(ticket.account))
        if not answer.ok:
            raise Unavailable(f"ticket {ticket.id} could not be read: {answer.status}")
        return answer.body

    async def _where(self, ticket: _Ticket) -> m.Place:
        """After a refusal: the center is right about where the ticket is."""
        if not ticket.id:
            raise CannotPlay("the report was refused")
        found = await self._look(ticket)
        state = next((o["state"] for o in found["orders"] if o["network"] == ticket.network), None)
        suspended_for = found["suspension"]["reason"] if found["suspension"] else None
        place = m.place_of(found["status"], suspended_for=suspended_for, order_state=state)
        if place is None:
            raise CannotPlay(f"the ticket was {found['status']} by somebody else")
        return place

    async def _ended(self, ticket: _Ticket, incident: Incident) -> Ended:
        found = await self._look(ticket)
        key = self._credentials.of_account(ticket.account)
        log = [entry["type"] async for entry in self._client.items(f"/v1/tickets/{ticket.id}/log", key)]
        self._tally.states[found["status"]] += 1
        orders = sorted((order["network"], order["state"]) for order in found["orders"])
        return Ended(incident.number, ticket.circuit, found["status"], found["reopened"], orders, log)
