"""`vrc audit`: what an operator types to know whether the record holds, and what he keeps elsewhere for it."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.commands.prepare import prepare
from services.run import open_database
from shared.audit.signing import Signer
from shared.settings import Settings
from tests.auditing import recorded, reported
from tests.centers import House
from tests.registry import NEAR


class Record:
    """A center's data that no center is running on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(data_dir=folder)
        prepare(self.settings)

    def vrc(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["audit", *arguments, "--data-dir", str(self.folder)])

    def grow(self, first: int = 0) -> None:
        async def more() -> None:
            database = open_database(self.settings)
            await recorded(database, *range(first, first + 5))
            await reported(database, 2, entries=3, first=first)
            await database.close()

        asyncio.run(more())

    def sql(self, statement: str) -> None:
        connection = sqlite3.connect(self.settings.sqlite_path)
        connection.execute(statement)
        connection.commit()
        connection.close()


def copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    record = Record(tmp_path / "var")
    record.grow()
    return record


def test_untouched_record_holds(record: Record) -> None:
    answer = record.vrc("verify")
    assert (answer.exit_code, answer.stdout.splitlines()[-1]) == (0, "Nothing was tampered with.")
    assert "6 acts\n           6 entries of 2 tickets" in answer.stdout  # the migration's is the first


def test_first_broken_place_is_named_with_its_kind(record: Record) -> None:
    record.sql("UPDATE audit_log SET address = '10.9.9.9' WHERE position = 3")
    record.sql("DELETE FROM ticket_log WHERE seq = 2")
    answer = record.vrc("verify")
    assert answer.exit_code == 1
    assert "FOUND audit, 3: edited" in answer.stdout
    assert answer.stdout.count(", 2: deleted") == 2


def test_older_copy_of_everything_is_found_by_what_was_kept_elsewhere_and_by_nothing_else(
    record: Record, tmp_path: Path
) -> None:
    record.vrc("anchor")
    copy(record.settings.sqlite_path, tmp_path / "copy")
    record.grow(first=5)
    kept = tmp_path / "anchors"
    kept.write_text(record.vrc("anchors").stdout + record.vrc("anchor").stdout)
    copy(tmp_path / "copy", record.settings.sqlite_path)
    assert record.vrc("verify").exit_code == 0
    answer = record.vrc("verify", "--anchors", str(kept))
    assert (answer.exit_code, "FOUND anchors, 2: cut" in answer.stdout) == (1, True)


def test_anchor_signed_by_another_key_is_found(record: Record) -> None:
    record.vrc("anchor")
    assert record.vrc("verify", "--key", record.vrc("key").stdout.strip()).exit_code == 0
    other = record.vrc("verify", "--key", Signer(bytes(32)).public_key)
    assert (other.exit_code, "signature is not that of this key" in other.stdout) == (1, True)


def test_part_of_the_time_is_verified_alone(record: Record) -> None:
    record.sql("UPDATE audit_log SET actor = 'mallory' WHERE position = 2")
    assert record.vrc("verify", "--from", "2026-11-21T08:00:02Z", "--to", "2026-11-21T08:00:04Z").exit_code == 0
    assert record.vrc("verify", "--to", "2026-11-21T08:00:04Z").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--from", "yesterday"), "must be an instant with a zone"),
        (("verify", "--key", "abc"), "64 hexadecimal digits"),
        (("verify", "--anchors", __file__), "not an anchor's line"),
    ],
)
def test_what_can_not_be_checked_is_not_called_sound(record: Record, arguments: tuple[str, ...], said: str) -> None:
    record.vrc("anchor")
    answer = record.vrc(*arguments)
    assert answer.exit_code == 2
    assert said in answer.stderr


def test_record_that_is_not_there_can_not_be_checked(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["audit", "verify", "--data-dir", str(tmp_path)])
    assert (answer.exit_code, "can't be read" in answer.stderr) == (2, True)


@pytest.mark.parametrize("command", ["verify", "anchors", "anchor"])
@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "it is empty; make its tables with: vrc migrate"), (b"no database" * 999, "not a database")],
)
def test_record_that_can_not_be_read_is_not_called_tampered_with(
    tmp_path: Path, command: str, content: bytes, said: str
) -> None:
    (tmp_path / "vrc.sqlite3").write_bytes(content)
    answer = CliRunner().invoke(main, ["audit", command, "--data-dir", str(tmp_path)])
    assert (answer.exit_code, said in answer.stderr) == (2, True), answer.output


def test_record_of_another_version_is_not_called_tampered_with(record: Record) -> None:
    record.sql("UPDATE vrc_schema SET version_num = '0001'")
    answer = record.vrc("verify")
    assert (answer.exit_code, "it is at version 0001" in answer.stderr) == (2, True)


async def test_running_center_seals_and_anchors_and_is_verified_meanwhile(embedded: House) -> None:
    await embedded.customer.report(NEAR)
    embedded.clock.advance(timedelta(days=2))
    folder = str(embedded.way.settings.data_dir)
    answer = await asyncio.to_thread(CliRunner().invoke, main, ["audit", "verify", "--data-dir", folder])
    assert answer.exit_code == 0, answer.output
    assert "Nothing was tampered with." in answer.stdout
