"""An answer's body as JSON, for what no response model has to check again on its way out."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")
