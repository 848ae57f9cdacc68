"""The hot route: one fault report, from bytes to bytes.

Run without FastAPI's machinery (see `shared.web.routes.HotRoute`); its document is the signature in `api`.
"""

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.intake.handlers import Desk
from services.intake.metrics import IntakeMetrics
from services.intake.model import ReportFault, is_one_path
from services.intake.shapes import FaultBody
from shared.auth.permissions import Access
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.contracts import facts as f
from shared.errors import FieldError, InvalidInput
from shared.ids import AccountId, CircuitId
from shared.registry.model.contact import reached_at
from shared.registry.store import Registry
from shared.registry.subject import subject_of
from shared.tickets.targets import Policies, Subject, breach_at
from shared.tickets.view import ticket_bytes
from shared.web.authentication import authenticate
from shared.web.idempotency import HEADER, REPLAYED, check_key, request_of
from shared.web.problems import invalid
from shared.web.routes import read_json

ACCESS = Access(("account", "operator"), "reports:write")
BODY = TypeAdapter(FaultBody)
CLOCKS_DIFFER = timedelta(seconds=60)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # histories are reported too; what is before is a slip of the hand


class ReportDoor:
    def __init__(
        self, desk: Desk, registry: Registry, policies: Policies, clock: Clock, metrics: IntakeMetrics
    ) -> None:
        self._desk = desk
        self._registry = registry
        self._policies = policies
        self._clock = clock
        self._metrics = metrics

    async def __call__(self, request: Request) -> Response:
        principal = await authenticate(request, ACCESS)
        key = check_key(request.headers.getlist(HEADER))
        raw = read_json(await request.body(), request.headers.get("content-type"))
        try:
            body = BODY.validate_python(raw)
        except ValidationError as error:
            raise invalid(error) from None
        fact, subject = await self._fact(principal, body)
        asked = request_of(principal, key, "POST /v1/faults", raw)
        reported = await self._desk.report(
            ReportFault(fact, principal.actor, asked, principal.origin.salted(), subject)
        )
        self._metrics.reported(reported)
        headers = {"Location": f"/v1/tickets/{reported.ticket.id}"}
        if reported.replayed:
            headers[REPLAYED] = "true"
        status = 201 if reported.created else 200
        return Response(ticket_bytes(reported.ticket), status, headers, "application/json")

    async def _fact(self, principal: Principal, body: FaultBody) -> tuple[f.FaultReported, Subject]:
        account = await self._owner(principal, body.circuit)
        self._require_listed(account, body)
        if body.segment is not None:
            await self._require_segment(body.circuit, body.segment)
        protected = self._registry.is_protected(body.circuit)
        one_path = is_one_path(body.impact, both_paths=body.both_paths, protected=protected)
        impact: f.Impact = "degraded" if one_path else body.impact
        tier, now = self._registry.tier(account), self._clock.now()
        when = _when(body.reported_at, now)
        subject = await subject_of(self._registry, account, body.circuit, policies=self._policies)
        terms = self._policies.at(now).terms_of(tier, impact, subject=subject, reported_at=when, now=now)
        fact = f.FaultReported(
            account=account, circuit=CircuitId(body.circuit), impact=impact, description=body.description,
            reported_at=when, reference=body.reference, contact=body.contact_fact(),
            segment=body.segment, reported_impact=body.impact if one_path else None,
            tier=tier, breach_at=breach_at(terms, when), terms=terms,
        )  # fmt: skip
        return fact, subject

    async def _owner(self, principal: Principal, circuit: str) -> AccountId:
        """An unknown circuit and another account's get the same answer."""
        owner = self._registry.owner(circuit)
        if owner is None and (found := await self._registry.circuit(circuit)):
            owner = found.account
        if owner is None or not principal.owns(owner):
            theirs = "is no circuit's id" if principal.role == "operator" else "is not one of your circuits"
            raise InvalidInput(FieldError("circuit", f"{theirs}; GET /v1/circuits lists them"))
        return owner

    def _require_listed(self, account: AccountId, body: FaultBody) -> None:
        """Where the contract lists who may report, the report says which of them it is, whoever sends it."""
        listed = self._registry.reporters(account)
        if listed is None:
            return
        said = (body.contact.phone, body.contact.email) if body.contact else ()
        if not any(reached_at(value) in listed for value in said if value):
            raise InvalidInput(FieldError(
                "contact", "your contract lists who may report: give the phone number or e-mail address of one of them"
            ))  # fmt: skip

    async def _require_segment(self, circuit: str, segment: str) -> None:
        found = await self._registry.circuit(circuit)
        if found is None or found.segment(segment) is None:
            known = ", ".join(s.id for s in found.segments) if found else "none"
            raise InvalidInput(FieldError("segment", f"is not a segment of this circuit; it has {known}"))


def _when(reported_at: datetime | None, now: datetime) -> datetime:
    """A caller's clock may be a little fast; a report from the future is an error."""
    if reported_at is None:
        return now
    if reported_at > now + CLOCKS_DIFFER:
        raise InvalidInput(FieldError("reported_at", "lies in the future"))
    if reported_at < EARLIEST:
        raise InvalidInput(FieldError("reported_at", f"is before {EARLIEST:%Y}: is that the year you mean?"))
    return min(reported_at, now)
