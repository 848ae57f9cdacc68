"""Which rule gives which target: the most specific one, whatever stands where; and what a wrong file is told."""

import re
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import to_ms
from shared.contracts.facts import Impact
from shared.ids import NetworkCode
from shared.testing.clock import START
from shared.tickets.hours import counted
from shared.tickets.policy_file import DEFAULT, read_policies, read_policy
from shared.tickets.targets import Policy, Subject, givers, set_by_hand

ROOT = Path(__file__).parents[2]
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
PAGE = (ROOT / "docs/operations/sla-policy.md").read_text()
EXAMPLE = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]  # type: ignore[index]
NGARI = frozenset({NetworkCode("0897")})


def written(folder: Path, text: str, name: str = "sla.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.fixture
def example(tmp_path: Path) -> Policy:
    return read_policy(written(tmp_path, EXAMPLE))


def promised(policy: Policy, tier: str = "crystal", impact: Impact = "down", **subject: object) -> dict[str, object]:
    terms = policy.terms_of(tier, impact, subject=Subject(**subject), reported_at=START, now=START)  # type: ignore[arg-type]
    return {
        "accept": terms.accept_ms // MINUTE_MS, "restore": terms.restore_ms // HOUR_MS, "calendar": terms.calendar,
        "rule": terms.rule,
    }  # fmt: skip


def test_without_a_rule_the_tier_says_all(example: Policy) -> None:
    assert promised(example, "gold") == {"accept": 30, "restore": 5, "calendar": None, "rule": "gold/down"}


def test_rule_changes_only_what_it_gives(example: Policy) -> None:
    assert promised(example, "gold", networks=NGARI) == {
        "accept": 60, "restore": 24, "calendar": None, "rule": "gold/down+plateau:accept,restore"
    }  # fmt: skip


def test_rule_with_more_conditions_wins_for_what_both_give(example: Policy) -> None:
    found = promised(example, "gold", networks=NGARI, service="sdh")
    assert (found["accept"], found["restore"]) == (60, 12)
    assert found["rule"] == "gold/down+plateau:accept+plateau-leased-lines:restore"


def test_contracts_level_wins_over_the_network(example: Policy) -> None:
    found = promised(example, networks=NGARI, service_level="premium")
    assert found == {
        "accept": 60, "restore": 2, "calendar": None,
        "rule": "crystal/down+plateau:accept+premium-contract:restore,calendar",
    }  # fmt: skip


def test_contracts_time_out_of_the_confirmation_stands_above_the_policy(example: Policy) -> None:
    terms = example.terms_of("gold", "down", subject=Subject(confirm_ms=5 * HOUR_MS))
    assert (terms.confirm_ms, givers(terms.rule)["confirm"]) == (5 * HOUR_MS, "contract")


def test_calendar_set_by_hand_stands_above_the_rules_and_is_known_for_it(example: Policy) -> None:
    crystal = example.terms_of("crystal", "down", subject=Subject(calendar="24x7"))
    gold = example.terms_of("gold", "down", subject=Subject(calendar="office"), reported_at=START, now=START)
    assert (crystal.calendar, crystal.hours, set_by_hand(crystal)) == (None, None, "24x7")
    assert (gold.calendar, set_by_hand(gold)) == ("office", "office")
    assert set_by_hand(example.terms_of("gold", "down")) is None


def test_tier_of_working_hours_has_its_hours_written_out(example: Policy) -> None:
    terms = example.terms_of("crystal", "down", reported_at=START, now=START)  # a Saturday
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    assert terms.hours is not None
    assert counted(to_ms(START), to_ms(monday), terms.hours) == 0
    assert counted(to_ms(monday), to_ms(monday + timedelta(days=1)), terms.hours) == 7.5 * HOUR_MS


def test_hours_without_instants_are_refused_and_never_taken_for_round_the_clock(example: Policy) -> None:
    with pytest.raises(ValueError, match="need the instants"):
        example.terms_of("crystal", "down")


def test_head_start_is_never_longer_than_the_target(tmp_path: Path) -> None:
    quick = DEFAULT.read_text() + '\n[[rules]]\nname = "quick"\nservices = ["video"]\nrestore_hours = 0.5\n'
    terms = read_policy(written(tmp_path, quick)).terms_of("diamond", "down", subject=Subject(service="video"))
    assert terms.head_start_ms == terms.restore_ms == HOUR_MS // 2


RULES = (
    '[[rules]]\nname = "a"\nnetworks = ["0897"]\nrestore_hours = 30\naccept_minutes = 1\n',
    '[[rules]]\nname = "b"\nservices = ["voice"]\nrestore_hours = 31\nupdate_minutes = 2\n',
    '[[rules]]\nname = "c"\ntiers = ["gold"]\nimpacts = ["down"]\nrestore_hours = 32\n',
    '[[rules]]\nname = "d"\nimpacts = ["down"]\nrestore_hours = 33\nreport_hours = 4\n',
)


@given(
    st.sampled_from(list(permutations(RULES))), st.sampled_from(["gold", "diamond"]),
    st.sampled_from(["down", "degraded"]), st.sampled_from([NGARI, frozenset[NetworkCode]()]),
    st.sampled_from(["voice", "ip", None]),
)  # fmt: skip
def test_order_of_rules_in_the_file_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rules: tuple[str, ...], tier: str, impact: Impact,
    networks: frozenset[NetworkCode], service: str | None,
) -> None:  # fmt: skip
    folder, subject = tmp_path_factory.mktemp("policy"), Subject(service, networks)
    one, other = (
        read_policy(written(folder, DEFAULT.read_text() + "".join(order))).given(tier, impact, subject)
        for order in (RULES, rules)
    )
    assert one == other


