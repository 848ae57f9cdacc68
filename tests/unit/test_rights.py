"""Who may do what on the broker is a value, and so is the way from what was found there."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.bus import rights as r
from shared.ids import NetworkCode

CHUXIONG, BEIJING = NetworkCode("0878"), NetworkCode("010")
HOLDER = r.of_network(CHUXIONG)
AS_IT_SHOULD_BE = r.Found(frozenset(HOLDER.topics), {HOLDER.user: frozenset({r.SCRAM_SHA_512})}, HOLDER.rights)
ACLS = some.builds(
    r.Acl, some.sampled_from([f"User:{HOLDER.user}", "User:other"]), some.integers(2, 7),
    some.sampled_from([*HOLDER.topics, "vrc.", "*"]), some.sampled_from([3, 4]), some.integers(2, 15),
    some.sampled_from([2, 3]), some.sampled_from(["*", "10.0.0.1"]),
)  # fmt: skip


def change(found: r.Found, *, rotate: bool = False, unfinished: bool = False) -> r.Difference:
    return r.difference(HOLDER, found, rotate=rotate, unfinished=unfinished)


def test_nothing_differs_from_itself() -> None:
    assert not change(AS_IT_SHOULD_BE)
    assert change(AS_IT_SHOULD_BE).lines() == []


@given(some.frozensets(ACLS), some.frozensets(some.sampled_from([*HOLDER.topics])))
def test_what_was_found_and_the_difference_make_what_should_be(acls: frozenset[r.Acl], topics: frozenset[str]) -> None:
    difference = change(r.Found(topics, {}, acls))
    mine = {acl for acl in acls if acl.principal == "User:network-0878"}
    assert (mine - difference.revoke) | difference.grant == HOLDER.rights
    assert difference.revoke <= mine
    assert topics | difference.topics.keys() == HOLDER.topics.keys()


@pytest.mark.parametrize(
    ("mechanisms", "asked", "password", "forget"),
    [
        ({2}, {}, "kept", set()),
        ({2}, {"rotate": True}, "rotated", set()),
        (set(), {}, "new user", set()),
        (set(), {"rotate": True}, "new user", set()),
        ({1}, {}, "new user", {1}),
        ({1, 2}, {}, "kept", {1}),
        ({2}, {"unfinished": True}, "unfinished", set()),
    ],
)
def test_password_is_made_when_there_is_none_or_when_it_is_asked_for(
    mechanisms: set[int], asked: dict[str, bool], password: str, forget: set[int]
) -> None:
    found = replace(AS_IT_SHOULD_BE, users={HOLDER.user: frozenset(mechanisms)})
    assert (change(found, **asked).password, change(found, **asked).forget) == (password, forget)


def test_two_networks_share_no_right() -> None:
    def what(network: NetworkCode) -> set[tuple[int, str]]:
        return {(acl.resource, acl.name) for acl in r.of_network(network).rights}

    assert not what(CHUXIONG) & what(BEIJING)
    (group,) = [acl.name for acl in r.of_network(BEIJING).rights if acl.pattern == r.PREFIXED]
    assert not "network-0100.center".startswith(group)


def test_center_in_one_process_may_do_what_the_three_may() -> None:
    def what(name: r.ServiceUser) -> set[r.Acl]:
        return {replace(acl, principal="User:any") for acl in r.of_service(name, partitions=1).rights}

    assert what("center") == what("intake") | what("dispatcher") | what("notifier")
    assert not [acl for acl in what("center") if acl.name.startswith("vrc.progress") and acl.operation != r.READ]


@pytest.mark.parametrize(
    ("name", "pattern", "is_open"),
    [
        ("vrc.orders.010", r.LITERAL, True), ("*", r.LITERAL, True), ("vrc.tickets", r.LITERAL, True),
        ("vrc.", r.PREFIXED, True), ("vrc.orders.01", r.PREFIXED, True), ("billing", r.LITERAL, False),
        ("billing.", r.PREFIXED, False),
    ],
)  # fmt: skip
def test_topic_that_is_open_to_everybody_is_noticed(name: str, pattern: int, is_open: bool) -> None:
    acl = r.Acl("User:*", r.TOPIC, name, pattern, r.READ)
    others = {replace(acl, principal="User:other"), replace(acl, permission=r.DENY), replace(acl, resource=r.GROUP)}
    assert r.open_to_all(r.Found(frozenset(), {}, frozenset({acl, *others}))) == ([acl] if is_open else [])


def test_right_of_a_kind_unknown_here_has_words_too() -> None:
    assert str(r.Acl("User:a", 99, "x", r.LITERAL, 77, r.DENY, "10.0.0.1")) == (
        "must not do operation 77 on resource 99 x from 10.0.0.1"
    )
