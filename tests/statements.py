"""Statements for tests: of any log, of one in which all happened that can happen, and what can be done to one."""

import json
import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from shared.audit.signing import Signer
from shared.contracts import facts as f
from shared.ids import order_id
from shared.statement.document import Name, Names, body
from shared.statement.reading import read
from shared.statement.sealing import sealed
from shared.testing.clock import START
from shared.tickets.log import Entry, append, open_ticket
from tests.cases import ACTOR, BEIJING, CHUXIONG, MINUTE, TICKET, accepted, issued, reported, restored
from tests.independent_clock import ms

Json = dict[str, Any]
CENTER, STRANGER = Signer(b"c" * 32), Signer(b"s" * 32)
ORIGIN = "key:0b9f3a6c1d2e 10.0.0.1 00ff00ff00ff00ff"
NAMES = Names(Name("华网电力", "Huawang Power"), {"010": Name("北京", "Beijing"), "0878": Name("楚雄", "Chuxiong")})
TERMS = f.Terms("2026-1", "diamond/down", 900_000, 1_800_000, 7_200_000, 86_400_000, 259_200_000, 3_600_000, (50, 75))
BY_NETWORK, NOC = "network:010", "operator:noc"


def log_of(steps: Sequence[tuple[datetime, str, f.Fact]], first: f.FaultReported, at: datetime = START) -> list[Entry]:
    """A real log: chained, and every fact with whom and from where."""
    ticket, entry = open_ticket(TICKET, first, at=at, actor=ACTOR, origin=ORIGIN)
    entries = [entry]
    for when, actor, fact in steps:
        ticket, more = append(ticket, entries[-1].hash, [fact], at=when, actor=actor, origin=ORIGIN)
        entries += more
    return entries


def everything() -> list[Entry]:
    """Suspended, disputed, struck out, late, escalated, reopened, restored by another network, reported on."""
    order, hour = order_id(TICKET, BEIJING), 60
    shorter = replace(TERMS, rule="by hand")
    steps: list[tuple[float, str, f.Fact]] = [
        (0.02, "system:dispatcher", issued()),
        (0.02, "system:dispatcher", issued(network=CHUXIONG)),
        (3, BY_NETWORK, accepted()),
        (8, "operator:dm", f.TermsChanged(shorter, "contract <b>2026</b>", tier="jade", impact="degraded")),
        (20, BY_NETWORK, f.TicketSuspended(order, BEIJING, "pending", "no_site_access", "门锁了 & <img src=x>", None)),
        (35, ACTOR, f.SuspensionDisputed(6, "somebody was there")),
        (50, BY_NETWORK, f.TicketResumed(order, BEIJING, occurred_at=START + 48 * MINUTE)),
        (55, "operator:dm", f.SuspensionStruckOut(6, "the gate was open")),
        (60, "system:deadlines", f.DeadlineWarned("restore", "restore/7200000", 50, START + 120 * MINUTE)),
        (61, ACTOR, f.TicketChased("where does it stay?")),
        (70, BY_NETWORK, f.TicketSuspended(order, BEIJING, "held", "spares", None, START + 66 * MINUTE)),
        (90, BY_NETWORK, f.TicketResumed(order, BEIJING)),
        (100, BY_NETWORK, restored(at=START + 95 * MINUTE)),
        (110, ACTOR, f.TicketReopened("still dark")),
        (110, "system:dispatcher", issued()),
        (118, BY_NETWORK, accepted()),
        (120, "system:deadlines", f.DeadlineMissed("restore", "restore/7200000", START + 120 * MINUTE, None)),
        (120, "system:deadlines", f.TicketEscalated("network", "breach", "late", ("duty",), networks=(BEIJING,))),
        (125, NOC, f.EscalationAcknowledged(19, "on it")),
        (130, BY_NETWORK, f.TicketSuspended(order, BEIJING, "pending", "customer_power", "dark", None)),
        (150, BY_NETWORK, f.TicketResumed(order, BEIJING)),
        (3 * hour, BY_NETWORK, restored(at=START + 175 * MINUTE)),
        (3 * hour, "system:dispatcher", f.OrderStoodDown(order_id(TICKET, CHUXIONG), CHUXIONG, "restored")),
        (4 * hour, ACTOR, f.RestorationConfirmed("thanks")),
        (4 * hour, ACTOR, f.TicketClosed("confirmed")),
        (20 * hour, BY_NETWORK, f.FaultReportGiven("fibre", "spliced", "A digger cut it.", "Markers set.")),
    ]  # fmt: skip
    said = [(START + timedelta(milliseconds=int(minute * 60_000) + 7), who, fact) for minute, who, fact in steps]
    first = reported(terms=TERMS, tier="diamond", breach_at=START + 120 * MINUTE, contact=f.Contact("Li", "+86 10"))
    return log_of(said, first)


def statement(log: Sequence[Entry], *, now: datetime = START + 2000 * MINUTE, signer: Signer = CENTER) -> Json:
    return sealed(body(log, now, NAMES), signer)


