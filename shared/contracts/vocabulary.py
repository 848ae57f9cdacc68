"""The coded words of facts and tickets, as people read them: (中文, English). What people wrote is not translated."""

from collections.abc import Mapping
from typing import Literal

Lang = Literal["zh", "en"]

STATUS: Mapping[str, tuple[str, str]] = {
    "acknowledged": ("已受理", "acknowledged"),
    "rejected": ("已退单", "rejected"),
    "pending": ("挂起，等客户", "waiting for the customer"),
    "held": ("挂起，等内部", "waiting inside"),
    "inProgress": ("修障中", "in progress"),
    "resolved": ("已销障，待确认", "restored, to be confirmed"),
    "closed": ("已关闭", "closed"),
    "cancelled": ("已撤销", "cancelled"),
}
VALUES: Mapping[str, tuple[str, str]] = {
    "down": ("全阻", "down"),
    "degraded": ("劣化", "degraded"),
    "intermittent": ("时断时续", "intermittent"),
    "diagnosing": ("正在判断", "diagnosing"),
    "diagnosed": ("已定位", "diagnosed"),
    "travelling": ("在途", "on the way"),
    "on_site": ("已到现场", "on site"),
    "repairing": ("正在修复", "repairing"),
    "testing": ("正在测试", "testing"),
    "other": ("其他", "other"),
    "not_our_segment": ("不是本网的段", "not our segment"),
    "no_fault_found": ("未发现故障", "no fault found"),
    "no_resources": ("无人可派", "nobody to send"),
    "customer_unavailable": ("客户不便", "the customer is not available"),
    "no_site_access": ("无法进入现场", "no access to the site"),
    "customer_power": ("客户侧停电", "the customer's power"),
    "customer_lan": ("客户局域网", "the customer's LAN"),
    "awaiting_customer_test": ("等客户测试", "the customer's test"),
    "force_majeure": ("不可抗力", "force majeure"),
    "third_party": ("第三方", "a third party"),
    "spares": ("等备件", "spare parts"),
    "internal": ("内部原因", "internal"),
    "fibre": ("光缆", "fibre"),
    "equipment": ("设备", "equipment"),
    "power": ("电源", "power"),
    "configuration": ("配置", "configuration"),
    "customer_side": ("客户侧", "the customer's side"),
    "restored": ("已销障", "restored"),
    "cancelled": ("已撤销", "cancelled"),
    "rejected": ("已退单", "rejected"),
    "rerouted": ("已改派", "routed elsewhere"),
    "accept": ("接单", "accepting the order"),
    "update": ("反馈", "an update"),
    "restore": ("销障", "restoration"),
    "report": ("障碍报告", "the fault report"),
    "confirm": ("确认", "confirmation"),
    "escalate": ("升级", "escalation"),
    "network": ("本地网值班长", "the network's duty manager"),
    "province": ("省公司", "the province"),
    "headquarters": ("总部", "headquarters"),
    "warning": ("临近时限", "time is running out"),
    "breach": ("超时", "a target is missed"),
    "mass_fault": ("群障", "a mass fault"),
    "chase": ("客户催单", "the customer asks"),
    "by_hand": ("人工", "by hand"),
    "spliced": ("已熔接", "spliced"),
    "replaced": ("已更换", "replaced"),
    "repaired": ("已修理", "repaired"),
    "reconfigured": ("已改配置", "reconfigured"),
    "restarted": ("已重启", "restarted"),
    "power_restored": ("已恢复供电", "power restored"),
    "customer_acted": ("客户侧处理", "the customer acted"),
    "cleared_itself": ("自行恢复", "cleared by itself"),
    "remedy_code.rerouted": ("已调通迂回路由", "carried over another path"),
}


def value(code: str, lang: Lang, *, field: str = "") -> str:
    """A coded word; one that is not known is itself. Of two fields with one code, one says its own."""
    zh, en = VALUES.get(f"{field}.{code}") or VALUES.get(code) or (code, code)
    return zh if lang == "zh" else en
