"""The bodies a replay sends: what an audit row says, in the center's words. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.commands.replay.history import Incident, Row
from services.commands.replay.mapping import IMPACTS, Step
from shared.clock import rfc3339
from shared.testing.repair import LEAVE_ALONE

TOLD = ("assignment_group", "assigned_to", "priority", "category", "problem_id", "rfc", "caused_by")
DESCRIBED = ("category", "subcategory", "u_symptom", "location", "priority")


@dataclass(frozen=True, slots=True)
class Moment:
    """A row, the one before it, and the incident they belong to."""

    incident: Incident
    row: Row
    previous: Row | None


def is_customers(step: Step) -> bool:
    return step.verb in ("confirm", "reopen")


def body_of(step: Step, moment: Moment, *, historic: bool) -> dict[str, Any]:
    """`historic`: with the file's instants; the center then records them beside its own."""
    body = _said(step, moment)
    if historic and (field := _instant_field(step)):
        body[field] = rfc3339(opened_at(moment.incident) if step.verb == "report" else moment.row.at)
    return body


def _said(step: Step, moment: Moment) -> dict[str, Any]:
    row = moment.row
    match step.verb:
        case "report":
            return _report(row)
        case "accept":
            return {"engineer": row.said("assigned_to") or "not named"}
        case "progress":
            return {"stage": "other", "note": _changed(row, moment.previous)}
        case "suspend":
            return {"reason": step.reason, "evidence": f"{row.incident}: {row.state}"}
        case "resume":
            return {"note": f"{row.incident}: {row.state}"}
        case "restore":
            return {"cause": "other", "remedy": row.said("closed_code") or "not said"}
        case "confirm":
            return {"comment": f"{row.incident}: {row.state}"}
        case "reopen":
            return {"reason": f"{row.incident}: {row.state} again"}


def _report(row: Row) -> dict[str, Any]:
    details = ", ".join(text for name in DESCRIBED if (text := row.said(name)))
    body: dict[str, Any] = {
        "impact": IMPACTS.get(row.fields.get("impact", ""), "degraded"),
        "description": f"{LEAVE_ALONE} Incident {row.incident}: {details or 'nothing more is known'}",
        "reference": row.incident,
    }
    return {**body, "contact": caller} if (caller := row.said("caller_id")) else body


def _changed(row: Row, previous: Row | None) -> str:
    """What this row changed of the one before, or at least who wrote it."""
    before = previous.fields if previous else {}
    changes = [f"{name}: {row.fields[name]}" for name in TOLD if before.get(name) != row.fields.get(name)]
    return "; ".join(changes) or row.said("sys_updated_by") or "updated"


def _instant_field(step: Step) -> str | None:
    match step.verb:
        case "report":
            return "reported_at"
        case "restore":
            return "restored_at"
        case "accept" | "progress" | "suspend" | "resume":
            return "occurred_at"
        case _:
            return None


def opened_at(incident: Incident) -> datetime:
    """Some incidents of the file were updated before they were opened; nothing may happen before the report."""
    first = incident.rows[0]
    opened = first.instant("opened_at")
    return min(opened, first.at) if opened else first.at
