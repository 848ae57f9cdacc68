"""The dispatcher, put together from what it is given, and its loops: facts, networks' progress, watch, deadlines."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from fastapi import APIRouter

from services.dispatcher import reporting
from services.dispatcher.api import routes
from services.dispatcher.deadlines.tick import Tick
from services.dispatcher.disputes import routes as disputing
from services.dispatcher.disputes.desk import Disputes
from services.dispatcher.escalation import faults_routes as mass_faults
from services.dispatcher.escalation import routes as escalating
from services.dispatcher.escalation.mass_faults import MassFaults
from services.dispatcher.escalation.routes import EscalationDesk
from services.dispatcher.escalation.rules import EscalationRules
from services.dispatcher.follow_up import answering
from services.dispatcher.follow_up import routes as following_up
from services.dispatcher.follow_up.desk import FollowUps
from services.dispatcher.follow_up.metrics import FollowUpMetrics
from services.dispatcher.follow_up.rules import FollowUpRules
from services.dispatcher.follow_up.surveying import Surveys
from services.dispatcher.handlers import OrderDesk
from services.dispatcher.measures.handlers import Measuring
from services.dispatcher.measures.loops import MeasuringLoops
from services.dispatcher.measures.metrics import RecordMetrics
from services.dispatcher.metrics import DispatcherMetrics
from services.dispatcher.noc import routes as noc
from services.dispatcher.noc import watching
from services.dispatcher.noc.metrics import NocMetrics
from services.dispatcher.noc.rules import Rules
from services.dispatcher.noc.silent_networks import SilentNetworks
from services.dispatcher.noc.sweep import EarlyWarning
from services.dispatcher.over_kafka import OverKafka, Wire
from services.dispatcher.overlooked import Overlooked
from services.dispatcher.prediction.learning import Learning
from services.dispatcher.queues import Queues
from services.dispatcher.reports import routes as reports
from services.dispatcher.reports.compensation import Rules as Compensation
from services.dispatcher.reports.reports import Reports
from services.dispatcher.signs import Signs
from services.dispatcher.terms.desk import TermsDesk
from services.dispatcher.terms.routes import routes as terms_routes
from shared.bus.loop import consume
from shared.bus.port import Events
from shared.bus.tick import Loop
from shared.bus.wake import Wake
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.port import Database
from shared.health import Health
from shared.metrics import Metrics
from shared.registry.store import Registry
from shared.tickets.targets import Policies

LOOK_EVERY_S = 1.0
TURN_S = 0.02  # under load orders go out together, and reports are answered and told sooner: docs/decisions/0065
STOP_WITHIN_S = 5.0


class DispatcherService:
    """`wire` is None where local networks have only the HTTP door (embedded). `measured`: all events once more."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        clock: Clock,
        *,
        events: Events,
        wire: Wire | None,
        measured: Events,
        policies: Policies,
        rules: Rules,
        follow_up: FollowUpRules,
        answer_key: bytes,
        escalation: EscalationRules,
        compensation: Compensation,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._metrics = DispatcherMetrics(metrics)
        self._wake = Wake()
        self._signs = Signs(clock, self._wake.set)
        silence = timedelta(minutes=rules.silence.minutes)
        self._silences = SilentNetworks(database, registry, clock, policies=policies, after=silence)
        self._early_warning = EarlyWarning(database, clock, rules)
        NocMetrics(metrics, database, clock, self._silences)
        self._learning = Learning(database, clock, metrics)
        self._desk = OrderDesk(database, registry, clock, history=lambda: self._learning.history)
        self._follow_ups = FollowUps(database, clock, follow_up)
        self._overlooked = Overlooked(database, clock, self._desk, self._follow_ups)
        self._surveys = Surveys(database, clock, follow_up)
        self._disputes = Disputes(database, clock)
        self._terms = TermsDesk(database, registry, clock, policies)
        FollowUpMetrics(metrics, database, clock)
        self._door = OverKafka(wire, self._desk, database, clock, self._metrics, self._signs) if wire else None
        self._events = events
        self._health = health
        RecordMetrics(metrics, database, registry, clock, policies.tiers)
        self._measuring = MeasuringLoops(Measuring(database, registry, clock, rests=3.0), measured, health)
        self._due = Wake()
        self._tick = Tick(database, clock, escalation, wake=self._due)
        self._escalations = EscalationDesk(database, clock, escalation)
        self._mass_faults = MassFaults(database, registry, clock, escalation)
        self._queues = Queues(database)
        self._loops: list[Loop] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.routers: list[APIRouter] = [
            routes(self._desk, database, self._metrics, looked=self._signs.looked, spoke=self._signs.spoke),
            noc.routes(self._desk, database),
            reporting.routes(self._desk, database),
            watching.routes(database, registry, self._silences),
            following_up.routes(self._follow_ups, self._surveys, database, clock),
            disputing.routes(self._disputes, database),
            terms_routes(self._terms),
            answering.routes(self._follow_ups, database, clock, key=answer_key),
            escalating.routes(self._escalations, database, registry, clock),
            mass_faults.routes(self._escalations, database, registry),
            reports.routes(Reports(compensation), database, clock),
        ]

    async def start(self) -> None:
        pulse = self._health.pulse("dispatcher-events")
        loop = consume(self._events, self._on_events, pulse, turn_s=TURN_S)
        self._tasks.append(asyncio.create_task(loop, name="dispatcher-events"))
        if self._door is not None:
            self._door.start(self._health)
        self._run("dispatcher-watch", self._look, self._wake)
        self._run("dispatcher-deadlines", self._tick.look, self._due)
        self._run("dispatcher-learning", self._learning.learn_due, Wake(), vital=False)
        await self._measuring.start()

    def _run(self, name: str, work: Callable[[], Awaitable[object]], wake: Wake, *, vital: bool = True) -> None:
        """Without what is not vital the dispatcher is ready all the same."""
        pulse = self._health.pulse(name) if vital else None
        loop = Loop(name, work, wake=wake, every_s=LOOK_EVERY_S, pulse=pulse)
        loop.start()
        self._loops.append(loop)

    async def stop(self) -> None:
        await asyncio.gather(*(loop.stop(STOP_WITHIN_S) for loop in self._loops))
        await self._measuring.stop()
        if self._door is not None:
            await self._door.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._desk.close()
        await self._follow_ups.close()
        await self._escalations.close()
        await self._disputes.close()
        await self._terms.close()
        await self._events.close()
        if self._door is not None:
            await self._door.close()

    async def _on_events(self, events: Sequence[Event]) -> int:
        """Answers about how many tickets something was done: what only tells of orders just issued begins no turn."""
        dispatched = await self._desk.on_events(events)
        self._metrics.dispatched(dispatched)
        await self._queues.on_events(events)
        await self._mass_faults.on_events(events)
        await self._follow_ups.on_events(events)
        await self._disputes.on_events(events)
        return dispatched.tickets

    async def _look(self) -> None:
        signs = self._signs.due()
        await self._silences.record(signs)
        self._signs.written(signs)
        self._metrics.overlooked(await self._overlooked.look_due())
        await self._early_warning.sweep_due()
        await self._follow_ups.look_due()
        await self._surveys.ask_due()
