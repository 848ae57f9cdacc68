"""A simulation decides as the center does, takes the time that was recorded, and is the same every time."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import main
from services.commands.replay.history import History, Incident, read_history
from services.commands.replay.requests import opened_at
from services.commands.simulate.arms import Arm, Result, World, befall, run
from services.commands.simulate.comparing import calibrated
from services.commands.simulate.drawn import DAY_MS, HOUR_MS, Faults, Period
from services.commands.simulate.incidents import Incident as Befalling
from services.commands.simulate.incidents import Round, Stint
from services.commands.simulate.recorded import recorded
from services.commands.simulate.staffing import read_staffing
from services.commands.simulate.tally import Tally
from services.demo_data import DATA
from services.dispatcher.measures.measure import Measure
from shared.clock import to_ms
from shared.registry.files.whole import RegistryFiles, read_registry
from shared.tickets.policy_file import DEFAULT

FILE = Path(__file__).parents[1] / "data" / "incidents-30.csv"
START = to_ms(datetime(2026, 1, 5, tzinfo=UTC))
FOR_EVER = START + 10_000 * DAY_MS
WAITING = ("Awaiting User Info",)


class Kept(Tally):
    """Every measure, besides what is counted."""

    def over(self, m: Measure) -> None:
        self.__dict__.setdefault("measures", []).append(m)
        super().over(m)


@pytest.fixture(scope="module")
def files() -> RegistryFiles:
    return read_registry(DATA / "networks.csv", DATA / "demo")


@pytest.fixture(scope="module")
def history() -> History:
    return read_history(FILE)


def measured(incidents: Sequence[Befalling], files: RegistryFiles, arm: Arm | None = None) -> list[Measure]:
    tally = Kept()
    befall(incidents, files, arm or Arm(), until=FOR_EVER, tally=tally)
    return list(tally.__dict__.get("measures", []))


def drawn(files: RegistryFiles, *, days: int = 3, seed: int = 1, per_day: float = 30) -> list[Befalling]:
    return list(Faults(files.circuits, (), seed=seed).drawn(Period(START, days, per_day)))


def counted_ms(incident: Incident) -> int:
    """By hand: from the report to the last restoration, less what waited for the user; restored is no time unless in
    vain. Written from the file's columns alone."""
    rows = [(to_ms(row.at), row.state) for row in incident.rows]
    backs = [i for i, (_, state) in enumerate(rows) if state == "Resolved" and (not i or rows[i - 1][1] != state)]
    down = [(to_ms(opened_at(incident)), "New"), *rows[: max(backs, default=0) + 1]]
    return sum(later - at for (at, state), (later, _) in pairwise(down) if state not in WAITING)


def test_recorded_incident_takes_the_time_that_it_took(files: RegistryFiles, history: History) -> None:
    """Those whose states are as simple as the count by hand: nothing stands out of order."""
    plain = [i for i in history.incidents if [r.state for r in i.rows].count("Resolved") >= 1 and not _jumps(i)]
    assert len(plain) > 20
    for incident in plain:
        (one,) = measured(recorded(replace(history, incidents=[incident]), files.circuits), files)
        assert (incident.number, one.time_to_repair) == (incident.number, counted_ms(incident))


def _jumps(incident: Incident) -> bool:
    states = [row.state for row in incident.rows]
    return any(after == "New" and before != "New" for before, after in pairwise(states))


def test_same_seed_befalls_the_same_and_ends_the_same(files: RegistryFiles) -> None:
    assert drawn(files) == drawn(files) != drawn(files, seed=2)
    one, other = (befall(drawn(files), files, Arm(), until=FOR_EVER, tally=Tally()) for _ in range(2))
    assert one.tally == other.tally


def test_faults_come_as_often_as_asked_and_in_order(files: RegistryFiles) -> None:
    found = drawn(files, days=100, per_day=30)
    assert len(found) == pytest.approx(3_000, rel=0.05)
    assert all(a.at <= b.at for a, b in pairwise(found))


