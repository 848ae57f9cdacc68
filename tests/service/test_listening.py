"""A center that can't listen says why."""

import socket

import pytest

from shared.web.server import Listener
from tests.centers import House


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", "it is no address of this machine; name one that is"),
        ("127.0.0.1", "another program uses the port"),
    ],
)
async def test_address_that_can_not_be_bound_is_told_with_the_reason(embedded: House, host: str, why: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"{host}:{port} can't be bound: {why}"):
            await Listener(embedded.center.app, host=host, port=port).start()
