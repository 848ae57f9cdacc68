"""What the documents say of the code is what the code says of itself."""

import importlib
import re
from pathlib import Path

import pytest

from services.commands.settings import page
from services.flow import FLOW, PICTURE, Part
from shared.settings import Settings

ROOT = Path(__file__).parents[2]


def test_settings_page_is_what_the_command_prints() -> None:
    assert (ROOT / "docs/operations/settings.md").read_text() == page()


def test_every_setting_has_a_meaning() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_readme_shows_the_flow() -> None:
    assert PICTURE in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("part", FLOW, ids=lambda part: part.name)
def test_each_service_defines_the_tables_it_owns(part: Part) -> None:
    files = sorted((ROOT / "services" / part.name).rglob("tables.py"))
    modules = [importlib.import_module(".".join(f.relative_to(ROOT).with_suffix("").parts)) for f in files]
    tables = [value for module in modules for value in vars(module).values()]
    assert {t.name for t in tables if t.__class__.__name__ == "Table"} == part.owns


def test_links_of_the_documents_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    targets = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    assert [(str(page), link) for page, link in targets if not (page.parent / link).exists()] == []


def test_every_test_the_security_notes_name_is_there() -> None:
    page, folder, missing = (ROOT / "docs/operations/security.md").read_text(), "", []
    for found in re.findall(r"`(tests/\w+/)?(test_\w+\.py)`", page):
        folder = found[0] or folder
        if not (ROOT / folder / found[1]).exists():
            missing.append(folder + found[1])
    assert missing == []
