"""Finds what differs between the broker and what it should be, and carries it out, one user after the other."""

from collections.abc import Sequence

from services.commands.provision.passwords import Passwords
from services.commands.provision.view import View
from shared.bus.kafka import Access, Admin, administering
from shared.bus.rights import NETWORK_USER, Difference, Found, Holder, difference, network_user, open_to_all
from shared.errors import Refused
from shared.ids import NetworkCode
from shared.settings import Settings


async def provision(
    settings: Settings,
    holders: Sequence[Holder],
    passwords: Passwords,
    *,
    rotate: bool,
    dry_run: bool,
    known: Sequence[NetworkCode] | None,
    view: View,
) -> None:
    """What the broker refuses for one user stops no other. Raises Unavailable: then what was done stays done."""
    assert settings.kafka is not None
    async with administering(settings.kafka, Access.of(settings)) as admin:
        found = await admin.found()
        view.warn(f"everybody {acl}: what is kept apart here is open there" for acl in open_to_all(found))
        if known is not None:
            view.warn(f"{user} is the user of no local network; it was left alone" for user in _strays(found, known))
        for holder in holders:
            view.begin(holder.user)
            change = difference(holder, found, rotate=rotate, unfinished=passwords.unfinished(holder.user))
            try:
                if change and not dry_run:
                    await _carry_out(admin, change, passwords, replication=settings.kafka_replication)
            except Refused as error:
                view.refused(holder.user, str(error))
            else:
                view.done(change)


def _strays(found: Found, known: Sequence[NetworkCode]) -> list[str]:
    """Users of local networks that are no more."""
    ours = {network_user(code) for code in known}
    return sorted(user for user in found.users if user.startswith(NETWORK_USER) and user not in ours)


async def _carry_out(admin: Admin, change: Difference, passwords: Passwords, *, replication: int) -> None:
    """Rights go before others come, and the password comes last: nobody ever has more than they should."""
    user = change.holder.user
    if change.topics:
        await admin.create_topics(change.topics, replication=replication)
    if change.revoke:
        await admin.revoke(change.revoke)
    if change.forget:
        await admin.forget_passwords(user, change.forget)
    if change.grant:
        await admin.grant(change.grant)
    if change.password != "kept":
        await admin.set_password(user, passwords.begin(user))
        passwords.keep(user)
