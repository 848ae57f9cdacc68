"""Rows as CSV (RFC 4180), harmless in a spreadsheet: what could be read as a formula is made text by an apostrophe.

It begins with a byte order mark: without one, Excel in China reads GBK and shows Chinese names as rubbish.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

BOM = "\ufeff"
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_text(lines: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """With a header, lines ended by CR LF; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([harmless(line.get(name)) for name in columns] for line in lines)
    return text.getvalue()


def harmless(value: Any) -> Any:
    """Numbers stay numbers, a negative one too."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(BEGINS_A_FORMULA) else value


def csv_answer(lines: Iterable[Mapping[str, Any]], columns: Sequence[str], *, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(
        BOM + csv_text(lines, columns), headers=headers, media_type="text/csv; charset=utf-8; header=present"
    )
