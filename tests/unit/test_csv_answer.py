"""CSV that a spreadsheet opens: whatever a cell holds, it is read back as it was meant, and none is a formula."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from shared.web.csv_answer import BOM, csv_answer, csv_text, harmless

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
NASTY = st.sampled_from(
    ["=1+1", '=HYPERLINK("http://x","y")', "+86", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", ""]
)
TEXTS = NASTY | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
CELLS = TEXTS | st.none() | st.integers()
LINES = st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), max_size=8)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@given(LINES)
def test_every_cell_is_read_back_and_no_text_is_a_formula(lines: list[dict[str, str | int | None]]) -> None:
    header, *found = read(csv_text(lines, ["a", "b"]))
    assert header == ["a", "b"]
    for line, cells in zip(lines, found, strict=True):
        for value, cell in zip((line["a"], line["b"]), cells, strict=True):
            assert cell in ("" if value is None else str(value), f"'{value}")
            assert isinstance(value, int) or not cell.lstrip(" ").startswith(FORMULAS)


def test_number_stays_a_number() -> None:
    assert [harmless(value) for value in (-5, 5, None, "-5", "5")] == [-5, 5, None, "'-5", "5"]


def test_answer_is_a_file_that_begins_with_a_byte_order_mark() -> None:
    answer = csv_answer([{"province": "云南"}], ["province"], name="attainment")
    assert bytes(answer.body).decode() == f"{BOM}province\r\n云南\r\n"
    assert answer.headers["content-disposition"] == 'attachment; filename="attainment.csv"'
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
