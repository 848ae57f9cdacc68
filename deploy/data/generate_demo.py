"""Writes demo/circuits.csv, demo/segments.csv and demo/network_contacts.csv: circuits of the fictional accounts over a
real backbone, and whom to call in the networks that they pass.

Date: 2026-11-21. Source: the PyPI package `topohub` 1.5.1, topology `topozoo/Chinanet` (ChinaNet as the
Internet Topology Zoo recorded it), with networks.csv and demo/accounts.csv beside this file. The circuits,
their sites and the partner operators are invented; the same seed draws the same. Run from the project's root:

    uv run --no-project --with topohub==1.5.1 python deploy/data/generate_demo.py
"""

import csv
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from random import Random

import topohub  # type: ignore[import-untyped]

SOURCE_VERSION = "1.5.1"
TOPOLOGY = "topozoo/Chinanet"
SEED = 20261121
HERE = Path(__file__).parent
CIRCUITS_PER_ACCOUNT = 100

EXTENDED = 0.37  # of the circuits drawn; some cities have no further prefecture, so that a third remains
THIRD_PARTY_TAIL = 0.10
CUSTOMER_LAN = 0.10

# The cities as the topology spells them: Shilazhuang is 石家庄, Nandhang 南昌, Shiquanhe the seat of 阿里.
# fmt: off
CITY_CODES = {
    "Beijing": "010", "Guangzhou": "020", "Shanghai": "021", "Tianjin": "022", "Chongqing": "023",
    "Shenyang": "024", "Nanjing": "025", "Wuhan": "027", "Chengdu": "028", "Xi'an": "029",
    "Shilazhuang": "0311", "Taiyuan": "0351", "Zhengzhou": "0371", "Dalian": "0411", "Changchun": "0431",
    "Harbin": "0451", "Hohhot": "0471", "Suzhou": "0512", "Jinan": "0531", "Qingdao": "0532", "Hefei": "0551",
    "Hangzhou": "0571", "Fuzhou": "0591", "Xiamen": "0592", "Changsha": "0731", "Nanning": "0771",
    "Nandhang": "0791", "Guiyang": "0851", "Kunming": "0871", "Lhasa": "0891", "Shiquanhe": "0897",
    "Haikou": "0898", "Lanzhou": "0931", "Yinchuan": "0951", "Xining": "0971", "Urumqi": "0991",
    "Kashi": "0998",
}
# fmt: on
# Outside the mainland's numbering plan; and the source places it in Sichuan, so that its distances are wrong.
CITIES_LEFT_OUT = {"Hong Kong"}
# Backbone cities beside their province's capital; the other prefectures hang from the capital.
SECOND_CITIES = {"0411", "0512", "0532", "0592", "0897", "0998"}

PARTNERS = ("farshore-telecom", "hillfoot-broadband", "lanternlink-access", "saltroad-networks")

# fmt: off
CIRCUIT_COLUMNS = (
    "id", "account", "service", "bandwidth_mbps", "protected", "a_network", "a_site", "z_network", "z_site",
)
SEGMENT_COLUMNS = ("circuit", "position", "id", "kind", "side", "network", "party", "between")
CONTACT_COLUMNS = ("network", "list", "name", "role", "phone", "email", "language", "window")
# fmt: on
# Desks, not people: which list, its name, its role, the last digits of its number, when it is there.
DESKS = (
    ("contacts", "响应中心", "response center", 11, "24x7"),
    ("duty", "白班值班长", "duty manager, day", 21, "08:00-20:00"),
    ("duty", "夜班值班长", "duty manager, night", 22, "20:00-08:00"),
)

Links = dict[str, dict[str, float]]
Row = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A product: its letters in a circuit's id, how often it is drawn, and what is sold of it."""

    letters: str
    weight: int
    protected_share: float
    bandwidths_mbps: tuple[int, ...]


SERVICES = {
    "ip-vpn": Service("IPV", 45, 0.3, (2, 10, 20, 50, 100, 200, 500)),
    "leased-line": Service("LLN", 25, 0.3, (2, 4, 10, 34, 100)),
    "video": Service("VID", 10, 0.2, (8, 20, 50, 100)),
    "sdh": Service("SDH", 15, 0.7, (155, 622, 2500)),
    "dwdm": Service("WDM", 5, 0.7, (2500, 10000, 100000)),
}


@dataclass(frozen=True, slots=True)
class Country:
    """Names by area code, the backbone's links in km, and the prefectures that hang from a backbone city."""

    names: dict[str, str]
    links: Links
    prefectures: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class End:
    """One end of a circuit; `hub` is the backbone city through which its network is reached."""

    network: str
    hub: str
    site: str


