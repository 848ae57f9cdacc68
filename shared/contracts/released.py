"""Every shape that goes over a topic, by its CloudEvents type."""

from collections.abc import Mapping

from shared.contracts import facts, progress, refusal
from shared.contracts.envelope import fact_type, progress_type

SHAPES: Mapping[str, type] = {
    **{fact_type(name): fact for name, fact in facts.TYPES.items()},
    **{progress_type(name): shape for name, shape in progress.TYPES.items()},
    refusal.TYPE: refusal.ProgressRefused,
}
