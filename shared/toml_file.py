"""A TOML file that people write, read into a checked value; what is wrong is named by file and line or path."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path, shape: type[M]) -> M:
    """Raises ValueError: `tiers.toml: tiers.2.from: Input should be …`, a line each; OSError when it can't be read."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: is not TOML: {error}") from None
    try:
        return shape.model_validate(found)
    except ValidationError as error:
        wrong = [f"{path}: {'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors()]
        raise ValueError("\n".join(wrong)) from None
