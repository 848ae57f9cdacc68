"""An incident history is read whatever state its file is in."""

from pathlib import Path

import pytest

from services.commands.replay.history import History, read_history

REAL = Path(__file__).parents[1] / "data" / "incidents-30.csv"
HEADER = "number,incident_state,sys_updated_at,opened_at\n"


def history(tmp_path: Path, *rows: str) -> History:
    file = tmp_path / "history.csv"
    file.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return read_history(file)


def states(found: History, number: str) -> list[str]:
    (incident,) = [i for i in found.incidents if i.number == number]
    return [row.state for row in incident.rows]


def test_rows_out_of_order_are_put_in_order_of_time(tmp_path: Path) -> None:
    found = history(tmp_path, "A,Resolved,02-03-2016 10:00,?", "A,New,01-03-2016 10:00,?")
    assert states(found, "A") == ["New", "Resolved"]


def test_rows_of_the_same_minute_stay_as_the_file_has_them(tmp_path: Path) -> None:
    found = history(tmp_path, "A,Active,01-03-2016 10:00,?", "A,Resolved,01-03-2016 10:00,?")
    assert states(found, "A") == ["Active", "Resolved"]


def test_incidents_begin_in_the_order_of_their_first_rows(tmp_path: Path) -> None:
    found = history(tmp_path, "A,New,02-03-2016 10:00,?", "B,New,01-03-2016 10:00,?")
    assert [incident.number for incident in found.incidents] == ["B", "A"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("?,New,01-03-2016 10:00,?", "the row names no incident"),
        ("A,-100,01-03-2016 10:00,?", "no state of an incident: -100"),
        ("A,New,?,?", "the row has no instant"),
        ("A,New,31-02-2016 10:00,?", "the row has no instant"),
        ("A", "no state of an incident: ?"),
    ],
)
def test_unusable_row_is_counted_with_its_reason(tmp_path: Path, row: str, reason: str) -> None:
    found = history(tmp_path, row)
    assert (found.rows, found.incidents, dict(found.unreadable)) == (1, [], {reason: 1})


def test_file_without_the_columns_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"other\.csv has no column number, incident_state, sys_updated_at"):
        read_history(tmp_path / "other.csv")


def test_real_excerpt_has_every_state() -> None:
    found = read_history(REAL)
    assert len(found.incidents) == 30
    assert not found.unreadable
    assert len({row.state for incident in found.incidents for row in incident.rows}) == 8


def test_file_that_is_no_text_is_refused_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match=r"picture\.png is no incident history: it is not UTF-8"):
        read_history(file)
