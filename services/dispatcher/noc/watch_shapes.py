"""How early warnings and silent networks are shown, documented by OpenAPI."""

from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel

from services.dispatcher.noc.rules import WarningKind
from services.dispatcher.noc.silence import Reason, Silent
from shared.clock import from_ms, rfc3339
from shared.db.statement import Row
from shared.registry.model.network import Network


class WarningView(BaseModel):
    """`faults` in `days` days, the newest 20 in `tickets`; of `attainment`, `restorations` and those within the target,
    in the last `days` days and as many before."""

    kind: WarningKind
    subject: str
    account: str | None
    raised_at: datetime
    days: int
    faults: int | None
    tickets: list[str]
    restorations: int | None
    within_target: int | None
    restorations_before: int | None
    within_target_before: int | None


class WarningPage(BaseModel):
    items: list[WarningView]
    next: str | None


class SilenceView(BaseModel):
    reason: Reason
    since: datetime


class SilentNetwork(BaseModel):
    """`unaccepted` and `live` are numbers of orders; `next_breach_at` is the first breach among them."""

    network: str
    name_zh: str | None
    name_en: str | None
    since: datetime
    reasons: list[SilenceView]
    last_sign_at: datetime | None
    unaccepted: int
    live: int
    next_breach_at: datetime


class SilentPage(BaseModel):
    items: list[SilentNetwork]
    next: str | None


def warning_view(row: Row) -> dict[str, Any]:
    data = orjson.loads(row["data"])
    return {
        "kind": row["kind"], "subject": row["subject"], "account": row["account"],
        "raised_at": rfc3339(from_ms(row["raised_at"])), "days": data["days"], "faults": data.get("faults"),
        "tickets": data.get("tickets", []), "restorations": data.get("after"),
        "within_target": data.get("kept_after"), "restorations_before": data.get("before"),
        "within_target_before": data.get("kept_before"),
    }  # fmt: skip


def silent_view(found: Silent, network: Network | None) -> dict[str, Any]:
    return {
        "network": found.network, "name_zh": network and network.name_zh, "name_en": network and network.name_en,
        "since": rfc3339(found.since),
        "reasons": [{"reason": reason, "since": rfc3339(at)} for reason, at in found.reasons.items()],
        "last_sign_at": found.last_sign and rfc3339(found.last_sign), "unaccepted": found.unaccepted,
        "live": found.live, "next_breach_at": rfc3339(found.next_breach),
    }  # fmt: skip
