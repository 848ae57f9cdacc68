"""Lists of tickets: newest first, by keyset."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Text, bindparam, or_, select, tuple_

from shared.db.port import Reader
from shared.db.statement import Query, Row, any_of
from shared.ids import AccountId
from shared.tickets.model import Ticket
from shared.tickets.store import STATE
from shared.tickets.tables import tickets as t

FIRST = (2**62, "~")  # later than any ticket


def _if_given(column: Column[str], name: str) -> ColumnElement[bool]:
    given = bindparam(name, type_=Text())
    return or_(given.is_(None), column == given)


_open = bindparam("is_open", type_=Boolean())


def _list(*whose: ColumnElement[bool]) -> Query:
    before = tuple_(t.c.opened_at, t.c.id) < tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text()))
    found = select(t.c.state).where(
        *whose,
        before,
        _if_given(t.c.circuit, "circuit"),
        _if_given(t.c.status, "status"),
        or_(_open.is_(None), t.c.over_at.is_(None) == _open),
    )
    return Query(found.order_by(t.c.opened_at.desc(), t.c.id.desc()).limit(bindparam("most")))


OF_ALL = _list()
OF_ONE = _list(t.c.account == bindparam("account"))  # in the order of its index; several have to be sorted
OF_SEVERAL = _list(any_of(t.c.account, "accounts"))


async def newest(
    reader: Reader,
    *,
    accounts: frozenset[AccountId] | None,
    circuit: str | None,
    status: str | None,
    is_open: bool | None,
    before: tuple[int, str] | None,
    most: int,
) -> Sequence[Ticket]:
    """Of these accounts; None means all."""
    at, id = before or FIRST
    rest: dict[str, Any] = {
        "circuit": circuit, "status": status, "is_open": is_open, "at": at, "id": id, "most": most
    }  # fmt: skip
    rows: Sequence[Row]
    if accounts is None:
        rows = await reader.fetch(OF_ALL, **rest)
    elif len(accounts) == 1:
        rows = await reader.fetch(OF_ONE, account=next(iter(accounts)), **rest)
    else:
        rows = await reader.fetch(OF_SEVERAL, accounts=sorted(accounts), **rest)
    return [STATE.validate_json(row["state"]) for row in rows]
