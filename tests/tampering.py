"""Every way to tamper with the record that somebody has who can write to the database and knows how chains are made.

He has no key: seals and signatures he can only leave, remove or put back as they once were. A tampering changes the
tables it is given, whole, by `rng`; what it did not touch is as it was.
"""

import random
from collections.abc import Callable
from typing import Any

import orjson

from shared.audit.trail import link
from shared.origin import digest_of
from shared.tickets import log as ticket_chain
from shared.tickets.log import GENESIS
from tests.auditing import Rows, Tables

Tampering = Callable[[Tables, Tables, random.Random], None]  # the tables, an older copy of them, chance
ACT_COLUMNS = ("at", "actor", "credential", "address", "action", "object", "details", "previous", "hash")
ENTRY_COLUMNS = ("at", "type", "actor", "account", "status", "data", "origin", "hash")


def another(value: Any, rng: random.Random) -> Any:
    """Something else of the same type, often only a little."""
    match value:
        case bytes():
            place = rng.randrange(len(value))
            return value[:place] + bytes([value[place] ^ (1 << rng.randrange(8))]) + value[place + 1 :]
        case str() if value and rng.random() < 0.5:
            place = rng.randrange(len(value))
            return value[:place] + value[place + 1 :]
        case str():
            return value + rng.choice("x 0\x1f\"'}")
        case _:
            return value + rng.choice((-1000, -1, 1, 1000, 86_400_000))


def acts(tables: Tables) -> Rows:
    return sorted(tables["audit_log"], key=lambda row: row["position"])


def number(rows: Rows, column: str) -> None:
    for place, row in enumerate(rows, 1):
        row[column] = place


def hash_acts_anew(tables: Tables, rows: Rows) -> None:
    """As the center would, up to the head; without a seal, which takes a key."""
    number(rows, "position")
    previous = GENESIS
    for row in rows:
        said = tuple(row[name] for name in ACT_COLUMNS[:7])
        row |= {"previous": previous, "hash": link(previous, row["position"], said)}  # type: ignore[arg-type]
        previous = row["hash"]
    tables.rows["audit_log"] = rows
    tables["audit_head"][0] |= {"position": len(rows), "hash": previous}


def log_of(tables: Tables, rng: random.Random, *, least: int = 1) -> tuple[Rows, dict[str, Any]]:
    """A ticket's log in order, and its state."""
    state = rng.choice(
        [t for t in tables["tickets"] if sum(e["ticket"] == t["id"] for e in tables["ticket_log"]) >= least]
    )
    return sorted((e for e in tables["ticket_log"] if e["ticket"] == state["id"]), key=lambda e: e["seq"]), state


def replace_log(tables: Tables, ticket: str, rows: Rows) -> None:
    tables.rows["ticket_log"] = [e for e in tables["ticket_log"] if e["ticket"] != ticket] + rows


def hash_log_anew(tables: Tables, rows: Rows, state: dict[str, Any]) -> None:
    number(rows, "seq")
    previous = GENESIS
    for e in rows:
        head = (
            e["ticket"],
            e["seq"],
            e["at"],
            e["type"],
            e["actor"],
            e["account"],
            e["status"],
            digest_of(e["origin"]),
        )
        e["hash"] = previous = ticket_chain.link(previous, head, e["data"].encode())
    replace_log(tables, state["id"], rows)
    said = orjson.loads(state["state"]) | {"seq": len(rows)}
    state |= {"head": previous, "state": orjson.dumps(said).decode()}


def edit_an_act(tables: Tables, older: Tables, rng: random.Random) -> None:
    row, column = rng.choice(tables["audit_log"]), rng.choice(ACT_COLUMNS)
    row[column] = another(row[column], rng)


def move_an_act_to_the_end(tables: Tables, older: Tables, rng: random.Random) -> None:
    rng.choice(tables["audit_log"])["position"] = len(tables["audit_log"]) + rng.randrange(1, 9)


def delete_acts(tables: Tables, older: Tables, rng: random.Random) -> None:
    for row in rng.sample(tables["audit_log"], rng.choice((1, 1, 2, 5))):
        tables["audit_log"].remove(row)


