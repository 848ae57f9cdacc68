"""A ticket's records stay in order on Kafka: whoever relays them, in whatever process, means the same partition."""

import pytest

from shared.bus.kafka.publisher import _partition


@pytest.mark.parametrize(
    ("key", "of_twelve", "of_three"),
    [(b"VT261121-7K3QM9XA", 1, 1), (b"VT261121-00000001", 11, 2), (b"VT270101-ZZZZZZZZ", 9, 0)],
)
def test_partition_of_a_ticket_is_the_same_in_every_process(key: bytes, of_twelve: int, of_three: int) -> None:
    assert _partition(key, range(12)) == of_twelve
    assert _partition(key, [0, 1, 2]) == of_three
