"""A ticket about to break its target is told to the NOC by the rules as they ship, and so is that it was dealt with."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson

from shared.testing.receiver import Receiver
from tests.centers import House
from tests.registry import KUNMING, NEAR
from tests.waiting import until
from tests.watching import Watch, watched

MINUTE = timedelta(minutes=1)


def told(noc: Receiver, status: str) -> Iterator[dict[str, Any]]:
    """Of tickets that are about to break their target."""
    for hook in noc.hooks:
        for alert in orjson.loads(hook.body)["alerts"]:
            if (alert["labels"]["alertname"], alert["status"]) == ("VrcTicketAboutToBreach", status):
                yield alert


async def has_judged(watch: Watch) -> bool:
    return bool(await watch.ask("vrc:repairs:total"))


async def test_ticket_about_to_breach_reaches_the_noc_until_it_is_restored(embedded: House) -> None:
    ticket = await embedded.accepted(NEAR, KUNMING)
    async with Receiver() as noc, watched(embedded, noc.url) as watch:
        await until(lambda: has_judged(watch))
        assert not noc.hooks
        embedded.clock.advance(91 * MINUTE)  # of the two hours that a diamond account is promised
        await noc.until(lambda: any(told(noc, "firing")), timeout_s=60)
        (alert, *_) = told(noc, "firing")
        assert (alert["labels"]["tier"], alert["labels"]["severity"]) == ("diamond", "page")
        assert alert["annotations"]["summary"].startswith("1 open tickets of tier diamond")
        await embedded.network(KUNMING).restore(ticket)
        await noc.until(lambda: any(told(noc, "resolved")), timeout_s=60)