def delete_an_act_and_close_up(tables: Tables, older: Tables, rng: random.Random) -> None:
    rows = acts(tables)
    rows.remove(rng.choice(rows))
    number(rows, "position")
    if rng.random() < 0.5:
        tables["audit_head"][0] |= {"position": len(rows), "hash": rows[-1]["hash"]}
    tables.rows["audit_log"] = rows


def insert_an_act(tables: Tables, older: Tables, rng: random.Random) -> None:
    """A forged one, with a hash that fits before it or none."""
    rows = acts(tables)
    place = rng.randrange(len(rows) + 1)
    forged = dict(rng.choice(rows)) | {"actor": "operator:mallory"}
    if rng.random() < 0.5:
        previous = rows[place - 1]["hash"] if place else GENESIS
        said = tuple(forged[name] for name in ACT_COLUMNS[:7])
        forged |= {"previous": previous, "hash": link(previous, place + 1, said)}  # type: ignore[arg-type]
    rows.insert(place, forged)
    number(rows, "position")
    tables.rows["audit_log"] = rows


def swap_two_acts(tables: Tables, older: Tables, rng: random.Random) -> None:
    one, other = rng.sample(tables["audit_log"], 2)
    one["position"], other["position"] = other["position"], one["position"]


def cut_the_trail(tables: Tables, older: Tables, rng: random.Random) -> None:
    rows = acts(tables)[: rng.randrange(len(tables["audit_log"]))]
    tables.rows["audit_log"] = rows
    if rng.random() < 0.7:
        tables["audit_head"][0] |= {"position": len(rows), "hash": rows[-1]["hash"] if rows else GENESIS}


def cut_the_trail_and_its_seal(tables: Tables, older: Tables, rng: random.Random) -> None:
    cut_the_trail(tables, older, rng)
    tables["audit_head"][0] |= {"sealed_position": 0, "seal": b""}
    if rng.random() < 0.3:
        tables.rows["audit_head"] = []


def write_the_trail_anew(tables: Tables, older: Tables, rng: random.Random) -> None:
    """From some place on, every hash as it has to be."""
    rows = acts(tables)
    kind = rng.choice(("edit", "delete", "insert"))
    place = rng.randrange(len(rows))
    if kind == "edit":
        rows[place]["actor"] = "operator:mallory"
    elif kind == "delete":
        del rows[place]
    else:
        rows.insert(place, dict(rows[place]) | {"actor": "operator:mallory"})
    hash_acts_anew(tables, rows)


def put_an_older_trail_back(tables: Tables, older: Tables, rng: random.Random) -> None:
    """With the head and the seal of that time: these are genuine."""
    for name in ("audit_log", "audit_head") if rng.random() < 0.7 else ("audit_log",):
        tables.rows[name] = older.copy()[name]


def take_the_head_away(tables: Tables, older: Tables, rng: random.Random) -> None:
    tables.rows["audit_head"] = []


def edit_an_entry(tables: Tables, older: Tables, rng: random.Random) -> None:
    row, column = rng.choice(tables["ticket_log"]), rng.choice(ENTRY_COLUMNS)
    row[column] = another(row[column], rng)


def give_an_entry_to_another_ticket(tables: Tables, older: Tables, rng: random.Random) -> None:
    one, other = rng.sample(tables["tickets"], 2)
    rows = [e for e in tables["ticket_log"] if e["ticket"] == one["id"]]
    rng.choice(rows) | {}
    moved = max(rows, key=lambda e: e["seq"])
    moved |= {
        "ticket": other["id"],
        "seq": 1 + max(e["seq"] for e in tables["ticket_log"] if e["ticket"] == other["id"]),
    }


def delete_entries(tables: Tables, older: Tables, rng: random.Random) -> None:
    for row in rng.sample(tables["ticket_log"], rng.choice((1, 1, 2, 5))):
        tables["ticket_log"].remove(row)


