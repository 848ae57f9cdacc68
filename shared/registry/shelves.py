"""How each kind of thing that the registry holds is kept: its table, its rows, the name of its key."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Column, Table, bindparam, delete, select

from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.registry import tables as t
from shared.registry.model import Account, Circuit, ContactPoint, Network
from shared.registry.rows import circuit_of, contract_of, details_of

Kind = Literal["network", "account", "circuit"]
Entry = Account | Circuit | Network
CONTACTS, MANAGER = TypeAdapter(tuple[ContactPoint, ...]), TypeAdapter(ContactPoint | None)
LANGUAGES = TypeAdapter(tuple[str, ...])
_ACCOUNT = ("id", "name_zh", "name_en", "sector", "tier", "parent")
_NETWORK = ("code", "name_zh", "name_en", "province_zh", "province_en")


class Shelf:
    """The statements and translations of one kind. `rows_of` gives a row its version."""

    def __init__(
        self, table: Table, key: str, row: Callable[[Any, int], tuple[Any, ...]], of: Callable[[Row], Entry]
    ) -> None:
        columns = tuple(table.c.keys())
        column: Column[str] = table.c[key]
        changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c != key)
        self.key, self.row, self.of = key, row, of
        self.put = BulkInsert(table, columns, conflict=f"({key}) DO UPDATE SET {changes}")
        self.read = Query(select(table).where(any_of(column, "ids")))
        self.remove = Query(delete(table).where(any_of(column, "ids")))
        self.page = Query(select(table).where(column > bindparam("after")).order_by(column).limit(bindparam("most")))
        self.ids = Query(
            select(column.label("id")).where(column > bindparam("after")).order_by(column).limit(bindparam("most"))
        )

    def id_of(self, entry: Entry) -> str:
        return str(getattr(entry, self.key))


def account_of(row: Row) -> Account:
    more = details_of(row)
    return Account(
        **{c: row[c] for c in _ACCOUNT},
        group=more.get("group"),
        contacts=CONTACTS.validate_python(more.get("contacts", ()), extra="ignore"),
        manager=MANAGER.validate_python(more.get("manager"), extra="ignore"),
        contract=contract_of(row),
        notes=more.get("notes"),
    )


def network_of(row: Row) -> Network:
    more = details_of(row)
    return Network(
        **{c: row[c] for c in _NETWORK},
        **{name: more[name] for name in ("merged", "door", "state") if name in more},
        languages=LANGUAGES.validate_python(more.get("languages", ())),
        contacts=CONTACTS.validate_python(more.get("contacts", ()), extra="ignore"),
        duty=CONTACTS.validate_python(more.get("duty", ()), extra="ignore"),
    )


def _json(**details: Any) -> str | None:
    """Without what says nothing: None when nothing is left."""
    found = {name: value for name, value in details.items() if value not in (None, ())}
    return orjson.dumps(found).decode() if found else None


def _account_row(a: Account, version: int) -> tuple[Any, ...]:
    details = _json(group=a.group, contacts=a.contacts, manager=a.manager, contract=a.contract, notes=a.notes)
    return *(getattr(a, name) for name in _ACCOUNT), a.contract.parent_may_read, details, version


def _network_row(n: Network, version: int) -> tuple[Any, ...]:
    details = _json(
        merged=n.merged, door=n.door, state=n.state, languages=n.languages, contacts=n.contacts, duty=n.duty
    )
    return *(getattr(n, name) for name in _NETWORK), details, version


def _circuit_row(c: Circuit, version: int) -> tuple[Any, ...]:
    plain = (c.id, c.account, c.service, c.bandwidth_mbps, c.protected)
    ends = (c.a_end.network, c.a_end.site, c.z_end.network, c.z_end.site)
    details = _json(a_address=c.a_end.address, z_address=c.z_end.address, monthly_fee=c.monthly_fee)
    return *plain, *ends, orjson.dumps(c.segments).decode(), details, version


SHELVES: Mapping[Kind, Shelf] = {
    "network": Shelf(t.networks, "code", _network_row, network_of),
    "account": Shelf(t.accounts, "id", _account_row, account_of),
    "circuit": Shelf(t.circuits, "id", _circuit_row, circuit_of),
}
