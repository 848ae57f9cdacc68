"""A local network is told of another's ticket, order and name what it is told of those that do not exist."""

from tests.centers import House
from tests.people import Caller
from tests.probes import BODIES, Operation, operations
from tests.registry import BEIJING, CHUXIONG, DALI, FAR, NOWHERE

UNKNOWN = "VT000101-00000000"


def pointed(operation: Operation, ticket: str, network: str) -> str | None:
    """Its path at this ticket, its order to this network, or this network; None when it takes none of them."""
    if not operation.path.startswith(("/v1/tickets/{id}", "/v1/orders/{id}", "/v1/networks/{code}")):
        return None
    path = operation.path.replace("orders/{id}", f"orders/{ticket}.{network}")
    return path.replace("{id}", ticket).replace("{code}", network)


async def answer(caller: Caller, operation: Operation, path: str) -> tuple[int, bytes]:
    body = BODIES.get(operation.path.rpartition("/")[2]) if operation.method == "POST" else None
    got = await caller.send(operation.method, path, json=body)
    return got.status_code, got.content


async def test_what_is_anothers_gets_the_same_bytes_as_what_does_not_exist(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    stranger, asked = embedded.network(DALI), 0
    for operation in operations(embedded):
        theirs, nothing = pointed(operation, ticket, BEIJING), pointed(operation, UNKNOWN, NOWHERE)
        if theirs and nothing and "network" in operation.access.roles:
            told = await answer(stranger, operation, theirs)
            assert told[0] == 404, theirs
            assert told == await answer(stranger, operation, nothing), theirs
            asked += 1
    assert asked >= 13
