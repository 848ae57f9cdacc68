"""What readers of a stream wish to see is made once for all who wish the same, and kept no longer than they read."""

import gc
import weakref

from services.notifier.api.streams import showing
from services.notifier.model.preferences import Preferences
from tests.cases import CIRCUIT


def test_same_wishes_are_the_same_face_as_long_as_somebody_reads() -> None:
    first = showing(Preferences(circuits=frozenset({CIRCUIT})))
    assert showing(Preferences(circuits=frozenset({CIRCUIT}))) is first
    kept = weakref.ref(first)
    del first
    gc.collect()
    assert kept() is None
