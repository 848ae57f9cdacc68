"""No query reads a whole table, unless it is meant to: found out by asking SQLite how it would run each.

A million tickets are on record: what nobody notices among ten rows takes a second among them.
"""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import services
import shared
from shared.db.statement import Query

ONCE = "once, at start"
SMALL = {"break_glass", "measure_totals", "network_signs", "operator_sessions", "registry_version", "sweeps"}
"""Tables that do not grow with tickets or customers: a row a network, a signed-in operator, a duty of the center."""
BOUNDED = "an index of what is open, or a table that does not grow with the tickets"
VERIFIED = "`vrc audit verify` and the daily anchor look at everything"
MEANT = {
    "services.dispatcher.noc.finding.SITES.ends": "the few circuits hit since the last sweep",
    "services.dispatcher.noc.silent_networks.LIVE.repair_orders": BOUNDED,
    "services.dispatcher.noc.store.QUEUED.tickets": BOUNDED,
    "services.dispatcher.noc.warnings.ACTIVE.warnings": "a scrape's; warnings are few",
    "services.dispatcher.overlooked.TO_STAND_DOWN.repair_orders": BOUNDED,
    "services.dispatcher.overlooked.WITHOUT_NETWORK.tickets": BOUNDED,
    "services.dispatcher.reports.queries.ATTAINMENT.anon_1": "the period's rows, found by an index, ranked",
    "services.dispatcher.noc.store.UNTOLD.untold_refusals": "in the order of its rows, and no further than its limit",
    "services.dispatcher.reports.queries.ATTAINMENT_OF_SOME.anon_1": "the same of some accounts",
    "services.notifier.handlers.lost.OPEN.tickets": BOUNDED,
    "services.notifier.store.pruning.OLDEST.feed": "in the order of its rows, and no further than its limit",
    "services.notifier.store.lanes.FREE_ALL.lanes": ONCE,
    "services.notifier.store.lanes.LOCK_CLAIMED.lanes": ONCE,
    "services.notifier.store.history.OLDEST.attempts": "in the order of its rows, and no further than its limit",
    "services.notifier.store.replays.DROP_FINISHED.lanes": BOUNDED,
    "services.notifier.store.subscriptions.PLAIN.subscriptions": ONCE,
    "shared.audit.store.ANCHORS.audit_anchors": VERIFIED,
    "shared.audit.store.COUNT_ENTRIES.ticket_log": VERIFIED,
    "shared.audit.store.ENDS.anon_1": "one row: where the chain ends",
    "shared.audit.store.LAST_ANCHOR.audit_anchors": "from its end, one row",
    "shared.audit.store.TICKET_ENDS.anon_1": VERIFIED,
    "shared.audit.store.WITHOUT_LOG.tickets": VERIFIED,
    "shared.auth.store.PAGE.api_keys": "an operator's list of keys, in pages",
    "shared.auth.store.UNREVOKED.api_keys": "what a process holds in memory",
    "shared.auth.store.REVOKE_ALL.api_keys": "all of them, when another master key is adopted",
    "shared.bus.metrics.OLDEST.outbox": "in the order of its rows, one row",
    "shared.db.version.VERSION.vrc_schema": "one row",
    "shared.registry.following.NETWORKS.networks": ONCE,
    "shared.registry.following.OWNERS.circuits": ONCE,
    "shared.registry.following.TIERS.accounts": ONCE,
    "shared.registry.importing.OVER_NETWORK.circuits": "only where an import removes a network",
    "shared.registry.tiers.store.ACCOUNTS.accounts": "a review looks at every account",
    "shared.registry.tiers.store.EARNED.tier_reviews": "a review looks at every account",
}
SCAN = re.compile(r"^SCAN (?!json_each|CONSTANT)(\w+)")


def queries() -> Iterator[tuple[str, Query]]:
    """Every module's, by module and name."""
    for package in (services, shared):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in found.name:
                for name, value in vars(importlib.import_module(found.name)).items():
                    if isinstance(value, Query):
                        yield f"{found.name}.{name}", value


def scanned(connection: sqlite3.Connection, query: Query) -> list[str]:
    """The tables, or indexes of them, that are read from end to end; a list given as parameter does not count."""
    parameters = [None] * len(query.sqlite.names)
    try:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query.sqlite.sql}", parameters).fetchall()
    except sqlite3.OperationalError as error:
        if not re.search("syntax error|unrecognized token", str(error)):
            raise
        return []  # PostgreSQL's own language, never run here
    return [match[1] for *_, detail in plan if (match := SCAN.match(detail)) and match[1] not in SMALL]


def test_no_query_reads_a_whole_table_unawares(sqlite_template: Path) -> None:
    connection = sqlite3.connect(sqlite_template)
    found = {f"{name}.{table}" for name, query in queries() for table in scanned(connection, query)}
    connection.close()
    assert found == set(MEANT)
