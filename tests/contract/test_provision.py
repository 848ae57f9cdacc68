"""`vrc networks provision` makes what is missing, takes away what is too much, and leaves the rest alone."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from services.commands.provision.passwords import Passwords
from services.commands.provision.steps import provision
from services.commands.provision.view import View
from shared.bus import rights as r
from shared.bus.kafka import Admin, administering
from shared.contracts.topics import TICKETS, orders_topic, progress_topic
from shared.errors import Refused, Unavailable
from shared.ids import NetworkCode
from tests.locked import Locked
from tests.registry import BEIJING, CHUXIONG, DALI, SHENZHEN
from tests.waiting import until

USER = f"network-{DALI}"


@pytest.fixture
async def admin(locked: Locked) -> AsyncIterator[Admin]:
    async with administering(locked.kafka.bootstrap, locked.kafka.admin) as admin:
        yield admin


def may(user: str, operation: int, topic: str, **more: Any) -> r.Acl:
    return r.Acl(f"User:{user}", r.TOPIC, topic, r.LITERAL, operation, **more)


async def held(admin: Admin, user: str) -> set[r.Acl]:
    return {acl for acl in await admin.acls() if acl.principal == f"User:{user}"}


async def change(admin: Admin, user: str, *, grant: set[r.Acl], revoke: set[r.Acl]) -> None:
    """Returns when the broker knows it."""
    wanted = (await held(admin, user) | grant) - revoke
    if grant:
        await admin.grant(grant)
    if revoke:
        await admin.revoke(revoke)
    await until(lambda: holds(admin, user, wanted))


async def holds(admin: Admin, user: str, wanted: set[r.Acl]) -> bool:
    return await held(admin, user) == wanted


async def test_run_that_finds_everything_in_place_changes_nothing(locked: Locked) -> None:
    before = await locked.found()
    answer = await locked.vrc("networks", "provision", "--all")
    assert answer.output == "7 users: 0 changed, 7 as they should be.\n"
    assert await locked.found() == before


async def test_each_network_has_its_rights_and_no_other(locked: Locked) -> None:
    found = await locked.found()
    for code in (BEIJING, CHUXIONG, DALI, SHENZHEN):
        rights = {acl for acl in found.acls if acl.principal == f"User:network-{code}"}
        assert {(acl.resource, acl.operation, acl.name, acl.pattern) for acl in rights} == {
            (r.TOPIC, r.READ, f"vrc.orders.{code}", r.LITERAL),
            (r.TOPIC, r.WRITE, f"vrc.progress.{code}", r.LITERAL),
            (r.GROUP, r.READ, f"network-{code}.", r.PREFIXED),
        }
        assert found.users[f"network-{code}"] == {r.SCRAM_SHA_512}


async def test_new_network_gets_topics_rights_and_a_password_after_a_dry_run_that_shows_them(locked: Locked) -> None:
    await locked.forget(r.of_network(DALI))
    await until(lambda: is_gone(locked, USER))
    shown = await locked.vrc("networks", "provision", DALI, "--dry-run")
    assert USER not in (await locked.found()).users
    assert not locked.access(USER).password_file.exists()
    answer = await locked.vrc("networks", "provision", DALI)
    expected = [
        f"+ topic vrc.orders.{DALI}", f"+ topic vrc.progress.{DALI}", f"+ {USER} may read topic vrc.orders.{DALI}",
        f"+ {USER} may write topic vrc.progress.{DALI}", f"+ {USER} may read group {USER}.*", f"+ user {USER}",
    ]  # fmt: skip
    assert shown.output.splitlines() == [*expected, "1 users: 1 would change, 0 as they should be."]
    assert answer.output.splitlines()[: len(expected)] == expected
    await until(lambda: can_speak(locked, USER, progress_topic(DALI)), timeout_s=30)


async def is_gone(locked: Locked, user: str) -> bool:
    found = await locked.found()
    return user not in found.users and not {orders_topic(DALI), progress_topic(DALI)} & found.topics


async def can_speak(locked: Locked, user: str, topic: str) -> bool:
    try:
        await locked.client(user).send(topic)
    except (KafkaConnectionError, TopicAuthorizationFailedError):  # the broker hears of it a moment later
        return False
    return True


async def test_right_that_was_lost_comes_back(locked: Locked, admin: Admin) -> None:
    lost = may(USER, r.READ, orders_topic(DALI))
    await change(admin, USER, grant=set(), revoke={lost})
    answer = await locked.vrc("networks", "provision", "--all")
    assert answer.output == f"+ {USER} {lost}\n7 users: 1 changed, 6 as they should be.\n"
    await until(lambda: holds(admin, USER, set(r.of_network(DALI).rights)))


async def test_right_that_is_too_much_goes(locked: Locked, admin: Admin) -> None:
    surplus = {
        may(USER, r.READ, orders_topic(BEIJING)),
        may(USER, r.READ, orders_topic(DALI), host="10.0.0.1"),
        may(USER, r.WRITE, progress_topic(DALI), permission=r.DENY),
        r.Acl(f"User:{USER}", r.GROUP, "vrc-", r.PREFIXED, r.READ),
        r.Acl(f"User:{USER}", 4, "kafka-cluster", r.LITERAL, 7),
    }
    await change(admin, USER, grant=surplus, revoke=set())
    await locked.client("vrc-dispatcher").send(orders_topic(BEIJING))
    await locked.client(USER).read_alone(orders_topic(BEIJING))
    answer = await locked.vrc("networks", "provision", DALI)
    assert sorted(answer.output.splitlines()[:-1]) == sorted(f"- {USER} {acl}" for acl in surplus)
    await until(lambda: holds(admin, USER, set(r.of_network(DALI).rights)))
    with pytest.raises(TopicAuthorizationFailedError):
        await locked.client(USER).read_alone(orders_topic(BEIJING))


async def test_rights_of_others_are_left_alone(locked: Locked, admin: Admin) -> None:
    others = may("reporting", r.READ, TICKETS)
    await change(admin, "reporting", grant={others}, revoke=set())
    await locked.vrc("networks", "provision", "--all")
    assert await held(admin, "reporting") == {others}
    await change(admin, "reporting", grant=set(), revoke={others})


async def test_password_is_kept_until_it_is_rotated_and_then_the_old_one_ends(locked: Locked, tmp_path: Path) -> None:
    client = locked.client(USER)
    old = client.access.password_file.read_text()
    await locked.vrc("networks", "provision", DALI)
    assert client.access.password_file.read_text() == old
    answer = await locked.vrc("networks", "provision", DALI, "--rotate")
    assert answer.output.startswith(f"+ new password of {USER}\n1 users: 1 changed")
    await until(lambda: can_speak(locked, USER, progress_topic(DALI)))
    client.access.password_file.write_text(old)
    with pytest.raises(KafkaConnectionError):
        await client.send(progress_topic(DALI))
    await locked.vrc("networks", "provision", DALI, "--rotate")


async def test_password_for_a_mechanism_nobody_looks_after_ends(locked: Locked, admin: Admin) -> None:
    await set_sha_256(admin, USER)
    await until(lambda: knows(locked, USER, {1, 2}))
    answer = await locked.vrc("networks", "provision", DALI)
    assert answer.output.startswith(f"- password of {USER} for SCRAM-SHA-256\n")
    await until(lambda: knows(locked, USER, {2}))


async def set_sha_256(admin: Admin, user: str) -> None:
    from shared.bus.kafka.requests import AlterScramUsers

    await admin._alter_users(AlterScramUsers(set_to=[(user, 1, 4096, b"salt" * 8, b"x" * 32)]))


async def knows(locked: Locked, user: str, mechanisms: set[int]) -> bool:
    return (await locked.found()).users[user] == mechanisms


async def test_passwords_are_for_their_owner_only_and_shown_nowhere(locked: Locked) -> None:
    answer = await locked.vrc("networks", "provision", "--all", "--rotate")
    assert answer.output.endswith(f"New passwords are in {locked.passwords}, one file a user, for you only.\n")
    files = list(locked.passwords.glob("network-*"))
    assert [file.suffix for file in files] == [".password"] * 7
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert locked.passwords.stat().st_mode & 0o777 == 0o700
    secrets = {file.read_text() for file in files}
    assert len(secrets) == 7
    assert not [secret for secret in secrets if secret in answer.output]


async def test_run_that_was_killed_between_file_and_broker_is_finished_by_the_next(locked: Locked) -> None:
    unfinished = locked.passwords / f"{USER}.password.new"
    unfinished.touch(0o600)
    unfinished.write_text("made-and-perhaps-not-set")
    answer = await locked.vrc("networks", "provision", "--all")
    assert answer.output.startswith(f"+ password of {USER}, begun earlier\n7 users: 1 changed")
    assert locked.access(USER).password_file.read_text() == "made-and-perhaps-not-set"
    assert not unfinished.exists()
    await until(lambda: can_speak(locked, USER, progress_topic(DALI)))
    await locked.vrc("networks", "provision", DALI, "--rotate")


async def test_network_that_fails_stops_no_other_and_is_named(locked: Locked, admin: Admin) -> None:
    await locked.forget(r.of_network(DALI))
    await until(lambda: is_gone(locked, USER))
    later = f"network-{max(BEIJING, CHUXIONG, DALI, SHENZHEN)}"
    await change(admin, later, grant=set(), revoke=set(r.of_network(NetworkCode(later[8:])).rights))
    answer = await locked.vrc("networks", "provision", "--all", kafka_replication=3)
    assert answer.exit_code == 1
    assert f"{USER}: The broker did not create the topic vrc.orders.{DALI}: InvalidReplicationFactor" in answer.output
    assert "6 of 7 users are as they should be; run the same command again" in answer.output
    await until(lambda: holds(admin, later, set(r.of_network(NetworkCode(later[8:])).rights)))
    again = await locked.vrc("networks", "provision", "--all")
    assert "7 users: 1 changed, 6 as they should be." in again.output


class Fatal(Passwords):
    """The broker dies as the third password is made."""

    def __init__(self, locked: Locked) -> None:
        super().__init__(locked.passwords)
        self._kafka = locked.kafka
        self._made = 0

    def begin(self, user: str) -> str:
        self._made += 1
        if self._made == 3:
            self._kafka.kill()
        return super().begin(user)


async def test_what_was_done_before_the_broker_died_stays_done(locked: Locked) -> None:
    holders = [r.of_network(code) for code in (BEIJING, CHUXIONG, DALI, SHENZHEN)]
    view = View(len(holders), dry_run=False, folder=locked.passwords)
    settings, known = locked.settings("admin", "postgresql://any"), [BEIJING]
    try:
        with pytest.raises(Unavailable), view:
            await provision(settings, holders, Fatal(locked), rotate=True, dry_run=False, known=known, view=view)
    finally:
        await asyncio.to_thread(locked.kafka.start)
    assert view.how_far() == (
        f"Stopped at {USER}.\n2 of 4 users are as they should be; run the same command again for the others."
    )
    again = await locked.vrc("networks", "provision", "--all")
    assert again.output.startswith(f"+ password of {USER}, begun earlier\n7 users: 1 changed")
    for user in (f"network-{BEIJING}", USER):
        await until(lambda user=user: can_speak(locked, user, progress_topic(NetworkCode(user[8:]))))


async def test_broker_that_does_not_answer_is_said(locked: Locked) -> None:
    answer = await locked.vrc("networks", "provision", "--all", kafka="127.0.0.1:9")
    assert answer.exit_code == 1
    assert "does not answer, or refuses the user admin" in answer.output
    assert "0 of 7 users are as they should be" in answer.output


async def test_only_an_administrator_provisions(locked: Locked) -> None:
    answer = await locked.vrc(
        "networks", "provision", "--all", kafka_user=USER, kafka_password_file=locked.access(USER).password_file
    )
    assert answer.exit_code == 1
    assert "The broker does not let this user administer it" in answer.output


async def test_user_that_may_not_create_topics_is_told_who_makes_them(locked: Locked) -> None:
    access = locked.access("vrc-intake")
    answer = await locked.vrc("topics", kafka_user=access.user, kafka_password_file=access.password_file)
    assert answer.exit_code == 1
    assert re.search("does not let this user create the topic vrc.progress.0.*vrc networks provision", answer.output)


async def test_registry_without_networks_is_told_to_be_filled_first(
    locked: Locked, sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copy(sqlite_template, tmp_path)
    answer = await locked.vrc("networks", "provision", "--all", data_dir=tmp_path)
    assert answer.exit_code == 1
    assert answer.output == "Error: The registry has no local networks. Bring them in first: vrc registry import.\n"


async def test_network_that_is_not_in_the_registry_is_not_made(locked: Locked) -> None:
    answer = await locked.vrc("networks", "provision", DALI, "0999")
    assert (answer.exit_code, answer.output) == (1, "Error: No local network of the registry: 0999.\n")


async def test_what_undoes_the_separation_is_pointed_out(locked: Locked, admin: Admin) -> None:
    everybody = may("*", r.READ, TICKETS)
    await change(admin, "*", grant={everybody}, revoke=set())
    await admin.set_password("network-0999", "of a network that is no more")
    await until(lambda: is_known(locked, "network-0999"))
    answer = await locked.vrc("networks", "provision", "--all")
    assert "Warning: everybody may read topic vrc.tickets" in answer.output
    assert "Warning: network-0999 is the user of no local network; it was left alone" in answer.output
    await change(admin, "*", grant=set(), revoke={everybody})
    await admin.forget_passwords("network-0999", [2])


async def is_known(locked: Locked, user: str) -> bool:
    return user in (await locked.found()).users


async def test_services_are_provisioned_once(locked: Locked) -> None:
    answer = await locked.vrc("services", "provision")
    assert answer.output == "3 users: 0 changed, 3 as they should be.\n"


async def test_broker_without_an_authorizer_is_not_taken_for_a_locked_one(locked: Locked, bus_broker: str) -> None:
    async with administering(bus_broker) as admin:
        with pytest.raises(Refused, match="without one everybody may do everything"):
            await admin.acls()


def test_area_codes_or_all_must_be_said(locked: Locked) -> None:
    answer = locked.run("networks", "provision")
    assert answer.exit_code == 2
    assert re.search("Name area codes, or say --all", answer.output)
