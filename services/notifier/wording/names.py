"""What local networks are called; the registry knows it."""

from collections.abc import Callable

from shared.registry.model.network import Network

Names = Callable[[str], Network | None]
