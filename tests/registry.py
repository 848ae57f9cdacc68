"""The registry that the tests' centers know: two accounts, seven local networks, and a circuit of every sort."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry.model import Account, Circuit, ContactPoint, End, Network, Segment, Side

GRID, BANK = AccountId("hw-power"), AccountId("beiyuan-bank")
ACCOUNTS = (
    Account(GRID, "华网电力", "Huawang Power", "other", "diamond"),
    Account(BANK, "北原银行", "Beiyuan Bank", "finance", "jade"),
)
BEIJING, SHANGHAI, XIAN = NetworkCode("010"), NetworkCode("021"), NetworkCode("029")
KUNMING, CHUXIONG, SHENZHEN, DALI = (NetworkCode(code) for code in ("0871", "0878", "0755", "0872"))
NOWHERE = NetworkCode("0999")  # stands in a circuit, and no such network is known
NETWORKS = (
    Network(BEIJING, "北京", "Beijing", "北京", "Beijing"),
    Network(SHANGHAI, "上海", "Shanghai", "上海", "Shanghai"),
    Network(XIAN, "西安", "Xi'an", "陕西", "Shaanxi"),
    Network(KUNMING, "昆明", "Kunming", "云南", "Yunnan"),
    Network(CHUXIONG, "楚雄", "Chuxiong", "云南", "Yunnan"),
    Network(SHENZHEN, "深圳", "Shenzhen", "广东", "Guangdong"),
    Network(DALI, "大理", "Dali", "云南", "Yunnan"),
)


def _lan(side: Side) -> Segment:
    return Segment(f"{side}-lan", "customer-lan", side, party="customer")


def _local(side: Side, network: NetworkCode) -> Sequence[Segment]:
    """From the site inwards."""
    return Segment(f"{side}-access", "access", side, network), Segment(f"{side}-metro", "metro", side, network)


def _tail(side: Side) -> Segment:
    return Segment(f"{side}-tail", "third-party", side, party="Metro Fibre Ltd")


def _backbone(*networks: NetworkCode) -> Iterator[Segment]:
    for number, network in enumerate(networks, 1):
        yield Segment(f"backbone-{number}", "backbone", network=network, between=f"{network} and beyond")


def _circuit(
    id: str, account: AccountId, a: NetworkCode, z: NetworkCode, segments: Sequence[Segment] | None = None
) -> Circuit:
    straight = (*_local("a", a), *_backbone(XIAN), *reversed(_local("z", z)))
    return Circuit(
        CircuitId(id), account, "ip-vpn", 100, False, End(a, "head office"), End(z, "branch"),
        tuple(straight if segments is None else segments),
    )  # fmt: skip


FAR = "SG-0878-010"
"""Chuxiong to Beijing, customer LAN to customer LAN, over a backbone of Kunming's and Xi'an's."""
NEAR = "SG-0871-0871"
"""Both ends in Kunming."""
TAILED = "SG-0755-021"
"""Shenzhen to Shanghai, where a partner's tail lies between Shanghai's access and the customer."""
LOST = "SG-0999-010"
"""Its A-end's network is not in the registry."""
FOREIGN = "SG-PARTNER"
"""Not one segment of it is a local network's."""
PLAIN = tuple(f"SG-021-029-{number}" for number in range(1, 6))
"""Shanghai to Xi'an, as often as a test needs another circuit."""
OTHERS = ("BY-1", "BY-2")
"""The bank's, Beijing to Shanghai."""
TWO_PATHS = "SG-TWO-PATHS"
"""Protected: Shanghai to Xi'an over two paths; its A-end's LAN is ours, a partner's tail has a known demarcation."""
CIRCUITS = (
    _circuit(FAR, GRID, CHUXIONG, BEIJING, (
        _lan("a"), *_local("a", CHUXIONG), *_backbone(KUNMING, XIAN), *reversed(_local("z", BEIJING)), _lan("z"),
    )),
    _circuit(NEAR, GRID, KUNMING, KUNMING, (*_local("a", KUNMING), *reversed(_local("z", KUNMING)))),
    _circuit(TAILED, GRID, SHENZHEN, SHANGHAI, (
        *_local("a", SHENZHEN), *_backbone(XIAN), *reversed(_local("z", SHANGHAI)), _tail("z"), _lan("z"),
    )),
    _circuit(LOST, GRID, NOWHERE, BEIJING),
    _circuit(FOREIGN, GRID, BEIJING, SHANGHAI, (_lan("a"), _tail("a"), _tail("z"), _lan("z"))),
    replace(_circuit(TWO_PATHS, GRID, SHANGHAI, XIAN, (
        Segment("a-lan", "customer-lan", "a", SHANGHAI), *_local("a", SHANGHAI), *_backbone(XIAN), replace(
            _tail("z"), demarcation="ODF 3", contact=ContactPoint("Partner's desk", phone="+86 21 5550 0134")
        ),
    )), protected=True),
    *(_circuit(id, GRID, SHANGHAI, XIAN) for id in PLAIN),
    *(_circuit(id, BANK, BEIJING, SHANGHAI) for id in OTHERS),
)  # fmt: skip