def text(said: Json) -> bytes:
    return json.dumps(said, ensure_ascii=False, indent=2).encode()


def remade(said: Json, entries: list[Json]) -> Json:
    """All that follows from these entries, their chain made anew; the signature is left as it was."""
    before = bytes(32)
    for number, entry in enumerate(entries, 1):
        entry["seq"] = number
        head = [entry[name] for name in ("type", "actor", "account", "status", "origin")]
        whole = "\x1f".join(map(str, (said["ticket"], number, ms(entry["at"]), *head)))
        before = sha256(before + whole.encode() + b"\x1e" + entry["data"].encode()).digest()
        entry["hash"] = before.hex()
    found = read(text({**said, "entries": entries}))
    from shared.statement.document import made

    again = made(found.entries, found.as_of, found.names)
    return {**again, "key": said["key"], "signature": said["signature"]}


def signed_by_stranger(said: Json) -> Json:
    return sealed({name: value for name, value in said.items() if name not in ("key", "signature")}, STRANGER)


Where = tuple[Any, Any]


def places(value: Any, *, but: Sequence[str] = ("key", "signature")) -> list[Where]:
    """Every value that stands somewhere: what it stands in, and under which name or number."""
    found: list[Where] = []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        if name not in but:
            found += [(value, name), *places(one, but=())]
    return found


def another(value: Any, rng: random.Random) -> Any:
    """Something else, of the same type as far as there is something."""
    match value:
        case bool():
            return not value
        case int():
            return value + rng.choice([-1, 1, 60_000, -3_600_000])
        case str() if value[10:11] == "T" and value.endswith("Z"):
            return value[:-2] + str((int(value[-2]) + rng.randint(1, 9)) % 10) + "Z"
        case str() if value:
            place = rng.randrange(len(value))
            return value[:place] + chr(ord(value[place]) ^ rng.choice([1, 2, 4])) + value[place + 1 :]
        case None:
            return rng.choice([0, "", "x", False])
        case _:
            return rng.choice([None, "x", 7])


def edit(said: Json, rng: random.Random, *, but: Sequence[str] = ("key", "signature")) -> Json:
    inside, name = rng.choice(places(said, but=but))
    inside[name] = another(inside[name], rng)
    return said


def remove(said: Json, rng: random.Random) -> Json:
    inside, name = rng.choice(places(said))
    del inside[name]
    return said


def add(said: Json, rng: random.Random) -> Json:
    inside = rng.choice([said, *(inside[name] for inside, name in places(said) if isinstance(inside[name], dict))])
    inside["more"] = rng.choice([None, 1, "x"])
    return said


def swap(said: Json, rng: random.Random) -> Json:
    entries = said["entries"]
    one = rng.randrange(len(entries) - 1)
    entries[one], entries[one + 1] = entries[one + 1], entries[one]
    return said


def drop(said: Json, rng: random.Random) -> Json:
    del said["entries"][rng.randrange(len(said["entries"]))]
    return said


def double(said: Json, rng: random.Random) -> Json:
    place = rng.randrange(len(said["entries"]))
    said["entries"].insert(place, dict(said["entries"][place]))
    return said


def cut_and_make_anew(said: Json, rng: random.Random) -> Json:
    return remade(said, said["entries"][: rng.randrange(1, len(said["entries"]))])


def make_anew(said: Json, rng: random.Random) -> Json:
    """Another time, author or origin of an entry, and all that follows from it."""
    entry = rng.choice(said["entries"])
    name = rng.choice(["actor", "account", "status", "origin"])
    entry[name] = "0" * 64 if name == "origin" else entry[name] + "x"
    return remade(said, said["entries"])


def make_anew_and_sign(said: Json, rng: random.Random) -> Json:
    """Fits together, and the center never said it."""
    return signed_by_stranger(make_anew(said, rng))


def edit_and_sign(said: Json, rng: random.Random) -> Json:
    return signed_by_stranger(edit(said, rng, but=("key", "signature", "names", "entries")))


def sign_as_center(said: Json, rng: random.Random) -> Json:
    return {**make_anew_and_sign(said, rng), "key": said["key"]}


def break_signature(said: Json, rng: random.Random) -> Json:
    name = rng.choice(["key", "signature"])
    place = rng.randrange(len(said[name]))
    said[name] = said[name][:place] + f"{int(said[name][place], 16) ^ rng.randint(1, 15):x}" + said[name][place + 1 :]
    return said


Tamper = Callable[[Json, random.Random], Json]
EVERY: Sequence[Tamper] = (
    edit, edit, edit, edit, remove, add, swap, drop, double, cut_and_make_anew, make_anew, make_anew_and_sign,
    edit_and_sign, sign_as_center, break_signature,
)  # fmt: skip
FITS = make_anew_and_sign
"""What can't be found without the key."""


def tampered(said: Json, seed: int) -> tuple[Tamper, Json]:
    rng, tamper = random.Random(seed), EVERY[seed % len(EVERY)]
    while True:
        found = tamper(deepcopy(said), rng)
        if found != said:
            return tamper, found