VERSION_2 = DEFAULT.read_text().replace('"2026-1"', '"2027-1"\nvalid_from = 2027-01-01T00:00:00+08:00')


def test_ticket_is_opened_under_the_version_that_is_valid_at_that_moment(tmp_path: Path) -> None:
    written(tmp_path, VERSION_2, "b.toml")
    written(tmp_path, DEFAULT.read_text(), "z.toml")
    policies = read_policies(tmp_path)
    turn = datetime(2026, 12, 31, 16, tzinfo=UTC)
    ms = timedelta(milliseconds=1)
    assert [policies.at(t).version for t in (START, turn - ms, turn)] == ["2026-1", "2026-1", "2027-1"]
    assert policies.version("2027-1") == policies.versions[1]


def test_first_version_holds_before_it_is_valid_too(tmp_path: Path) -> None:
    assert read_policies(written(tmp_path, VERSION_2)).at(START).version == "2027-1"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (DEFAULT.read_text(), "version: 2026-1 is that of"),
        (DEFAULT.read_text().replace("-1", "-9"), "valid_from: is that of"),
    ],
)
def test_versions_of_one_folder_must_differ(tmp_path: Path, second: str, said: str) -> None:
    written(tmp_path, DEFAULT.read_text(), "a.toml")
    written(tmp_path, second, "b.toml")
    with pytest.raises(ValueError, match=rf"b\.toml: {said}"):
        read_policies(tmp_path)


def test_empty_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no \.toml file"):
        read_policies(tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('networks = ["0896", "0897"]\naccept', 'networks = ["Ngari"]\naccept', r"line 24: rules\.0\.networks\.0: "),
        ('services = ["leased-line", "sdh"]', 'services = ["fax"]', r"line 31: rules\.1\.services\.0: .*'sdh'"),
        ("restore_hours = 2\n", 'restore_hours = 2\ntiers = ["ruby"]\n', r"rules\.2\.tiers: ruby: none of the tiers"),
        ('calendar = "24x7"', 'calendar = "ofice"', r"line 38: rules\.2\.calendar: there is no calendar ofice"),
        (
            'calendar = "office"',
            'calendar = "bureau"',
            r"line 20: tiers\.crystal\.calendar: there is no calendar bureau",
        ),
        (
            'services = ["leased-line", "sdh"]\n',
            "",
            r"line 28: rules\.1: plateau-leased-lines and plateau give restore",
        ),
        ('name = "plateau-leased-lines"', 'name = "plateau"', r"rules\.1\.name: plateau is another rule's"),
        ('name = "plateau"', 'name = "contract"', r"rules\.0\.name: contract has a meaning"),
        ('service_levels = ["premium"]\n', "", r"rules\.2: has no condition"),
        ('restore_hours = 2\ncalendar = "24x7"', "", r"rules\.2: gives no target"),
        (
            "[calendars.office]",
            '[calendars.24x7]\ntime_zone = "UTC"\nhours = { mon = ["08:00-09:00"] }\n[calendars.office]',
            r"line 40: calendars\.24x7: is round the clock",
        ),
        ('mon-fri = ["08', 'mon-fri = ["8', r"line 47: calendars\.office\.hours\.mon-fri: 8:30-12:00 is not hours"),
        ("2026-12-01T00:00:00+08:00", "2026-12-01T00:00:00", r"line 2: valid_from: .*timezone"),
        ('holidays = "china"', 'holiday = "china"', r"line 42: calendars\.office\.holiday: Extra"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_field(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in EXAMPLE
    with pytest.raises(ValueError, match=rf"sla\.toml, {said}" if said.startswith("line") else said):
        read_policy(written(tmp_path, EXAMPLE.replace(before, after, 1)))


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    broken = EXAMPLE.replace('"24x7"', '"x"').replace('["premium"]', "[]").replace('"plateau"', '"by-hand"')
    with pytest.raises(ValueError, match=r"rules\.0\.name.*\n.*rules\.2: .*\n.*rules\.2\.calendar") as error:
        read_policy(written(tmp_path, broken))
    assert len(str(error.value).splitlines()) == 3
