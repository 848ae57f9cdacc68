"""The composition root: one center, or a part of it, from settings. Tests build theirs here too."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from services.auditing import Auditing
from shared import answer_link
from shared.audit.signing import Signer
from shared.auth import master
from shared.auth.desk import KeyDesk
from shared.auth.keyring import Keyring
from shared.auth.keys import Mint
from shared.auth.permissions import ROLES
from shared.bus.metrics import BusMetrics, RelayMetrics
from shared.bus.port import Events, Inbound
from shared.clock import Clock, SystemClock
from shared.contracts.topics import PROGRESS_PATTERN
from shared.db.port import Database
from shared.db.standing import MEANING, standing
from shared.db.version import newest, version
from shared.errors import CenterError, LoginRefused, Unavailable
from shared.health import Health
from shared.metrics import Metrics
from shared.operators.config import BadConfig, Config, config_of
from shared.operators.service import OperatorsDoor
from shared.registry.following import Filling, Follower
from shared.registry.readers import Readers
from shared.registry.store import Registry
from shared.secrets import BadMasterKey, Secrets
from shared.secrets import make as make_master_key
from shared.settings import Settings
from shared.tickets.policy_file import read_policies
from shared.tickets.targets import Policies
from shared.web.access import AccessLog
from shared.web.address import named
from shared.web.app import layered, make_app
from shared.web.authentication import Authenticator
from shared.web.by_key import ByKey
from shared.web.keys import key_routes
from shared.web.rates import Limited, Limits, Rate
from shared.web.refusals import Refusals

if TYPE_CHECKING:
    from services.dispatcher.escalation.rules import EscalationRules
    from services.dispatcher.follow_up.rules import FollowUpRules
    from services.dispatcher.noc.rules import Rules
    from services.dispatcher.over_kafka import Wire
    from services.dispatcher.reports.compensation import Rules as CompensationRules
    from services.notifier.service import NotifierService
    from shared.bus.embedded import Tail
    from shared.bus.kafka import Access, KafkaPublisher
    from shared.db.sqlite import SqliteReader

log = logging.getLogger(__name__)
STARTS_WITHIN_S = 30
ServiceName = Literal["intake", "dispatcher", "notifier"]
T = TypeVar("T")
ANOTHER_KEY = (
    "and this database was made under one that it needs: name the file of that key with --master-key, or put its copy "
    "there. If it is lost or is to be changed: docs/operations/security.md, Another master key."
)
ALL: tuple[ServiceName, ...] = ("intake", "dispatcher", "notifier")


class BadSettings(Exception):
    """The settings do not make a center; says which to change."""


class Service(Protocol):
    routers: list[APIRouter]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Center:
    """A running center: `app` is its HTTP door with all layers, `api` the FastAPI application inside."""

    settings: Settings
    clock: Clock
    database: Database
    registry: Registry
    keyring: Keyring
    follower: Follower
    key_follower: Follower
    metrics: Metrics
    health: Health
    api: FastAPI
    app: ASGIApp
    notifier: "NotifierService | None"
    refusals: Refusals

    def end_streams(self) -> None:
        """Before the listeners close: an open stream would hold them."""
        if self.notifier is not None:
            self.notifier.end_streams()


@asynccontextmanager
async def center(
    settings: Settings, *, services: Collection[ServiceName] = ALL, clock: Clock | None = None
) -> AsyncIterator[Center]:
    """Everything but the listeners. Raises BadSettings, AlreadyRunning, Unavailable, OSError (a file)."""
    _check(settings)
    clock = clock or SystemClock()
    policies = _policies(settings, clock)
    operators_config = _operators(settings)
    metrics, health = Metrics(), Health()
    database = open_database(settings)
    try:
        if not settings.embedded:  # `vrc up` migrates first
            await _when_it_answers(lambda: require_schema(database))
        secrets = await _when_it_answers(lambda: secrets_for(settings, database))
        registry, mint = Registry(database), Mint(settings.environment, secrets)
        keyring = Keyring(database, mint, clock, readable_by=registry.readable_by)
        follower = Follower(database, Filling(database, registry), keyring)
        key_follower = Follower(database, keyring)  # its own: a large registry takes long to read
        await _when_it_answers(follower.refresh)
        await _look_at_second_wall(database, metrics)
        parts = _Parts(settings, clock, database, registry, metrics, health, policies, secrets)
        refusals = Refusals(database, clock, named(settings.trusted_proxies))
        signer, keeps = Signer(secrets.derive("audit")), "dispatcher" in services
        auditing = Auditing(database, clock, signer, refusals, keeps=keeps, metrics=metrics, health=health)
        running = [*(parts.service(name) for name in services), *parts.tracking(secrets), auditing]
        routers = [router for service in running for router in service.routers]
        if "intake" in services:
            routers.append(key_routes(KeyDesk(database, mint, clock, keyring), database, clock))
        operators = OperatorsDoor(operators_config, database, clock, metrics)
        routers.append(operators.router)
        limits, trusted = _limits(settings, clock, metrics), settings.trusted_proxies
        ways = [Limited(limits, ByKey(keyring), *parts.doors, *operators.authenticators, trusted_proxies=trusted)]
        webhooks = parts.notifier.webhooks if parts.notifier else tuple
        api = make_app(routers, authenticators=ways, health=health, trusted_proxies=trusted, webhooks=webhooks)
        access_log = AccessLog() if settings.access_log else None
        app = layered(api, metrics=metrics, access_log=access_log, answered=refusals.note)
        loops = [follower.run(), key_follower.run(), keyring.run(), *parts.loops(services)]
        async with _running(running, loops), aclosing(operators):
            yield Center(
                settings, clock, database, registry, keyring, follower, key_follower, metrics, health, api, app,
                parts.notifier, refusals,
            )  # fmt: skip
        await keyring.record_use()
    finally:
        await database.close()


async def _when_it_answers(step: Callable[[], Awaitable[T]]) -> T:
    """A database that is still starting, or busy, is waited for: half a minute. Raises Unavailable, BadSettings."""
    for _ in range(STARTS_WITHIN_S):
        try:
            return await step()
        except LoginRefused as error:
            raise BadSettings(f"database: PostgreSQL does not let the center in: {error.why}") from None
        except Unavailable as error:
            log.warning("waiting for the database: %s", error)
            await asyncio.sleep(1)
    return await step()


async def require_schema(database: "Database | SqliteReader") -> None:
    """Raises BadSettings. A newer schema is that of a version which is being rolled out."""
    there, wanted = await version(database), newest()
    if there is None:
        raise BadSettings("database: it is empty; make its tables with: vrc migrate")
    if there < wanted:
        raise BadSettings(f"database: it is at version {there}, this program needs {wanted}; run: vrc migrate")
    if there > wanted:
        log.warning("the database is at version %s, newer than this program, which knows %s", there, wanted)


async def _look_at_second_wall(database: Database, metrics: Metrics) -> None:
    """Raises BadSettings for a login that no wall binds; an owner is warned: one DSN for all is simple, and weaker."""
    found = await standing(database)
    wall = metrics.gauge("vrc_second_wall", "1: PostgreSQL itself keeps tenants apart, whatever the services do.")
    wall.set(found == "stands")
    if found == "bypassed":
        raise BadSettings(f"database: {MEANING[found]}")
    if found == "owner":
        log.warning("second wall: %s", MEANING[found])


def _limits(settings: Settings, clock: Clock, metrics: Metrics) -> Limits:
    given = settings.model_dump()
    rates = {who: Rate(who, given[f"burst_{who}"], given[f"rate_{who}"]) for who in (*ROLES, "unknown")}
    limited = {who: rate for who, rate in rates.items() if rate.per_s}
    return Limits(clock, metrics, {role: limited[role] for role in ROLES if role in limited}, limited.get("unknown"))


def open_database(settings: Settings) -> Database:
    """SQLite or PostgreSQL; the driver is imported only where it is used. Raises BadSettings, AlreadyRunning."""
    patience_s = settings.database_patience.total_seconds()
    if settings.database is None:
        from shared.db.sqlite import SqliteDatabase

        try:
            return SqliteDatabase(settings.sqlite_path, patience_s=patience_s)
        except OSError as error:
            raise unusable(settings, error) from None
    from shared.db.postgres import PostgresDatabase

    return PostgresDatabase(settings.database, patience_s=patience_s)


def unusable(settings: Settings, error: OSError) -> BadSettings:
    """What to say when the data directory can't be had."""
    no_folder = isinstance(error, FileExistsError | NotADirectoryError)
    why = "is no folder" if no_folder else f"can't be used ({error.filename}: {error.strerror})"
    return BadSettings(f"data_dir: {settings.data_dir} {why}; name a folder that you may write in, with --data-dir")


