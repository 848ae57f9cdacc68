"""What deploy/data promises: every local network once, and every demo circuit repairable from end to end."""

import csv
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "deploy" / "data"
OUTSIDE = {"customer-lan", "third-party"}

Row = dict[str, str]


@cache
def rows(name: str) -> list[Row]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def networks() -> dict[str, Row]:
    return {row["code"]: row for row in rows("networks.csv")}


@cache
def segments_by_circuit() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows("demo/segments.csv"):
        found[row["circuit"]].append(row)
    return dict(found)


def ends(circuit: Row) -> tuple[str, str]:
    return circuit["a_network"], circuit["z_network"]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("networks.csv", "code,name_zh,name_en,province_zh,province_en,merged"),
        (
            "demo/accounts.csv",
            "id,name_zh,name_en,sector,tier,group,parent,manager_name,manager_role,manager_phone,manager_email,"
            "manager_language,manager_window,service_level,confirmation_timeout_h,notes",
        ),
        ("demo/account_contacts.csv", "account,name,role,phone,email,language,window"),
        ("demo/network_contacts.csv", "network,list,name,role,phone,email,language,window"),
        (
            "demo/circuits.csv",
            "id,account,service,bandwidth_mbps,protected,a_network,a_site,z_network,z_site",
        ),
        ("demo/segments.csv", "circuit,position,id,kind,side,network,party,between"),
    ],
)
def test_file_has_its_columns_and_unix_line_ends(name: str, columns: str) -> None:
    content = (DATA / name).read_bytes()
    assert content.startswith(columns.encode() + b"\n")
    assert content.endswith(b"\n")
    assert b"\r" not in content


def test_about_330_local_networks() -> None:
    assert 310 <= len(rows("networks.csv")) <= 340


@pytest.mark.parametrize(
    ("code", "name_zh", "name_en", "province_zh", "province_en"),
    [
        ("010", "北京", "Beijing", "北京", "Beijing"),
        ("021", "上海", "Shanghai", "上海", "Shanghai"),
        ("022", "天津", "Tianjin", "天津", "Tianjin"),
        ("023", "重庆", "Chongqing", "重庆", "Chongqing"),
        ("0871", "昆明", "Kunming", "云南", "Yunnan"),
        ("0878", "楚雄", "Chuxiong", "云南", "Yunnan"),
    ],
)
def test_well_known_network(code: str, name_zh: str, name_en: str, province_zh: str, province_en: str) -> None:
    row = networks()[code]
    assert (row["name_zh"], row["name_en"]) == (name_zh, name_en)
    assert (row["province_zh"], row["province_en"]) == (province_zh, province_en)


def test_codes_are_dialled_codes_sorted_and_unique() -> None:
    codes = [row["code"] for row in rows("networks.csv")]
    assert all(re.fullmatch(r"010|02\d|0[3-9]\d\d", code) for code in codes)
    assert codes == sorted(set(codes))


def test_every_prefecture_belongs_to_one_network() -> None:
    places = [
        (row["province_zh"], place)
        for row in rows("networks.csv")
        for place in (row["name_zh"], *row["merged"].split())
        if not place.isdigit()
    ]
    assert len(places) == len(set(places)) == 333 + len("京津沪渝") + len(("石河子", "仙桃", "潜江", "天门"))


def test_names_carry_no_kind_of_division() -> None:
    for row in rows("networks.csv"):
        for place in (row["name_zh"], row["province_zh"], *row["merged"].split()):
            assert place.isdigit() or not re.search(r"[省市县区盟、/]$|自治", place), row
        assert re.fullmatch(r"[A-Z][a-z]+('[a-z]+)?( [A-Z][a-z]+)*", row["name_en"]), row


def test_every_network_has_one_of_31_provinces() -> None:
    provinces = {(row["province_zh"], row["province_en"]) for row in rows("networks.csv")}
    assert len(provinces) == 31
    assert len({zh for zh, _ in provinces}) == len({en for _, en in provinces}) == 31


def test_merged_code_is_no_network_of_its_own() -> None:
    merged = [each for row in rows("networks.csv") for each in row["merged"].split() if each.isdigit()]
    assert merged == ["0979", "0992"]
    assert not networks().keys() & set(merged)


def test_twelve_accounts_show_every_sector_and_tier() -> None:
    accounts = rows("demo/accounts.csv")
    assert len({row["id"] for row in accounts}) == len(accounts) == 12
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", row["id"]) for row in accounts)
    assert {row["tier"] for row in accounts} == {"diamond", "jade", "platinum", "gem", "gold", "crystal"}
    assert {row["sector"] for row in accounts} == {
        "government", "public-security", "finance", "education", "fortune-500", "other"
    }  # fmt: skip


def test_every_account_has_a_manager_and_a_desk_that_never_sleeps() -> None:
    awake = {row["account"] for row in rows("demo/account_contacts.csv") if row["window"] == "24x7"}
    assert awake == {row["id"] for row in rows("demo/accounts.csv") if row["manager_email"]}
    assert len(awake) == 12


