"""The registry in files: what was written is read again, byte for byte the same; every fault says where it stands."""

import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry.files.csv_files import CsvFiles
from shared.registry.files.export import csv_folder, yaml_file
from shared.registry.files.reading import Source, source_of
from shared.registry.importing import Fault
from shared.registry.model import Account, Circuit, ContactPoint, Contract, End, Network, Segment
from shared.registry.model.service import DOMAINS
from shared.registry.rules import check
from shared.registry.shelves import Entry, Kind

DATA = Path(__file__).parents[2] / "deploy" / "data"
BIDI = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
PLAIN = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=BIDI)
TEXT = st.text(PLAIN, min_size=1, max_size=12)
TRICKY = ["no", "010", "null", "~", "1e3", '"a, b"', "- x: y", "#", "a\r\nb"]
LINES = st.lists(TEXT, min_size=1, max_size=3).map("\n".join) | st.sampled_from(TRICKY)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
CODES = st.sampled_from(["010", "021", "0878", "0755"]).map(NetworkCode)
CONTACTS = st.builds(
    ContactPoint, LINES, role=st.none() | TEXT, phone=st.none() | st.just("+86 (10) 5550-0134"),
    email=st.none() | st.just("desk@example.com"), language=st.none() | st.just("zh"), window=st.none() | TEXT,
)  # fmt: skip
LISTS = st.lists(CONTACTS, max_size=2).map(tuple)
ACCOUNTS = st.builds(
    Account, IDS.map(AccountId), LINES, TEXT, st.just("finance"), TEXT, group=st.none() | TEXT,
    parent=st.none() | st.just(AccountId("parent-of-all")), contacts=LISTS, manager=st.none() | CONTACTS,
    notes=st.none() | LINES,
    contract=st.builds(
        Contract, st.none() | TEXT, st.sampled_from(["any-key", "listed-contacts"]), st.none() | st.integers(1, 720),
        st.booleans(),
    ),
)  # fmt: skip
NETWORKS = st.builds(
    Network, CODES, TEXT, TEXT, TEXT, TEXT, merged=st.none() | TEXT, door=st.sampled_from([None, "kafka", "http"]),
    state=st.sampled_from(["working", "not-working"]), languages=st.sampled_from([(), ("zh",), ("zh", "en")]),
    contacts=LISTS, duty=LISTS,
)  # fmt: skip
OURS = st.builds(Segment, TEXT, st.sampled_from(["access", "metro"]), st.sampled_from(["a", "z", None]), CODES)
THEIRS = st.builds(
    Segment, TEXT, st.sampled_from(["third-party", "customer-lan"]), party=TEXT, between=st.none() | TEXT,
    demarcation=st.none() | LINES, contact=st.none() | CONTACTS,
)  # fmt: skip
ENDS = st.builds(End, CODES, TEXT, st.none() | LINES)
CIRCUITS = st.builds(
    Circuit, IDS.map(CircuitId), IDS.map(AccountId), st.sampled_from(sorted(DOMAINS)), st.integers(0, 2**31 - 1),
    st.booleans(), ENDS, ENDS,
    st.lists(OURS | THEIRS, min_size=1, max_size=12, unique_by=lambda segment: segment.id).map(tuple),
)  # fmt: skip
NAMES = "  name_zh: 甲\n  name_en: A\n"
REGISTRIES = st.tuples(
    st.lists(NETWORKS, max_size=3, unique_by=lambda n: n.code),
    st.lists(ACCOUNTS, max_size=3, unique_by=lambda a: a.id),
    st.lists(CIRCUITS, max_size=4, unique_by=lambda c: c.id),
)
Registry = tuple[list[Network], list[Account], list[Circuit]]


def write(path: Path, entries: list[tuple[Kind, Entry]]) -> None:
    with (yaml_file if path.suffix else csv_folder)(path) as out:
        for kind, entry in entries:
            out(kind, entry)


def read(source: Source) -> list[tuple[Kind, Entry]]:
    items = list(source.items())
    assert [str(item) for item in items if isinstance(item, Fault)] == []
    return [(item.kind, item.entry) for item in items if not isinstance(item, Fault)]


def faults(source: Source) -> list[str]:
    return [str(item) for item in source.items() if isinstance(item, Fault)]


@pytest.mark.parametrize("name", ["folder", "file.yaml"])
@given(REGISTRIES)
def test_what_was_written_is_read_again_and_written_the_same(name: str, registry: Registry) -> None:
    kinds: tuple[Kind, ...] = ("network", "account", "circuit")
    entries = [(kind, entry) for kind, some in zip(kinds, registry, strict=True) for entry in some]
    assert [check(kind, asdict(entry)) for kind, entry in entries] == [entry for _, entry in entries]
    with TemporaryDirectory() as folder:
        first, second = Path(folder) / name, Path(folder) / f"2{name}"
        write(first, entries)
        found = read(source_of(first))
        write(second, found)
        assert found == entries
        assert bytes_of(first) == bytes_of(second)


