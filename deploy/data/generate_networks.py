"""Writes networks.csv: one row for each local network (本地网), by the area code people dial.

Date: 2026-11-21. Source: the PyPI package `phonenumbers` 9.0.43: its geocoding data for +86 (zh and en) and
its pattern of fixed-line numbers. Run from the project's root:

    uv run --no-project --with phonenumbers==9.0.43 python deploy/data/generate_networks.py

How codes get merged, `merged` naming what went in:
- A numbering area shared by several prefectures is one network; it bears the name of the first, the others
  are merged (0731 长沙: 湘潭 株洲).
- A prefecture with two area codes is one network; the code of its seat stays, the other is merged
  (0977 海西: 0979).
- Counties and county-level cities that the source names beside their prefecture are left out.
What the source has wrong, old or not at all stands in the tables below, each with its reason.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from phonenumbers import PhoneMetadata
from phonenumbers.geodata import GEOCODE_DATA

SOURCE_VERSION = "9.0.43"
TARGET = Path(__file__).with_name("networks.csv")
COLUMNS = ("code", "name_zh", "name_en", "province_zh", "province_en", "merged")

# Mobile ranges share the prefix 1 with Beijing's 10 and are no local network.
TWO_DIGIT_CODE = re.compile(r"10|2\d")
MOBILE = re.compile(r"1[1-9]")

# Descriptions replaced whole: keyed by area code, the Chinese description that is right.
DESCRIPTION_ZH = {
    "0354": "山西省晋中市",  # 0354 and 0358 are both described as the pair 晋中、吕梁; each has its own code
    "0358": "山西省吕梁市",
    "0433": "吉林省延边朝鲜族自治州",  # names 珲春, 延吉: county-level cities of 延边
    "0435": "吉林省通化市",  # names 梅河口: county-level city of 通化
    "0692": "云南省德宏傣族景颇族自治州",  # names 芒市, the seat
    "0731": "湖南省长沙市、湘潭市、株洲市",  # writes 株州
    "0887": "云南省迪庆藏族自治州",  # names 香格里拉, the seat
    "0892": "西藏日喀则市",  # names counties too
    "0896": "西藏那曲市",
    "0897": "西藏阿里地区",
}

# Prefectures that the source does not name, under the code they share. With them each of the 333 divisions of
# prefecture level appears once, as a network or merged; checked against a second public list of area codes.
UNNAMED_PREFECTURES = {
    "0371": ("开封",),  # 0378 was withdrawn in 2013
    "0558": ("亳州",),
    "0772": ("来宾",),
    "0774": ("贺州",),
    "0775": ("贵港",),
    "0898": ("三沙", "儋州"),
    "0935": ("金昌",),  # named in English only
    "0937": ("嘉峪关",),
}

# Second codes of one prefecture → the code of its seat.
SECOND_CODES = {"0979": "0977", "0992": "0999"}

# fmt: off
NAME_EN = {
    # the source names the seat, a neighbour or another place of the area; the network is the prefecture
    "0358": "Luliang", "0433": "Yanbian", "0457": "Da Hinggan Ling", "0692": "Dehong", "0731": "Changsha",
    "0743": "Xiangxi", "0834": "Liangshan", "0859": "Qianxinan", "0887": "Diqing", "0908": "Kizilsu",
    "0909": "Bortala", "0914": "Shangluo", "0934": "Qingyang", "0935": "Wuwei", "0939": "Longnan",
    "0970": "Haibei", "0972": "Haidong", "0973": "Huangnan", "0974": "Hainan", "0975": "Golog",
    "0977": "Haixi", "0996": "Bayingolin", "0999": "Ili",
    # spelling: syllables run together, a slip of the pen, or pinyin where another romanisation is customary
    "029": "Xi'an", "0471": "Hohhot", "0478": "Bayannur", "0517": "Huai'an", "0538": "Tai'an",
    "0555": "Ma'anshan", "0886": "Nujiang", "0892": "Xigaze", "0894": "Nyingchi", "0895": "Qamdo",
    "0896": "Nagqu", "0897": "Ngari", "0903": "Hotan", "0906": "Altay", "0911": "Yan'an", "0990": "Karamay",
    "0995": "Turpan", "0997": "Aksu",
}
# fmt: on

PROVINCE_ZH = re.compile(
    r"(北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南"
    r"|陕西|甘肃|青海|内蒙古|广西|西藏|宁夏|新疆)(?:省|(?:壮族|维吾尔|回族)?自治区)?(?P<places>.+)"
)
KIND_OF_PREFECTURE = re.compile(
    r"(?:(?:彝族|白族|傣族|景颇族|壮族|苗族|朝鲜族|土家族|布依族|藏族|回族|蒙古族?|哈萨克|柯尔克孜)+自治州|市|地区)$"
)


@dataclass(frozen=True, slots=True)
class Network:
    """One row of networks.csv; `merged` holds prefectures' names and further area codes."""

    code: str
    name_zh: str
    name_en: str
    province_zh: str
    province_en: str
    merged: tuple[str, ...]

    def row(self) -> tuple[str, ...]:
        names = (self.name_zh, self.name_en, self.province_zh, self.province_en)
        return (self.code, *names, " ".join(self.merged))


def full_code(prefix: str) -> str:
    """The area code as dialled. The source shortens a code that is alone under its prefix: 33 is 0335.

    Raises ValueError unless exactly one three-digit code under the prefix can be a fixed line.
    """
    if len(prefix) == 3 or TWO_DIGIT_CODE.fullmatch(prefix):
        return "0" + prefix
    metadata = PhoneMetadata.metadata_for_region("CN")
    pattern = metadata.fixed_line.national_number_pattern if metadata and metadata.fixed_line else None
    fixed_line = re.compile(pattern or "")
    (code,) = (prefix + digit for digit in "0123456789" if fixed_line.fullmatch(prefix + digit + "5550000"))
    return "0" + code


def descriptions() -> Iterator[tuple[str, str, str]]:
    """Area code, Chinese and English description, as the source has them."""
    for number, names in GEOCODE_DATA.items():
        prefix = number.removeprefix("86")
        if number.startswith("86") and len(prefix) in (2, 3) and not MOBILE.match(prefix):
            yield full_code(prefix), names["zh"], names["en"]


def network(code: str, described_zh: str, described_en: str) -> Network:
    found = PROVINCE_ZH.fullmatch(DESCRIPTION_ZH.get(code, described_zh))
    if found is None:
        raise ValueError(f"no province in {described_zh!r} ({code})")
    names = [KIND_OF_PREFECTURE.sub("", place) for place in found["places"].split("、")]
    municipality = names == [""]  # 北京市 is all province, no place
    places_en, _, province_en = described_en.partition(", ")
    return Network(
        code=code,
        name_zh=found[1] if municipality else names[0],
        name_en=NAME_EN.get(code, places_en.split("/")[0]),
        province_zh=found[1],
        province_en=province_en or places_en,
        merged=(
            *names[1:],
            *UNNAMED_PREFECTURES.get(code, ()),
            *(second for second, seat in SECOND_CODES.items() if seat == code),
        ),
    )


def networks() -> list[Network]:
    described = (network(*entry) for entry in descriptions() if entry[0] not in SECOND_CODES)
    return sorted(described, key=lambda each: each.code)


def main() -> None:
    if (found := version("phonenumbers")) != SOURCE_VERSION:
        raise SystemExit(f"networks.csv is made from phonenumbers {SOURCE_VERSION}, found {found}")
    rows = networks()
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(each.row() for each in rows)
    print(f"{TARGET.name}: {len(rows)} local networks")


if __name__ == "__main__":
    main()
