"""Live streams: everything a reader may see, once, in order, wherever it begins and however often it comes again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import orjson
import pytest

from services.notifier.api import following
from services.notifier.handlers import hub
from services.notifier.service import NotifierService
from services.notifier.store import feed
from services.notifier.store.feed import Scope
from shared.contracts.event import Event
from shared.db.port import Database
from shared.health import Health
from shared.ids import CircuitId
from shared.metrics import Metrics
from shared.registry.model import Circuit, End, Segment
from shared.registry.writing import put
from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.testing.serve import serving
from shared.web.app import layered, make_app
from shared.web.by_key import ByKey
from shared.web.live import TAKE_OVER, Line
from tests import keys
from tests.cases import ACCOUNT, BEIJING, CHUXIONG, CIRCUIT, SEED, accepted, issued, notes, restored
from tests.keys import keyring_on, only_its_own, save
from tests.notifying import NAMES, SECRET, HandFed, Tickets
from tests.people import Caller
from tests.streams import PATIENCE_S, Stream, reading
from tests.waiting import until

ACCOUNT_KEY, OTHER_KEY, OPERATOR_KEY, NETWORK_KEY = (
    keys.issued("account", ACCOUNT),
    keys.issued("account", "beiyuan-bank"),
    keys.issued("operator", "noc"),
    keys.issued("network", "010"),
)
KEYS = ACCOUNT_KEY, OTHER_KEY, OPERATOR_KEY, NETWORK_KEY


@dataclass(slots=True)
class Door:
    service: NotifierService
    database: Database
    clock: ManualClock
    metrics: Metrics
    events: HandFed
    happens: Tickets
    http: httpx.AsyncClient

    def stream(
        self, path: str = "/v1/stream", *, key: str = ACCOUNT_KEY.key, after: str | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        return reading(self.http, path, key, after=after)

    def caller(self, key: str | None = ACCOUNT_KEY.key) -> Caller:
        return Caller(self.http, key)

    async def feed(self, *events: Event) -> None:
        await self.events.bring(*events)

    async def open(self, *, notes_: int = 0) -> Event:
        """A ticket with so many notes, fed; answers its first event."""
        first = await self.happens.open()
        more = await self.happens.happen(first.ticket, *notes(notes_)) if notes_ else []
        await self.feed(first, *more)
        return first

    def open_streams(self) -> float:
        return self.metrics.registry.get_sample_value("vrc_streams_open") or 0.0


@pytest.fixture
async def door(store: Database, clock: ManualClock) -> AsyncIterator[Door]:
    await store.transact(lambda tx: save(tx, KEYS))
    keyring, metrics, health, events = keyring_on(store, clock), Metrics(), Health(), HandFed()
    await keyring.load()
    service = NotifierService(
        store, clock, events=events, readers=only_its_own, names=NAMES, secrets=SECRET, settings=Settings(),
        metrics=metrics, health=health,
    )  # fmt: skip
    app = layered(
        make_app(service.routers, authenticators=[ByKey(keyring)], health=health), metrics=metrics, access_log=None
    )
    await service.start()
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=PATIENCE_S) as http:
        yield Door(service, store, clock, metrics, events, Tickets(store, clock), http)
        service.end_streams()
    await service.stop()


async def test_account_stream_shows_what_happens_from_now_on(door: Door) -> None:
    await door.open()
    async with door.stream() as stream:
        event = await door.open()
        shown = await stream.next()
        assert (shown.event, shown.data["id"]) == ("ticket.reported", event.id)
        assert shown.data["data"]["impact"] == "down"


async def test_ticket_stream_begins_with_the_whole_ticket(door: Door) -> None:
    first = await door.open(notes_=3)
    await door.open()
    async with door.stream(f"/v1/tickets/{first.ticket}/stream") as stream:
        assert await stream.seqs(4) == [1, 2, 3, 4]
        await door.feed(*await door.happens.happen(first.ticket, *notes(2)))
        assert await stream.seqs(2) == [5, 6]


async def test_ticket_longer_than_a_page_is_shown_whole(door: Door) -> None:
    count = hub.PAGE * 2 + 1
    first = await door.open(notes_=count - 1)
    async with door.stream(f"/v1/tickets/{first.ticket}/stream") as stream:
        assert await stream.seqs(count) == list(range(1, count + 1))


async def test_account_sees_its_own_and_operators_see_all(door: Door) -> None:
    async with door.stream(key=OTHER_KEY.key) as other, door.stream(key=OPERATOR_KEY.key) as operator:
        await door.open(notes_=1)
        assert await operator.seqs(2) == [1, 2]
        door.service.end_streams()
        assert await other.ended()


@pytest.mark.parametrize(
    ("key", "status"),
    [(None, 401), (NETWORK_KEY.key, 403), (OTHER_KEY.key, 404), (OPERATOR_KEY.key, 200)],
    ids=["nobody", "network", "other account", "operator"],  # keys are drawn anew in every test process
)
async def test_who_may_follow_a_ticket(door: Door, key: str | None, status: int) -> None:
    first = await door.open()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with door.http.stream("GET", f"/v1/tickets/{first.ticket}/stream", headers=headers) as answer:
        assert answer.status_code == status


@pytest.mark.parametrize("id", ["VT261121-7K3QM9XA", "nonsense", "VT261121-7K3QM9X%00"])
async def test_ticket_that_does_not_exist_is_not_found(door: Door, id: str) -> None:
    assert (await door.caller().get(f"/v1/tickets/{id}/stream")).status_code == 404


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/tickets/{ticket}/stream"])
async def test_resuming_shows_what_followed_without_gap_or_repeat(door: Door, path: str) -> None:
    first = await door.open(notes_=9)
    whole = f"/v1/tickets/{first.ticket}/stream"
    async with door.stream(whole) as stream:
        (*_, fourth) = await stream.take(4)
    async with door.stream(path.format(ticket=first.ticket), after=fourth.id) as stream:
        assert await stream.seqs(6) == [5, 6, 7, 8, 9, 10]
        await door.feed(*await door.happens.happen(first.ticket, *notes(1)))
        assert await stream.seqs(1) == [11]


async def test_coming_again_all_the_time_misses_nothing(door: Door) -> None:
    first = await door.open()
    path = f"/v1/tickets/{first.ticket}/stream"
    seen: list[int] = []
    last: str | None = None

    async def go_on() -> None:
        for _ in range(40):
            await door.feed(*await door.happens.happen(first.ticket, *notes(1)))

    going = asyncio.create_task(go_on())
    while len(seen) < 41:
        async with door.stream(path, after=last) as stream:
            for shown in await stream.take(min(3, 41 - len(seen))):
                seen.append(shown.data["seq"])
                last = shown.id
    await going
    assert seen == list(range(1, 42))


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/tickets/{ticket}/stream"])
async def test_stream_of_some_events_shows_no_others_and_resumes(door: Door, path: str) -> None:
    first = await door.open(notes_=2)
    path = f"{path.format(ticket=first.ticket)}?events=order.accepted&events=ticket.restored"
    _, newest = await feed.bounds(door.database)
    async with door.stream(path, after=str(newest)) as stream:
        await door.feed(*await door.happens.happen(first.ticket, *notes(1), issued(), accepted(), *notes(1)))
        shown = await stream.next()
        assert (shown.event, shown.data["seq"]) == ("order.accepted", 6)
    async with door.stream(path, after=shown.id) as stream:
        await door.feed(*await door.happens.happen(first.ticket, restored()))
        assert await stream.seqs(1) == [8]


@pytest.mark.parametrize(
    "asked", [f"circuits={CIRCUIT}", "sites=0878/branch", "circuits=another&sites=010/head%20office"]
)
async def test_stream_of_some_places_shows_no_others_live_or_from_the_record(door: Door, asked: str) -> None:
    ends = End(BEIJING, "head office"), End(CHUXIONG, "branch")
    here = Circuit(CIRCUIT, ACCOUNT, "ip-vpn", 100, False, *ends, (Segment("a-access", "access", "a", BEIJING),))
    there = replace(here, id=CircuitId("there"), a_end=End(BEIJING, "depot"), z_end=End(CHUXIONG, "main"))
    await door.database.transact(lambda tx: put(tx, (), (), [here, there], by=SEED))
    await door.open()
    _, newest = await feed.bounds(door.database)
    async with door.stream(f"/v1/stream?{asked}") as stream:
        elsewhere, wanted = await door.happens.open("there"), await door.happens.open(CIRCUIT)
        await door.feed(elsewhere, wanted)
        assert (await stream.next()).data["ticket"] == wanted.ticket
    async with door.stream(f"/v1/stream?{asked}", after=str(newest)) as stream:
        assert (await stream.next()).data["ticket"] == wanted.ticket


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/tickets/{ticket}/stream"])
async def test_stream_of_what_is_urgent_leaves_out_the_rest(door: Door, path: str) -> None:
    first = await door.open(notes_=2)
    _, newest = await feed.bounds(door.database)
    async with door.stream(f"{path.format(ticket=first.ticket)}?changes=urgent", after=str(newest)) as stream:
        await door.feed(*await door.happens.happen(first.ticket, *notes(1), issued(), accepted(), restored()))
        assert (await stream.next()).event == "ticket.restored"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("events=ticket.restored&events=ticket.vanished", "events"), ("changes=few", "changes"),
        ("sites=branch", "sites"), ("circuits=a%20b", "circuits"), ("circuits=&", "circuits"),
        ("circuits=a&" * 201, "circuits"),
    ],
)  # fmt: skip
async def test_wish_that_nobody_can_have_is_refused_by_name(door: Door, asked: str, field: str) -> None:
    answer = await door.caller().send("GET", f"/v1/stream?{asked}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, f"query:{field}")


async def test_types_in_one_parameter_are_told_to_be_given_one_by_one(door: Door) -> None:
    answer = await door.caller().send("GET", "/v1/stream?events=ticket.restored,ticket.closed")
    (error,) = answer.json()["errors"]
    assert error["message"].endswith("; for several, repeat it: events=…&events=…")


async def test_operator_follows_one_account_and_an_account_no_other(door: Door) -> None:
    async with (
        door.stream(f"/v1/stream?account={ACCOUNT}", key=OPERATOR_KEY.key) as mine,
        door.stream("/v1/stream?account=beiyuan-bank", key=OPERATOR_KEY.key) as others,
        door.stream(f"/v1/stream?account={ACCOUNT}", key=OTHER_KEY.key) as thief,
    ):
        await door.open(notes_=1)
        assert await mine.seqs(2) == [1, 2]
        door.service.end_streams()
        assert [await s.shown_until_it_ended() for s in (others, thief)] == [[], []]


@pytest.mark.parametrize("id", ["nonsense", "-1", "1.5", "1e3", "9" * 30, "9" * 18, "0x1", "+1", "1 2"])
async def test_bad_last_event_id_is_refused_by_name(door: Door, id: str) -> None:
    await door.open()
    answer = await door.caller().send("GET", "/v1/stream", headers={"Last-Event-ID": id})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "header:last-event-id"


async def test_position_that_was_never_given_out_is_refused(door: Door) -> None:
    await door.open()
    _, newest = await feed.bounds(door.database)
    async with door.stream(after=str(newest)):
        answer = await door.caller().send("GET", "/v1/stream", headers={"Last-Event-ID": str(newest + 1)})
    assert answer.status_code == 400


async def test_what_is_no_longer_kept_is_gone_and_says_what_is(door: Door) -> None:
    await door.open(notes_=2)
    oldest, newest = await feed.bounds(door.database)
    door.clock.advance(timedelta(days=8))
    await door.open()
    await door.service.prune_due_feed()
    answer = await door.caller().send("GET", "/v1/stream", headers={"Last-Event-ID": str(oldest)})
    assert (answer.status_code, answer.json()["oldest"]) == (410, str(newest + 1))
    async with door.stream(after=str(newest)) as stream:
        assert await stream.seqs(1) == [1]


async def test_old_ticket_is_shown_whole_although_its_feed_was_pruned(door: Door) -> None:
    first = await door.open(notes_=2)
    door.clock.advance(timedelta(days=8))
    await door.feed(*await door.happens.happen(first.ticket, *notes(1)))
    await door.service.prune_due_feed()
    async with door.stream(f"/v1/tickets/{first.ticket}/stream") as stream:
        shown = await stream.take(4)
    assert [s.data["seq"] for s in shown] == [1, 2, 3, 4]
    assert [s.id is None for s in shown] == [True, True, True, False]


async def test_pruning_everything_keeps_the_newest_position(door: Door) -> None:
    await door.open(notes_=2)
    _, newest = await feed.bounds(door.database)
    door.clock.advance(timedelta(days=8))
    await door.service.prune_due_feed()
    assert await feed.bounds(door.database) == (newest, newest)


async def test_heartbeats_keep_an_idle_stream_alive(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "HEARTBEAT_EVERY_S", 0.0)
    async with door.stream() as stream:
        assert await stream.block() == [": still here"]


async def test_headers_forbid_storing_and_buffering(door: Door) -> None:
    async with door.stream() as stream:
        headers = stream.response.headers
    assert headers["content-type"].startswith("text/event-stream")
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")


async def test_reader_that_goes_away_costs_nothing_more(door: Door) -> None:
    async with door.stream(), door.stream():
        assert door.open_streams() == 2
    await until(lambda: door.open_streams() == 0)


async def test_slow_reader_holds_up_nobody_and_misses_nothing(door: Door) -> None:
    first = await door.open()
    pipe = Pipe()
    await pipe.follow(door, Scope(ticket=first.ticket), None)
    await until(lambda: pipe.seqs() == [1])
    async with door.stream(f"/v1/tickets/{first.ticket}/stream") as quick:
        pipe.fill()
        await door.feed(*await door.happens.happen(first.ticket, *notes(250)))
        assert await quick.seqs(251) == list(range(1, 252))
        pipe.drain()
        await until(lambda: pipe.seqs() == list(range(1, 252)))
        await door.feed(*await door.happens.happen(first.ticket, *notes(2)))
        await until(lambda: pipe.seqs() == list(range(1, 254)))
    pipe.hang_up()
    await until(lambda: door.open_streams() == 0)


async def test_reader_that_never_reads_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SLOWEST_S", 0.05)
    pipe = Pipe()
    await pipe.follow(door, Scope(), (await feed.bounds(door.database))[1])
    await until(lambda: pipe.written != b"")
    pipe.fill()
    await door.open(notes_=3)
    await until(lambda: door.open_streams() == 0)
    assert pipe.seqs() == []


async def test_streams_end_when_the_center_stops(door: Door) -> None:
    async with door.stream() as one, door.stream(key=OPERATOR_KEY.key) as two:
        door.service.end_streams()
        assert await one.ended()
        assert await two.ended()
    assert (await door.caller().get("/v1/stream")).status_code == 503


async def test_many_readers_all_see_everything(door: Door) -> None:
    async def read(stream: Stream) -> list[int]:
        return await stream.seqs(5)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        ready = asyncio.Barrier(21)

        async def follow() -> list[int]:
            async with door.stream() as stream:
                await ready.wait()
                return await read(stream)

        readers = [group.create_task(follow()) for _ in range(20)]
        await ready.wait()
        await door.open(notes_=4)
    assert all(reader.result() == [1, 2, 3, 4, 5] for reader in readers)


class Always:
    async def holds(self) -> bool:
        return True


class Pipe:
    """A connection that can be taken over. While it is full it keeps what is written, like uvloop's transport."""

    def __init__(self) -> None:
        self.written = self._kept = b""
        self._line: Line
        self._is_full = False

    async def follow(self, door: Door, scope: Scope, after: int | None) -> None:
        """Returns when the stream is live."""
        party = door.service.hub.party(Always(), None)
        stream = following.EventStream(following.Stream(door.service.hub, door.database, scope, after, party=party))
        await stream({"type": "http", "extensions": {TAKE_OVER: self._let_go}}, self._nothing, self._nothing)

    def write(self, data: bytes) -> None:
        if self._is_full:
            self._kept += data
            self._line.pause_writing()
        else:
            self.written += data

    def get_write_buffer_size(self) -> int:
        return len(self._kept)

    def close(self) -> None:
        self._line.connection_lost(None)

    abort = close

    def fill(self) -> None:
        self._is_full = True

    def drain(self) -> None:
        self._is_full = False
        self.written += self._kept
        self._kept = b""
        self._line.resume_writing()

    def hang_up(self) -> None:
        self._line.connection_lost(None)

    def seqs(self) -> list[int]:
        lines = (line for line in self.written.split(b"\n") if line.startswith(b"data: "))
        return [orjson.loads(line[6:])["seq"] for line in lines]

    def _let_go(self, line: Line) -> "Pipe":
        self._line = line
        return self

    async def _nothing(self, *_: object) -> None:
        return None
