"""Lists of tickets: newest first, by keyset."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Text, bindparam, or_, select, tuple_

from shared.db.port import Reader
from shared.db.statement import Query, Row
from shared.ids import AccountId
from shared.tickets.model import Ticket
from shared.tickets.store import STATE
from shared.tickets.tables import tickets as t

FIRST = (2**62, "~")  # later than any ticket


def _if_given(column: Column[str], name: str) -> ColumnElement[bool]:
    given = bindparam(name, type_=Text())
    return or_(given.is_(None), column == given)


_open = bindparam("is_open", type_=Boolean())
LIST = Query(
    select(t.c.state)
    .where(
        tuple_(t.c.opened_at, t.c.id) < tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
        _if_given(t.c.account, "account"),
        _if_given(t.c.circuit, "circuit"),
        _if_given(t.c.status, "status"),
        or_(_open.is_(None), t.c.over_at.is_(None) == _open),
    )
    .order_by(t.c.opened_at.desc(), t.c.id.desc())
    .limit(bindparam("most"))
)


async def newest(
    reader: Reader,
    *,
    account: AccountId | None,
    circuit: str | None,
    status: str | None,
    is_open: bool | None,
    before: tuple[int, str] | None,
    most: int,
) -> Sequence[Ticket]:
    at, id = before or FIRST
    rows: Sequence[Row] = await reader.fetch(
        LIST, account=account, circuit=circuit, status=status, is_open=is_open, at=at, id=id, most=most
    )
    return [STATE.validate_json(row["state"]) for row in rows]