@dataclass(frozen=True, slots=True)
class Circuit:
    id: str
    account: str
    service: str
    bandwidth_mbps: int
    protected: bool
    a: End
    z: End

    def row(self) -> Row:
        about = (self.id, self.account, self.service, self.bandwidth_mbps, str(self.protected).lower())
        return (*about, self.a.network, self.a.site, self.z.network, self.z.site)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a circuit: a local network repairs it, or a named party outside does."""

    id: str
    kind: str
    side: str = ""
    network: str = ""
    party: str = ""
    between: str = ""

    def row(self, circuit: str, position: int) -> Row:
        return (circuit, position, self.id, self.kind, self.side, self.network, self.party, self.between)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, *, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def backbone_links() -> Links:
    """Distances in km between neighbouring backbone cities, both ways, by area code."""
    topology = topohub.get(TOPOLOGY)
    names = {node["id"]: node["name"] for node in topology["nodes"]}
    links: Links = {code: {} for code in CITY_CODES.values()}
    for edge in topology["edges"]:
        ends = names[edge["source"]], names[edge["target"]]
        if CITIES_LEFT_OUT.isdisjoint(ends):
            here, there = (CITY_CODES[name] for name in ends)
            links[here][there] = links[there][here] = edge["dist"]
    return links


def load_country() -> Country:
    networks = read_rows(HERE / "networks.csv")
    province = {row["code"]: row["province_zh"] for row in networks}
    links = backbone_links()
    prefectures = {
        hub: [code for code in province if province[code] == province[hub] and code not in links]
        for hub in links
        if hub not in SECOND_CITIES
    }
    return Country(names={row["code"]: row["name_zh"] for row in networks}, links=links, prefectures=prefectures)


def shortest_path(links: Links, *, start: str, goal: str) -> list[str]:
    """The cities from start to goal, both included, over the fewest km."""
    queue = [(0.0, [start])]
    settled: set[str] = set()
    while queue:
        distance, path = heapq.heappop(queue)
        here = path[-1]
        if here == goal:
            return path
        if here not in settled:
            settled.add(here)
            for there, km in links[here].items():
                heapq.heappush(queue, (distance + km, [*path, there]))
    raise ValueError(f"no path from {start} to {goal}")


def draw_ends(rng: Random, country: Country) -> tuple[End, End]:
    """Two cities of the backbone; sometimes one of them gives way to another prefecture of its province."""
    hubs = rng.sample(sorted(country.links), 2)
    networks = list(hubs)
    extendable = [place for place, hub in enumerate(hubs) if country.prefectures.get(hub)]
    if extendable and rng.random() < EXTENDED:
        place = rng.choice(extendable)
        networks[place] = rng.choice(country.prefectures[hubs[place]])
    a, z = (
        End(network=network, hub=hub, site=f"{country.names[network]} site {rng.randint(1, 5)}")
        for network, hub in zip(networks, hubs, strict=True)
    )
    return a, z


def draw_circuits(rng: Random, country: Country) -> Iterator[Circuit]:
    numbers: Counter[str] = Counter()
    weights = [service.weight for service in SERVICES.values()]
    for account in read_rows(HERE / "demo" / "accounts.csv"):
        for _ in range(CIRCUITS_PER_ACCOUNT):
            a, z = draw_ends(rng, country)
            (name,) = rng.choices(list(SERVICES), weights)
            service = SERVICES[name]
            stem = f"{a.network}-{z.network}-{service.letters}"
            numbers[stem] += 1
            yield Circuit(
                id=f"{stem}-{numbers[stem]:04}",
                account=account["id"],
                service=name,
                bandwidth_mbps=rng.choice(service.bandwidths_mbps),
                protected=rng.random() < service.protected_share,
                a=a,
                z=z,
            )


def draw_segments(rng: Random, country: Country, *, circuit: Circuit) -> Iterator[Segment]:
    """The segments from A-end to Z-end; the network of a backbone hop is that of its first city."""
    customer_lan = rng.random() < CUSTOMER_LAN
    third_party = rng.random() < THIRD_PARTY_TAIL
    if customer_lan:
        yield Segment("a-lan", "customer-lan", side="a", party="customer")
    yield Segment("a-access", "access", side="a", network=circuit.a.network)
    yield Segment("a-metro", "metro", side="a", network=circuit.a.network)
    path = shortest_path(country.links, start=circuit.a.hub, goal=circuit.z.hub)
    for hop, (here, there) in enumerate(pairwise(path), start=1):
        between = f"{country.names[here]}-{country.names[there]}"
        yield Segment(f"backbone-{hop}", "backbone", network=here, between=between)
    yield Segment("z-metro", "metro", side="z", network=circuit.z.network)
    if third_party:
        yield Segment("z-third-party", "third-party", side="z", party=rng.choice(PARTNERS))
    else:
        yield Segment("z-access", "access", side="z", network=circuit.z.network)
    if customer_lan:
        yield Segment("z-lan", "customer-lan", side="z", party="customer")


def network_contacts(country: Country, segments: Iterable[Row]) -> Iterator[Row]:
    """Of every network that some segment names. The numbers are nobody's."""
    for code in sorted({str(row[5]) for row in segments if row[5]}):
        mail = f"{code}@networks.operator.example"
        for number, (list_, name, role, digits, window) in enumerate(DESKS):
            phone = f"+86 {code.removeprefix('0')} 5550 01{digits}"
            yield code, list_, country.names[code] + name, role, phone, mail if number == 0 else "", "zh", window


def main() -> None:
    if (found := version("topohub")) != SOURCE_VERSION:
        raise SystemExit(f"the demo is made from topohub {SOURCE_VERSION}, found {found}")
    rng = Random(SEED)
    country = load_country()
    circuits = list(draw_circuits(rng, country))
    segments = [
        segment.row(circuit.id, position)
        for circuit in circuits
        for position, segment in enumerate(draw_segments(rng, country, circuit=circuit), start=1)
    ]
    demo = HERE / "demo"
    write_rows(demo / "circuits.csv", columns=CIRCUIT_COLUMNS, rows=(each.row() for each in circuits))
    write_rows(demo / "segments.csv", columns=SEGMENT_COLUMNS, rows=segments)
    write_rows(demo / "network_contacts.csv", columns=CONTACT_COLUMNS, rows=network_contacts(country, segments))
    print(f"{len(circuits)} circuits, {len(segments)} segments")


if __name__ == "__main__":
    main()