def open_secrets(settings: Settings) -> Secrets:
    """From the master key's file. Raises BadSettings."""
    if settings.master_key is None and not settings.embedded:
        raise BadSettings(
            "master_key: name the file of the master key, the same for all processes of this center; "
            "make it once with: vrc secret FILE"
        )
    try:
        return Secrets.read(settings.master_key_path)
    except BadMasterKey as error:
        raise BadSettings(f"master_key: {error}") from None


async def secrets_for(settings: Settings, database: Database) -> Secrets:
    """Those that this database is under; the embedded center makes its master key at the first start.

    Raises BadSettings when the key is missing or another one: every key, secret and link of before would be void.
    """
    path = settings.master_key_path
    if settings.embedded and not path.exists():
        if await master.has_one(database):
            raise BadSettings(f"master_key: there is no file {path}, {ANOTHER_KEY}")
        make_master_key(path)
    secrets = open_secrets(settings)
    if not await master.is_under(database, secrets):
        raise BadSettings(f"master_key: {path} holds another key, {ANOTHER_KEY}")
    return secrets


def settle() -> None:
    """Keep what lives for ever out of the garbage collector's way: p99 at 64 clients fell from 25 to 10 ms.

    And let threads take turns sooner: SQLite's writer and the event loop waited up to 5 ms for each other.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(0.001)


def _check(settings: Settings) -> None:
    if (settings.database is None) != (settings.kafka is None):
        raise BadSettings("database and kafka go together: set both, or neither for the embedded center")
    if settings.kafka is not None and (access := _access(settings)) is not None:
        access.arguments()  # a file that is missing is said now, not by each client for ever
    if not settings.embedded:
        open_secrets(settings)  # before a database that is away is waited for


def _access(settings: Settings) -> "Access | None":
    from shared.bus.kafka import Access

    return Access.of(settings)


def _operators(settings: Settings) -> Config:
    try:
        return config_of(settings)
    except BadConfig as error:
        raise BadSettings(str(error)) from None


def _from_file(setting: str, read: Callable[[], T]) -> T:
    """What the file of a setting says."""
    try:
        return read()
    except (ValueError, OSError) as error:
        raise BadSettings(f"{setting}: {error}") from None


def _policies(settings: Settings, clock: Clock) -> Policies:
    found = _from_file("sla_policy", lambda: read_policies(settings.sla_policy))
    for remark in found.remarks(clock.now()):
        log.warning("sla_policy: %s", remark)
    return found


def _rules(settings: Settings) -> "Rules":
    from services.dispatcher.noc.rules import read_rules

    return _from_file("early_warning", lambda: read_rules(settings.early_warning))


def _follow_up(settings: Settings) -> "FollowUpRules":
    from services.dispatcher.follow_up.rules import read_follow_up

    return _from_file("follow_up", lambda: read_follow_up(settings.follow_up))


def _escalation(settings: Settings, policies: Policies) -> "EscalationRules":
    from services.dispatcher.escalation.rules import read_escalation

    tiers = dict.fromkeys(tier for policy in policies.versions for tier in policy.tiers)
    return _from_file("escalation", lambda: read_escalation(settings.escalation, tiers=tiers))


def _compensation(settings: Settings) -> "CompensationRules":
    from services.dispatcher.reports.rules_file import read_compensation

    return _from_file("compensation", lambda: read_compensation(settings.compensation))


class _Parts:
    """Makes each service with what it needs."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        database: Database,
        registry: Registry,
        metrics: Metrics,
        health: Health,
        policies: Policies,
        secrets: Secrets,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._database = database
        self._registry = registry
        self._metrics = metrics
        self._health = health
        self._secrets = secrets
        self._policies = policies
        self.notifier: NotifierService | None = None
        self.doors: list[Authenticator] = []
        self._consumers: dict[str, Events | Inbound] = {}
        BusMetrics(metrics, health, self._consumers)

    def service(self, name: ServiceName) -> Service:
        match name:
            case "intake":
                from services.intake.service import IntakeService

                return IntakeService(
                    self._database, self._registry, self._clock, policies=self._policies, metrics=self._metrics,
                    signer=Signer(self._secrets.derive("audit")), joins_an_hour=self._settings.reports_per_circuit,
                )  # fmt: skip
            case "dispatcher":
                from services.dispatcher.service import DispatcherService

                return DispatcherService(
                    self._database, self._registry, self._clock, events=self._events("dispatcher"),
                    wire=self._wire(), measured=self._events("dispatcher-measures"),
                    policies=self._policies, rules=_rules(self._settings),
                    escalation=_escalation(self._settings, self._policies),
                    compensation=_compensation(self._settings), follow_up=_follow_up(self._settings),
                    answer_key=self._secrets.derive(answer_link.PURPOSE),
                    metrics=self._metrics, health=self._health,
                )  # fmt: skip
            case "notifier":
                from services.notifier.service import NotifierService

                self.notifier = NotifierService(
                    self._database, self._clock, events=self._events("notifier"), readers=Readers(self._registry).of,
                    names=self._registry.network, secrets=self._secrets, settings=self._settings, metrics=self._metrics,
                    health=self._health,
                )  # fmt: skip
                return self.notifier

    def tracking(self, secrets: Secrets) -> Sequence[Service]:
        """Tracking links, where live streams are."""
        if self.notifier is None:
            return ()
        from services.notifier.tracking.links import LinkMint
        from services.notifier.tracking.service import Tracking

        mint = LinkMint(self._settings.environment, secrets)
        tracking = Tracking(
            self._database, self._clock, hub=self.notifier.hub, mint=mint, names=self._registry.network,
            public_url=self._settings.public_url, health=self._health,
        )  # fmt: skip
        self.doors.append(tracking.door)
        return (tracking,)

    def loops(self, services: Collection[ServiceName]) -> Sequence[Awaitable[None]]:
        """The relay runs wherever the log is written."""
        if self._settings.kafka is None or not {"intake", "dispatcher"} & set(services):
            return []
        from shared.bus.relay import Relay
        from shared.db.postgres import PostgresDatabase

        assert isinstance(self._database, PostgresDatabase)
        publisher = self._publisher()
        assert publisher is not None
        relay = Relay(self._database, publisher, self._clock, self._health.pulse("relay"))
        RelayMetrics(self._metrics, relay, self._database, self._clock)

        async def run() -> None:
            try:
                await relay.run()
            finally:
                await publisher.close()

        return [run()]

    def _events(self, consumer: str) -> Events:
        self._consumers[consumer] = events = self._made_events(consumer)
        return events

    def _made_events(self, consumer: str) -> Events:
        if self._settings.kafka is None:
            from shared.bus.embedded import EmbeddedEvents

            return EmbeddedEvents(self._database, consumer, self._tail)
        from shared.bus.kafka import KafkaEvents

        return KafkaEvents(
            self._settings.kafka, group=f"vrc-{consumer}", instance=self._instance(consumer),
            access=_access(self._settings),
        )  # fmt: skip

    @cached_property
    def _tail(self) -> "Tail":
        from shared.bus.embedded import Tail

        return Tail(self._database)

    def _wire(self) -> "Wire | None":
        if (publisher := self._publisher()) is None:
            return None
        assert self._settings.kafka is not None
        from services.dispatcher.over_kafka import Wire
        from shared.bus.kafka import KafkaInbound

        self._consumers["dispatcher-progress"] = inbound = KafkaInbound(
            self._settings.kafka, group="vrc-dispatcher-progress", pattern=PROGRESS_PATTERN,
            instance=self._instance("progress"), access=_access(self._settings),
        )  # fmt: skip
        return Wire(inbound, publisher)

    def _publisher(self) -> "KafkaPublisher | None":
        """One of its own for whoever publishes: it connects when it is first used."""
        if self._settings.kafka is None:
            return None
        from shared.bus.kafka import KafkaPublisher

        return KafkaPublisher(
            self._settings.kafka, replication=self._settings.kafka_replication, access=_access(self._settings)
        )

    def _instance(self, what: str) -> str | None:
        return self._settings.instance and f"{self._settings.instance}-{what}"


@asynccontextmanager
async def _running(services: Sequence[Service], loops: Sequence[Awaitable[None]]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        for service in services:
            await service.start()
        yield
    finally:
        for service in services:
            try:
                await service.stop()
            except CenterError as error:
                log.warning("%s did not stop cleanly: %s", type(service).__name__, error)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
