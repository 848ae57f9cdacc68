"""A scheme and spend figures are read whole, or refused with the file, the line or path, and the field."""

from decimal import Decimal
from pathlib import Path

import pytest

from shared.registry.tiers.files import read_scheme, read_spend

MONTHLY = Path(__file__).parents[2] / "deploy/config/tiers/monthly.toml"


def csv(folder: Path, text: str) -> Path:
    file = folder / "spend.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "monthly"', "name = ", r"monthly\.toml: is not TOML: .*line 4"),
        ("spend = 200_000", "spend = 600_000", r"tiers\.1\.spend: jade must be below diamond"),
        ("spend = 200_000", 'spend = "much"', r"tiers\.1\.spend: Input should be a valid decimal"),
        ('tier = "jade"', 'tier = "diamond"', "diamond stands there twice"),
        ('to = "gold"', 'to = "ruby"', r"raises\.2\.to: ruby is none of diamond"),
        ('sector = "education"', 'sector = "government"', r"raises\.2\.sector: government has a rule already"),
        ('period = "month"', 'period = "week"', "period: Input should be 'month' or 'year'"),
        ("review_months = 6", "", "review_months: Field required"),
        ("review_months = 6", "review_months = 6\ncolour = 3", "colour: Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_with_a_scheme_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    file = tmp_path / "monthly.toml"
    file.write_text(MONTHLY.read_text().replace(before, after, 1))
    with pytest.raises(ValueError, match=said):
        read_scheme(file)


def test_spend_is_read_with_its_lines(tmp_path: Path) -> None:
    file = csv(tmp_path, "﻿spend,account,note\n12000.50,a,x\n\n0,b,\n")
    assert read_spend(file) == {"a": (2, Decimal("12000.50")), "b": (4, Decimal(0))}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account,amount\na,1\n", "line 1: the header has no column spend"),
        ("account,spend\na,1\nb,12k\n", r"line 3: spend: '12k' is not a number"),
        ("account,spend\na,-1\n", "line 2: spend: -1 is not between 0"),
        ("account,spend\na,NaN\n", "line 2: spend: NaN is not between 0"),
        ("account,spend\na,1\na,2\n", "line 3: account: a was on line 2 already"),
        ("account,spend\n,2\n", "line 2: account: is empty"),
        ('account,spend\n"a,2\n', "after line 1: is not CSV"),
        ("", "line 1: the header has no column account, spend"),
    ],
)
def test_what_is_wrong_with_spend_figures_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_spend(csv(tmp_path, text))


def test_all_mistakes_are_named_at_once_but_not_thousands(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 21: .*\n… and 5 more") as refused:
        read_spend(csv(tmp_path, "account,spend\n" + "".join(f"a{n},x\n" for n in range(25))))
    assert str(refused.value).count("line ") == 20
