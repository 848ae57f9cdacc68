"""What a sweep looks for, as statements: repeated faults and falling attainment. Each walks what is new, by index.

A fault that was cancelled or rejected is none. `since` begins the window, `new` what has come since the sweep before:
only a circuit, a site or a network that something new happened to can be found.
"""

from sqlalchemy import BigInteger, Select, and_, bindparam, case, func, or_, select

from services.dispatcher.tables import repair_orders
from shared.db.statement import Query
from shared.registry.tables import circuits
from shared.tickets.tables import tickets

t, c, o = tickets.c, circuits.c, repair_orders.c
_since = bindparam("since", type_=BigInteger())
_new = bindparam("new", type_=BigInteger())
_least = bindparam("least", type_=BigInteger())
_counted = and_(t.opened_at > _since, t.status != "cancelled", t.status != "rejected")
_hit = select(t.circuit).where(t.opened_at > _new)
MOST_SHOWN = 20


def _circuits() -> Select[tuple[str, str, int]]:
    return (
        select(t.circuit.label("subject"), func.max(t.account).label("account"), func.count().label("n"))
        .where(t.circuit.in_(_hit), _counted)
        .group_by(t.circuit)
        .having(func.count() >= _least)
    )


CIRCUITS = Query(_circuits())
_unprotected = _circuits().join(circuits, c.id == t.circuit).where(c.protected.is_(False))
UNPROTECTED = Query(_unprotected)

_ends = (
    select(c.account, c.a_network.label("network"), c.a_site.label("site"))
    .where(c.id.in_(_hit))
    .union(select(c.account, c.z_network, c.z_site).where(c.id.in_(_hit)))
    .subquery("ends")
)
_e, _others = _ends.c, circuits.alias("others")
_there = or_(
    and_(_others.c.a_network == _e.network, _others.c.a_site == _e.site),
    and_(_others.c.z_network == _e.network, _others.c.z_site == _e.site),
)
SITES = Query(
    select(_e.account, _e.network, _e.site, func.count(t.id.distinct()).label("n"))
    .select_from(_ends)
    .join(_others, and_(_others.c.account == _e.account, _there))
    .join(tickets, and_(t.circuit == _others.c.id, _counted))
    .group_by(_e.account, _e.network, _e.site)
    .having(and_(func.count(t.id.distinct()) >= _least, func.count(t.circuit.distinct()) > 1))
)
NETWORKS = Query(
    select(o.network.label("subject"), func.count().label("n"))
    .where(o.network.in_(select(o.network).where(o.restored_at > _new)), o.restored_at > _since)
    .group_by(o.network)
    .having(func.count() >= _least)
)

_newest = (t.opened_at.desc(), t.id.desc())
ON_CIRCUIT = Query(select(t.id).where(t.circuit == bindparam("subject"), _counted).order_by(*_newest).limit(MOST_SHOWN))
_at_site = or_(
    and_(c.a_network == bindparam("network"), c.a_site == bindparam("site")),
    and_(c.z_network == bindparam("network"), c.z_site == bindparam("site")),
)
AT_SITE = Query(
    select(t.id)
    .where(t.circuit.in_(select(c.id).where(c.account == bindparam("account"), _at_site)), _counted)
    .order_by(*_newest)
    .limit(MOST_SHOWN)
)
IN_NETWORK = Query(
    select(o.ticket.label("id"))
    .where(o.network == bindparam("subject"), o.restored_at > _since)
    .order_by(o.restored_at.desc(), o.ticket.desc())
    .limit(MOST_SHOWN)
)

NEWEST_CLOSED = Query(
    select(t.id).where(t.account == bindparam("account"), t.status == "closed").order_by(*_newest).limit(1)
)

_middle = bindparam("middle", type_=BigInteger())
_late = o.restored_at > _middle
_kept = o.restored_at <= o.breach_at
ATTAINMENT = Query(
    select(
        t.account,
        func.sum(case((_late, 0), else_=1)).label("before"),
        func.sum(case((and_(_kept, o.restored_at <= _middle), 1), else_=0)).label("kept_before"),
        func.sum(case((_late, 1), else_=0)).label("after"),
        func.sum(case((and_(_kept, _late), 1), else_=0)).label("kept_after"),
    )
    .select_from(repair_orders)
    .join(tickets, t.id == o.ticket)
    .where(o.restored_at > _since)
    .group_by(t.account)
)