def test_faults_drawn_like_a_history_come_at_its_hours(files: RegistryFiles, history: History) -> None:
    like = recorded(history, files.circuits)
    hours = {one.at // HOUR_MS % 24 for one in like}
    found = Faults(files.circuits, like, seed=1).drawn(Period(START, 20, 30))
    assert {one.at // HOUR_MS % 24 for one in found} <= hours


def test_located_fault_goes_straight_to_its_network(files: RegistryFiles) -> None:
    for one in measured(drawn(files), files, Arm(routing="located")):
        assert len({share.network for share in one.shares}) == 1


def test_one_end_alone_is_never_faster(files: RegistryFiles) -> None:
    both = {m.circuit: m.restored_at for m in measured(drawn(files, days=1), files)}
    for one in measured(drawn(files, days=1), files, Arm(routing="one-end")):
        assert one.restored_at is not None
        assert one.restored_at >= (both[one.circuit] or 0)


def test_ranges_that_were_predicted_hold_for_four_fifths(files: RegistryFiles) -> None:
    tally = Tally()
    befall(drawn(files, days=20, per_day=40), files, Arm(), until=FOR_EVER, tally=tally)
    kept = sum(share.kept for share in tally.predicted.values()) / sum(share.all for share in tally.predicted.values())
    assert 0.74 < kept < 0.86


def staffing(tmp_path: Path, text: str) -> Arm:
    file = tmp_path / "staffing.toml"
    file.write_text(text)
    return Arm(staffing=file)


def jobs(files: RegistryFiles, *impacts: str) -> Iterator[Befalling]:
    """All at once on one account's circuits that are in one network's hands, an hour's work each."""
    circuits = [c for c in files.circuits if c.a_end.network == "010" and not c.protected][: len(impacts)]
    for number, (circuit, impact) in enumerate(zip(circuits, impacts, strict=True)):
        work = (Round(0, (Stint(HOUR_MS),)),)
        yield Befalling(number, START + number, circuit, impact, work, segment="a-access")  # type: ignore[arg-type]


def test_most_urgent_ticket_gets_the_next_free_crew(files: RegistryFiles, tmp_path: Path) -> None:
    found = measured(list(jobs(files, "degraded", "degraded", "down")), files, staffing(tmp_path, "crews = 1"))
    assert [one.impact for one in sorted(found, key=lambda m: m.restored_at or 0)] == ["degraded", "down", "degraded"]


def test_more_crews_wait_less(files: RegistryFiles, tmp_path: Path) -> None:
    def with_crews(count: int) -> Result:
        arm = staffing(tmp_path, f"crews = {count}")
        return befall(drawn(files, days=1, per_day=300), files, arm, until=FOR_EVER, tally=Tally())

    few, many, plenty = with_crews(1), with_crews(2), with_crews(500)
    assert few.waited_ms > many.waited_ms > plenty.waited_ms == 0


def test_job_begins_when_somebody_is_on_duty(files: RegistryFiles, tmp_path: Path) -> None:
    arm = staffing(
        tmp_path,
        """
        crews = 1
        calendar = "day"
        [calendars.day]
        time_zone = "Asia/Shanghai"
        hours = { mon-fri = ["09:00-10:00"] }
        """,
    )
    (one,) = measured(list(jobs(files, "down")), files, arm)
    assert one.restored_at == to_ms(datetime(2026, 1, 5, 2, 0, tzinfo=UTC))  # midnight UTC is 08:00 there


def test_crews_that_never_come_leave_tickets_open_and_late(files: RegistryFiles, tmp_path: Path) -> None:
    result = befall(jobs(files, "down"), files, staffing(tmp_path, "crews = 0"), until=FOR_EVER, tally=Tally())
    assert (result.tally.left, result.tally.target.all, result.tally.target.kept) == (1, 0, 0)


def world(**changes: Any) -> World:
    given = World(DATA / "demo", DATA / "networks.csv", FILE, None, None, START, 0)
    return replace(given, **changes)


def test_work_is_shortened_until_few_crews_take_the_recorded_time(tmp_path: Path) -> None:
    now = staffing(tmp_path, "crews = 1")
    pace = calibrated(world(), now)
    found, goal = run(world(), replace(now, pace=pace)).tally, run(world(), Arm()).tally
    assert found.minutes_at(0.5) == pytest.approx(goal.minutes_at(0.5), rel=0.1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crews = -1", "staffing.toml, line 1: crews"),
        ("crews = 1\non_call = 2", "line 2: on_call: are more than there are crews"),
        (
            'crews = 2\n[networks.010]\ncrews = 1\ncalendar = "day"',
            "line 4: networks.010.calendar: there is no calendar",
        ),
        ("crews = 2\n[networks.nowhere]\ncrews = 1", "line 2: networks.nowhere"),
    ],
)
def test_staffing_that_is_wrong_is_named_by_line(tmp_path: Path, text: str, said: str) -> None:
    arm = staffing(tmp_path, text)
    assert arm.staffing
    with pytest.raises(ValueError, match=re.escape(said)):
        read_staffing(arm.staffing)


def test_command_compares_two_policies_side_by_side(tmp_path: Path) -> None:
    lenient = tmp_path / "lenient.toml"
    lenient.write_text(re.sub(r"degraded = \d+", "degraded = 800", DEFAULT.read_text()))
    done = CliRunner().invoke(main, ["simulate", str(FILE), "--policy", str(lenient), "--json"])
    found = json.loads(done.stdout)
    now, proposed = found["now"], found["proposed"]
    assert now["attainment"]["5_hours"] == proposed["attainment"]["5_hours"]
    assert now["attainment"]["target"]["kept"] < proposed["attainment"]["target"]["kept"]
    assert now["tickets"] == now["restored"] == 30


@pytest.mark.parametrize("asked", [["--routing", "one-end"], ["--staffing", str(FILE)]])
def test_what_a_history_does_not_say_is_not_compared(asked: list[str]) -> None:
    done = CliRunner().invoke(main, ["simulate", str(FILE), *asked])
    assert done.exit_code == 2
    assert "HISTORY does not say" in done.output
