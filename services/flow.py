"""The topology as a value: who consumes what, who owns which tables, and the picture of it that the README shows.

Tests hold it against the code: the tables each service defines, the routes it serves, the topics it reads.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Part:
    """One service. `consumes` are topics, `owns` tables nobody else touches, `serves` the first words of its routes."""

    name: Literal["intake", "dispatcher", "notifier"]
    duty: str
    consumes: tuple[str, ...]
    owns: frozenset[str]
    serves: frozenset[str]


FLOW: tuple[Part, ...] = (
    Part(
        "intake",
        "reports in; what a customer may do with a ticket",
        consumes=(),
        owns=frozenset(),
        serves=frozenset(
            {"/v1/faults", "/v1/tickets", "/v1/circuits", "/v1/keys", "/v1/registry", "/v1/desk", "/v1/statement-key"}
        ),
    ),
    Part(
        "dispatcher",
        "routing, repair orders, the local networks' doors, the NOC's queue",
        consumes=("vrc.tickets", "vrc.progress.<code>"),
        owns=frozenset(
            {
                "repair_orders",
                "refused_progress",
                "untold_refusals",
                "sweeps",
                "warnings",
                "network_signs",
                "measures",
                "network_shares",
                "measured_counts",
                "measure_totals",
                "measuring",
                "disputed_suspensions",
                "follow_ups",
                "surveys",
                "mass_faults",
                "mass_fault_tickets",
            }
        ),
        serves=frozenset(
            {
                "/v1/networks",
                "/v1/orders",
                "/v1/noc",
                "/v1/audit",
                "/v1/tickets",
                "/v1/follow-ups",
                "/v1/surveys",
                "/v1/satisfaction",
                "/v1/reports",
            }
        ),
    ),
    Part(
        "notifier",
        "progress out: live streams and signed webhooks",
        consumes=("vrc.tickets",),
        owns=frozenset(
            {
                "feed",
                "feed_marks",
                "subscriptions",
                "lanes",
                "dead_letters",
                "attempts",
                "notices",
                "tracking_links",
            }
        ),
        serves=frozenset(
            {
                "/v1/stream",
                "/v1/subscriptions",
                "/v1/contact-subscriptions",
                "/v1/manager-subscriptions",
                "/v1/tickets",
                "/v1/links",
                "/track",
                "/v1/track",
                "/v1/sms",
            }
        ),
    ),
)

PICTURE = """\
 key account, desk                                        key account
       │ POST /v1/faults                                       ▲ webhook · live stream
       ▼                                                       │
   ① INTAKE ──┐                                           ③ NOTIFIER
              ▼                                                ▲
   ┌─ ticket log ─ one row a fact, hash-chained, written ──────┤
   │   with the state it changes; the record, the audit,       │
   │   the queue of what is still to be published              │
   └──────────┬────────────────────────────────────────────────┤
              │ relay (Kafka)  ·  embedded: the log itself     │
              ▼                                                │
         vrc.tickets ──▶ ② DISPATCHER ── writes the ticket log ┘
                              │    ▲
          vrc.orders.<code>   │    │   vrc.progress.<code>
          GET …/orders        ▼    │   POST /v1/orders/{id}/…
                     local network's center (about 320)"""