def bytes_of(path: Path) -> list[bytes]:
    return [file.read_bytes() for file in (sorted(path.iterdir()) if path.is_dir() else [path])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The demonstration's files, to be spoilt."""
    folder = shutil.copytree(DATA / "demo", tmp_path / "demo")
    shutil.copy(DATA / "networks.csv", folder)
    return folder


def spoil(path: Path, line: int, old: str, new: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    path.write_text("".join(lines), encoding="utf-8")


def test_demonstration_is_read_whole(folder: Path) -> None:
    entries = read(CsvFiles(folder))
    assert sum(kind == "circuit" for kind, _ in entries) == 1200
    circuit = next(entry for _, entry in entries if isinstance(entry, Circuit) and entry.id == "0954-0351-WDM-0001")
    assert (circuit.a_end.network, circuit.protected, [s.id for s in circuit.segments][:2]) == (
        "0954", True, ["a-access", "a-metro"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "line", "old", "new", "said"),
    [
        ("segments.csv", 2, ",access,", ",acess,", "segments.csv, line 2: kind: Input should be "),
        ("segments.csv", 3, "metro,a,0954", "metro,a,", "segments.csv, line 3: network: name either"),
        ("segments.csv", 2, "0954-0351-WDM-0001", "nowhere", "segments.csv, line 2: circuit: nowhere is not in circ"),
        ("circuits.csv", 2, ",true,", ",yes,", "circuits.csv, line 2: protected: Input should be a valid boolean"),
        ("circuits.csv", 2, ",2500,", ",2.5,", "circuits.csv, line 2: bandwidth_mbps: Input should be a valid int"),
        ("circuits.csv", 2, ",0954,", ",954,", "circuits.csv, line 2: a_network: String should match"),
        ("circuits.csv", 2, ",dwdm,", ",dwdm", "circuits.csv, line 2: has "),
        ("accounts.csv", 1, "tier", "grade", "accounts.csv, line 1: tier: this column is missing"),
        ("accounts.csv", 1, "tier", "grade", "accounts.csv, line 1: grade: is not a column here"),
        ("accounts.csv", 3, ",government,", ",church,", "accounts.csv, line 3: sector: Input should be "),
        ("accounts.csv", 3, ",government,", ",,", "accounts.csv, line 3: sector: is required"),
        ("networks.csv", 3, "020,", "010,", "networks.csv, line 3: code: 010 is given twice, first in line 2"),
    ],
)
def test_fault_says_file_line_and_column(folder: Path, name: str, line: int, old: str, new: str, said: str) -> None:
    spoil(folder / name, line, old, new)
    assert any(fault.startswith(said) for fault in faults(CsvFiles(folder)))


def test_every_fault_is_said_not_only_the_first(folder: Path) -> None:
    for line in (2, 5, 9):
        spoil(folder / "accounts.csv", line, ",", ",,")
    found = faults(CsvFiles(folder))
    assert [fault.split(":")[0] for fault in found if "has 17 values" in fault] == [
        f"accounts.csv, line {line}" for line in (2, 5, 9)
    ]


def test_line_is_the_first_of_a_row_that_has_several(folder: Path) -> None:
    spoil(folder / "accounts.csv", 2, "Northern Trade Bank", '"Northern\nTrade\nBank"')
    spoil(folder / "accounts.csv", 5, ",government,", ",church,")
    assert faults(CsvFiles(folder))[0].startswith("accounts.csv, line 5: sector")


def test_segments_go_by_their_position_wherever_they_stand(folder: Path) -> None:
    before = read(CsvFiles(folder))
    header, *lines = (folder / "segments.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "segments.csv").write_text(header + "".join(reversed(lines)), encoding="utf-8")
    assert read(CsvFiles(folder)) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("network: {code: 010, name_zh: 北京}", "line 1: name_en: is required"),
        ("---\naccount:\n  id: a\n  sector: [finance]\n", "line 4: sector: "),
        (
            "---\ncircuit:\n  id: c\n  a_end:\n    network: 010\n    site: x\n    colour: red\n",
            "line 7: a_end.colour: is",
        ),
        ("network: {code: '010', code: '021'}", "line 1: code: is given twice, or is no name"),
        ("region: {}", "line 1: a document holds one of network, account, circuit"),
        ("network: &n {code: '010'}\n---\n- *n\n", "is not YAML"),
        ("account: {id: a, contacts: [&c {name: x}, *c]}", "line 1: 1: anchors and deep nesting are not read"),
        ("network: {code: '010'\n", "line 2: is not YAML"),
        (
            "account:\n  id: a\n  parent: a\n  name_zh: 甲\n  name_en: A\n  sector: other\n  tier: gold\n",
            "line 3: parent: is the",
        ),
    ],
)
def test_fault_in_yaml_says_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    assert any(said in fault for fault in faults(source_of(tmp_path / "r.yaml")))


def test_yaml_words_and_area_codes_are_not_made_into_something_else(tmp_path: Path) -> None:
    names = "name_zh: no, name_en: 1e3, province_zh: on, province_en: 0x10"
    (tmp_path / "r.yaml").write_text(f"network: {{code: 010, {names}}}", encoding="utf-8")
    assert read(source_of(tmp_path / "r.yaml")) == [("network", Network(NetworkCode("010"), "no", "1e3", "on", "0x10"))]


def test_files_of_an_export_are_their_owners_only(tmp_path: Path) -> None:
    write(tmp_path / "r.yaml", [])
    write(tmp_path / "folder", [])
    files = [tmp_path / "r.yaml", *(tmp_path / "folder").iterdir()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
