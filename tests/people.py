"""Those who use the center, over HTTP: a key account, a local network's center, the NOC, and somebody without a key.

Methods named like what people do answer the JSON and fail when it was not done; `get`, `post` and `send` answer
whatever came back.
"""

from typing import Any

import httpx

from shared.ids import NetworkCode

Json = dict[str, Any]


def done(answer: httpx.Response) -> Any:
    """The JSON of a success."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json()


class Caller:
    """`key` None: somebody without one."""

    def __init__(self, http: httpx.AsyncClient, key: str | None) -> None:
        self._http = http
        self.key = key or ""
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def send(
        self, method: str, path: str, content: Any = None, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        return await self._http.request(
            method, path, content=content, headers={**self._headers, **(headers or {})}, **more
        )

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.send("GET", path, params={name: value for name, value in query.items() if value is not None})

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """`key` is the Idempotency-Key; without `body` there is none."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.send("POST", path, headers=headers, **({} if body is None else {"json": body}))

    async def items(self, path: str, **query: Any) -> list[Json]:
        """Every item of a list, page by page."""
        found: list[Json] = []
        cursor = None
        while True:
            answer = done(await self.get(path, cursor=cursor, **query))
            found += answer["items"]
            if (cursor := answer["next"]) is None:
                return found

    async def ticket(self, id: str) -> Json:
        return done(await self.get(f"/v1/tickets/{id}"))

    async def log(self, id: str) -> list[Json]:
        return await self.items(f"/v1/tickets/{id}/log")

    async def facts(self, id: str) -> list[str]:
        """The types of the ticket's log, in order."""
        return [entry["type"] for entry in await self.log(id)]


class Customer(Caller):
    """A key account; the operator reports and commands in the same words on an account's behalf."""

    async def report(self, circuit: str, **fields: Any) -> str:
        """The ticket's id."""
        body = {"circuit": circuit, "impact": "down", "description": "No light at site A", **fields}
        return str(done(await self.post("/v1/faults", body))["id"])

    async def note(self, ticket: str, text: str) -> Json:
        return done(await self.post(f"/v1/tickets/{ticket}/notes", {"text": text}))

    async def cancel(self, ticket: str) -> Json:
        return done(await self.post(f"/v1/tickets/{ticket}/cancel"))

    async def confirm(self, ticket: str) -> Json:
        return done(await self.post(f"/v1/tickets/{ticket}/confirm"))

    async def reopen(self, ticket: str) -> Json:
        return done(await self.post(f"/v1/tickets/{ticket}/reopen"))


class Operator(Customer):
    async def queue(self) -> list[str]:
        """The tickets that wait to be routed by hand."""
        return [ticket["id"] for ticket in await self.items("/v1/noc/queue")]

    async def route(self, ticket: str, *networks: str) -> Json:
        return done(await self.post(f"/v1/tickets/{ticket}/route", {"networks": networks}))

    async def refused(self) -> list[Json]:
        return await self.items("/v1/noc/refused-progress")


class LocalNetwork(Caller):
    """What it says of a ticket it says of its own order."""

    def __init__(self, http: httpx.AsyncClient, key: str, code: NetworkCode) -> None:
        super().__init__(http, key)
        self.code = code

    async def say(self, verb: str, ticket: str, *, key: str | None = None, **said: Any) -> httpx.Response:
        return await self.post(f"/v1/orders/{ticket}.{self.code}/{verb}", said, key=key)

    async def orders(self, state: str | None = None) -> list[Json]:
        return await self.items(f"/v1/networks/{self.code}/orders", state=state)

    async def accept(self, ticket: str, **said: Any) -> Json:
        return done(await self.say("accept", ticket, **said))

    async def decline(self, ticket: str, reason: str = "no_resources") -> Json:
        return done(await self.say("decline", ticket, reason=reason))

    async def progress(self, ticket: str, stage: str, **said: Any) -> Json:
        return done(await self.say("progress", ticket, stage=stage, **said))

    async def suspend(self, ticket: str, reason: str, **said: Any) -> Json:
        return done(await self.say("suspend", ticket, reason=reason, **said))

    async def resume(self, ticket: str) -> Json:
        return done(await self.say("resume", ticket))

    async def assist(self, ticket: str, of: str) -> Json:
        return done(await self.say("assist", ticket, of=of))

    async def hand_over(self, ticket: str, **said: Any) -> Json:
        return done(await self.say("hand-over", ticket, **said))

    async def restore(self, ticket: str, **said: Any) -> Json:
        return done(await self.say("restore", ticket, **said))

    async def report_on(self, ticket: str, **said: Any) -> httpx.Response:
        """The fault report."""
        return await self.post(f"/v1/tickets/{ticket}/fault-report", {"text": "A digger cut it.", **said})