def test_every_network_on_a_circuit_has_contacts_and_a_roster_of_the_whole_day() -> None:
    windows = defaultdict(set)
    for row in rows("demo/network_contacts.csv"):
        windows[row["network"]].add((row["list"], row["window"]))
    whole = {("contacts", "24x7"), ("duty", "08:00-20:00"), ("duty", "20:00-08:00")}
    assert set(windows) == {row["network"] for row in rows("demo/segments.csv")} - {""}
    assert all(found == whole for found in windows.values())


def test_nobody_of_the_demonstration_can_be_reached() -> None:
    for row in (*rows("demo/account_contacts.csv"), *rows("demo/network_contacts.csv")):
        assert re.fullmatch(r"\+86 \d{2,3} 5550 0\d{3}", row["phone"])
        assert row["email"].endswith(".example") or not row["email"]


def test_every_account_has_a_hundred_circuits() -> None:
    accounts = {row["id"] for row in rows("demo/accounts.csv")}
    assert Counter(row["account"] for row in rows("demo/circuits.csv")) == dict.fromkeys(accounts, 100)


def test_circuit_id_is_unique_and_says_its_ends_and_service() -> None:
    letters = {"ip-vpn": "IPV", "leased-line": "LLN", "video": "VID", "sdh": "SDH", "dwdm": "WDM"}
    circuits = rows("demo/circuits.csv")
    assert len({row["id"] for row in circuits}) == 1200
    for row in circuits:
        assert re.fullmatch("-".join((*ends(row), letters[row["service"]], r"\d{4}")), row["id"])


def test_circuit_joins_two_local_networks_at_labelled_sites() -> None:
    for row in rows("demo/circuits.csv"):
        assert row["a_network"] != row["z_network"]
        for side in "az":
            assert row[f"{side}_site"].startswith(networks()[row[f"{side}_network"]]["name_zh"] + " site ")
        assert int(row["bandwidth_mbps"]) > 0
        assert row["protected"] in ("true", "false")


def test_every_circuit_has_segments_and_no_segment_is_orphaned() -> None:
    assert segments_by_circuit().keys() == {row["id"] for row in rows("demo/circuits.csv")}


def test_positions_are_1_to_n_and_segment_ids_unique_in_the_circuit() -> None:
    for circuit, segments in segments_by_circuit().items():
        assert [int(row["position"]) for row in segments] == list(range(1, len(segments) + 1)), circuit
        assert len({row["id"] for row in segments}) == len(segments), circuit


def test_every_segment_has_a_local_network_or_a_party_outside() -> None:
    for row in rows("demo/segments.csv"):
        if row["kind"] in OUTSIDE:
            assert row["network"] == "", row
            assert re.fullmatch(r"[a-z]+(-[a-z]+)*", row["party"]), row
        else:
            assert row["network"] in networks(), row
            assert row["party"] == "", row


def test_each_end_has_its_own_network_responsible_or_a_named_outside_party() -> None:
    for circuit in rows("demo/circuits.csv"):
        segments = segments_by_circuit()[circuit["id"]]
        for side, network, outermost in zip("az", ends(circuit), (segments[0], segments[-1]), strict=True):
            responsible = {row["network"] for row in segments if row["side"] == side} - {""}
            assert responsible == {network}
            assert outermost["side"] == side
            assert outermost["network"] == network or outermost["party"]


def test_segments_come_in_the_order_of_the_circuit() -> None:
    order = re.compile(
        r"(a-lan )?a-access a-metro (backbone-\d )+z-metro (z-access|z-third-party) (z-lan )?$",
    )
    for circuit, segments in segments_by_circuit().items():
        ids = [row["id"] for row in segments]
        assert order.match(" ".join(ids) + " "), circuit
        assert ("a-lan" in ids) == ("z-lan" in ids), circuit


def test_backbone_hops_join_up_and_stay_in_the_ends_provinces() -> None:
    province = {row["name_zh"]: row["province_zh"] for row in rows("networks.csv")}
    for circuit in rows("demo/circuits.csv"):
        backbone = [row for row in segments_by_circuit()[circuit["id"]] if row["kind"] == "backbone"]
        hops = [row["between"].split("-") for row in backbone]
        assert [networks()[row["network"]]["name_zh"] for row in backbone] == [start for start, _ in hops]
        assert all(before[1] == after[0] for before, after in pairwise(hops))
        at_ends = tuple(networks()[code]["province_zh"] for code in ends(circuit))
        assert (province[hops[0][0]], province[hops[-1][1]]) == at_ends


def test_shares_of_extended_circuits_third_party_tails_and_customer_lans() -> None:
    circuits, segments = rows("demo/circuits.csv"), rows("demo/segments.csv")
    cities = {city for row in segments for city in row["between"].split("-")}
    extended = sum(any(networks()[code]["name_zh"] not in cities for code in ends(row)) for row in circuits)
    ids = Counter(row["id"] for row in segments)
    assert 0.30 < extended / len(circuits) < 0.37
    assert 0.08 < ids["z-third-party"] / len(circuits) < 0.12
    assert 0.08 < ids["a-lan"] / len(circuits) < 0.12