def delete_an_entry_and_close_up(tables: Tables, older: Tables, rng: random.Random) -> None:
    rows, state = log_of(tables, rng, least=2)
    rows.remove(rng.choice(rows))
    number(rows, "seq")
    replace_log(tables, state["id"], rows)


def insert_an_entry(tables: Tables, older: Tables, rng: random.Random) -> None:
    rows, state = log_of(tables, rng)
    rows.insert(rng.randrange(len(rows) + 1), dict(rng.choice(rows)) | {"actor": "operator:mallory"})
    number(rows, "seq")
    replace_log(tables, state["id"], rows)


def swap_two_entries(tables: Tables, older: Tables, rng: random.Random) -> None:
    rows, _ = log_of(tables, rng, least=2)
    one, other = rng.sample(rows, 2)
    one["seq"], other["seq"] = other["seq"], one["seq"]


def cut_a_log(tables: Tables, older: Tables, rng: random.Random) -> None:
    """With or without the ticket's state set back to match."""
    rows, state = log_of(tables, rng, least=2)
    left = rows[: rng.randrange(1, len(rows))]
    replace_log(tables, state["id"], left)
    if rng.random() < 0.6:
        hash_log_anew(tables, left, state)


def write_a_log_anew(tables: Tables, older: Tables, rng: random.Random) -> None:
    rows, state = log_of(tables, rng, least=2)
    place = rng.randrange(len(rows))
    if rng.random() < 0.5:
        rows[place]["actor"] = "operator:mallory"
    else:
        del rows[place]
    hash_log_anew(tables, rows, state)


def delete_a_ticket_with_all_its_log(tables: Tables, older: Tables, rng: random.Random) -> None:
    _, state = log_of(tables, rng)
    replace_log(tables, state["id"], [])
    if rng.random() < 0.8:
        tables["tickets"].remove(state)


def put_older_tickets_back(tables: Tables, older: Tables, rng: random.Random) -> None:
    for name in ("ticket_log", "tickets") if rng.random() < 0.7 else ("ticket_log",):
        tables.rows[name] = older.copy()[name]


def change_an_anchor(tables: Tables, older: Tables, rng: random.Random) -> None:
    row = rng.choice(tables["audit_anchors"])
    row["line"] = row["line"].replace(rng.choice("0123456789"), rng.choice("abcdef"), 1)


def delete_an_anchor(tables: Tables, older: Tables, rng: random.Random) -> None:
    tables["audit_anchors"].remove(rng.choice(tables["audit_anchors"]))


def change_an_anchored_head(tables: Tables, older: Tables, rng: random.Random) -> None:
    row = rng.choice(tables["anchored_heads"])
    if rng.random() < 0.5:
        tables["anchored_heads"].remove(row)
    else:
        row["hash"] = another(row["hash"], rng)


def put_everything_back(tables: Tables, older: Tables, rng: random.Random) -> None:
    """All tables as they were: genuine, every byte. Only what is kept elsewhere knows better."""
    tables.rows = older.copy().rows


OF_THE_TRAIL: tuple[Tampering, ...] = (
    edit_an_act, edit_an_act, edit_an_act, move_an_act_to_the_end, delete_acts, delete_an_act_and_close_up,
    insert_an_act, swap_two_acts, cut_the_trail, cut_the_trail_and_its_seal, write_the_trail_anew,
    put_an_older_trail_back, take_the_head_away,
)  # fmt: skip
OF_TICKETS: tuple[Tampering, ...] = (
    edit_an_entry, edit_an_entry, edit_an_entry, give_an_entry_to_another_ticket, delete_entries,
    delete_an_entry_and_close_up, insert_an_entry, swap_two_entries, cut_a_log, write_a_log_anew,
    delete_a_ticket_with_all_its_log, put_older_tickets_back,
)  # fmt: skip
OF_ANCHORS: tuple[Tampering, ...] = (
    change_an_anchor, delete_an_anchor, change_an_anchored_head, put_everything_back,
)  # fmt: skip
EVERY: tuple[Tampering, ...] = (*OF_THE_TRAIL, *OF_TICKETS, *OF_ANCHORS)
