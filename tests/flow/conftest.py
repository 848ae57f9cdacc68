"""Flow tests run a whole center, both ways."""

from tests.centers import *  # noqa: F403
