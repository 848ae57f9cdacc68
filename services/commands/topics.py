"""`vrc topics`: create the topics that are missing, and no others. `vrc up` does it too when it starts on Kafka."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from services.commands.itself import itself
from services.commands.options import settings_from, settings_options
from shared.contracts.topics import TICKETS, orders_topic, progress_topic
from shared.errors import CenterError, Unavailable
from shared.ids import NetworkCode
from shared.settings import Settings

log = logging.getLogger(__name__)


def add_to(group: click.Group) -> None:
    @group.command()
    @settings_options
    def topics(config: Path | None, **flags: Any) -> None:
        """Create the Kafka topics of the center and of every local network in its registry; harmless to repeat."""
        settings = settings_from(config, flags)
        if settings.kafka is None:
            raise click.ClickException("kafka: set it; without Kafka there are no topics.")
        try:
            created, all_ = asyncio.run(_create(settings))
        except (CenterError, OSError) as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{created} topics created, {all_ - created} were there already.")


def wanted(settings: Settings, networks: Iterable[NetworkCode]) -> dict[str, int]:
    """Topic → partitions. A network's are read by one center each, so one partition keeps everything in order."""
    topics = {TICKETS: settings.kafka_partitions}
    for network in networks:
        topics |= {orders_topic(network): 1, progress_topic(network): 1}
    return topics


async def create_topics(settings: Settings, networks: Iterable[NetworkCode]) -> int:
    """How many were missing. Raises Unavailable."""
    from shared.bus.kafka import Access, ensure_topics

    assert settings.kafka is not None
    topics, access = wanted(settings, networks), Access.of(settings)
    return await ensure_topics(settings.kafka, topics, replication=settings.kafka_replication, access=access)


async def _create(settings: Settings) -> tuple[int, int]:
    networks = await known_networks(settings)
    return await create_topics(settings, networks), len(wanted(settings, networks))


async def prepare_topics(settings: Settings) -> None:
    """At the start of `vrc up`; a broker that is away does not stop intake, so it does not stop the start."""
    if settings.kafka is None:
        return
    try:
        await create_topics(settings, await known_networks(settings))
    except Unavailable as error:
        log.warning("topics were not created (%s); run %s when the broker is back", error, itself("topics"))


async def known_networks(settings: Settings) -> list[NetworkCode]:
    from services.run import open_database
    from shared.registry.following import loaded

    database = open_database(settings)
    try:
        return [network.code for network in (await loaded(database)).networks]
    finally:
        await database.close()
