"""`python -m shared.contracts.freeze` writes down the JSON schema of every shape on the topics, once.

A schema that is written down is a promise: another one under the same name is refused, for it breaks whoever reads
the old messages. A fact may gain a field that need not be there: readers pass over what they don't know. `--force` is
for a shape that was never released. Titles and descriptions are no part of it.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.released import SHAPES

FROZEN = Path(__file__).parent / "frozen"
PROSE = ("title", "description")


def schemas() -> Mapping[str, str]:
    """CloudEvents type → JSON schema, as the code has it now."""
    return {type_: _text(TypeAdapter(shape).json_schema()) for type_, shape in SHAPES.items()}


def frozen(folder: Path = FROZEN) -> Mapping[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}


def freeze(folder: Path = FROZEN, *, force: bool = False) -> list[str]:
    """The types whose frozen schema is another one; they are written only with `force`, new ones always."""
    folder.mkdir(exist_ok=True)
    before, refused = frozen(folder), []
    for type_, schema in schemas().items():
        if force or only_adds(before.get(type_, schema), schema):
            (folder / f"{type_}.json").write_text(schema, encoding="utf-8")
        else:
            refused.append(type_)
    return refused


def only_adds(before: str, after: str) -> bool:
    """Whether `after` is `before`, with nothing more than further fields that need not be there."""
    return _only_adds(json.loads(before), json.loads(after))


def _only_adds(before: Any, after: Any) -> bool:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return bool(before == after)
    may_gain = {"properties", "$defs"} & before.keys()
    rest = before.keys() | (after.keys() - {"$defs"})  # `required` among it: nothing new is demanded
    return all(before.get(key) == after.get(key) for key in rest - may_gain) and all(
        name in after.get(key, {}) and _only_adds(part, after[key][name])
        for key in may_gain
        for name, part in before[key].items()
    )


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(_bare(schema), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _bare(schema: Any) -> Any:
    """Without prose. A field may well be called `description`: below `properties` the names are not looked at."""
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _bare(part) for name, part in value.items()} if key in ("properties", "$defs") else _bare(value)
        for key, value in schema.items()
        if key not in PROSE
    }


if __name__ == "__main__":
    changed = freeze(force="--force" in sys.argv[1:])
    if changed:
        sys.exit(f"Already frozen and now another shape, so it needs a new version: {', '.join(changed)}")
