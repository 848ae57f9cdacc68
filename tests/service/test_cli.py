"""The commands that use a running center: `vrc fault`, `vrc watch`, `vrc replay`, `vrc demo`, `vrc topics`."""

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from tests.country import CODES, Country
from tests.locked import Locked
from tests.waiting import until

CIRCUIT = "C-001"
VRC = Path(sys.executable).with_name("vrc")
INCIDENTS = Path(__file__).parents[1] / "data" / "incidents-30.csv"


class Terminal:
    """Runs commands against the center, with its credentials file."""

    def __init__(self, country: Country, folder: Path) -> None:
        self.country = country
        self.center = ["--url", country.url, "--credentials", str(country.write_credentials(folder))]

    async def run(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, main, [*arguments, *self.center])

    async def start(self, *arguments: str) -> Process:
        """As a process of its own, as it is with people."""
        return await asyncio.create_subprocess_exec(VRC, *arguments, *self.center, stdout=PIPE, stderr=STDOUT)

    async def fault(self, *more: str) -> str:
        """The new ticket's id."""
        return (await self.run("fault", CIRCUIT, "--description", "No light", *more)).output.split()[0]


@pytest.fixture
def terminal(embedded_country: Country, tmp_path: Path) -> Terminal:
    return Terminal(embedded_country, tmp_path)


async def test_fault_prints_the_ticket_and_how_to_watch_it(terminal: Terminal) -> None:
    answer = await terminal.run("fault", CIRCUIT, "--description", "No light", "--reference", "R-1", "--contact", "Li")
    (ticket,) = await terminal.country.tickets()
    assert answer.exit_code == 0
    assert f"{ticket['id']}  reported\nWatch it:  vrc watch {ticket['id']} --url" in answer.output
    assert (ticket["reference"], ticket["contact"]["name"], ticket["impact"]) == ("R-1", "Li", "down")


@pytest.mark.parametrize("speaking", [(), ("--as", "south-bank"), ("--key",)], ids=" ".join)
async def test_next_command_runs_as_it_is_printed(terminal: Terminal, speaking: tuple[str, ...]) -> None:
    key = terminal.country.operator.key
    told = await terminal.start(
        "fault", CIRCUIT, "--description", "-", *speaking, *([key] if "--key" in speaking else [])
    )
    command = (await told.communicate())[0].decode().partition("Watch it:  ")[2]
    (ticket,) = await terminal.country.tickets()
    await terminal.country.operator.cancel(ticket["id"])
    watching = await asyncio.create_subprocess_shell(command, stdout=PIPE, stderr=STDOUT)
    assert b"cancelled  [cancelled]\n" in (await watching.communicate())[0]


async def test_statement_is_written_to_a_file_that_verifies_and_to_a_page(terminal: Terminal, tmp_path: Path) -> None:
    ticket, file = await terminal.fault(), tmp_path / "statement.json"
    told = await terminal.run("statement", ticket, "-o", str(file))
    page = await terminal.run("statement", ticket, "--html", "--lang", "zh")
    assert (told.exit_code, told.output) == (0, f"{ticket}: {file}\n")
    key = json.loads(file.read_text())["key"]
    assert CliRunner().invoke(main, ["verify", str(file), "--key", key]).exit_code == 0
    assert f"<title>障碍处理对账单 {ticket}</title>" in page.output
    assert (await terminal.run("statement", "VT261121-7K3QM9XA")).exit_code == 1


async def test_fault_on_a_circuit_with_an_open_ticket_says_that_it_joined(terminal: Terminal) -> None:
    first = await terminal.fault()
    second = await terminal.run("fault", CIRCUIT, "--description", "Still no light")
    assert second.output.startswith(f"{first}  joined")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no-such-circuit"], "circuit: is no circuit's id; GET /v1/circuits lists them"),
        (["no-such-circuit", "--as", "south-bank"], "circuit: is not one of your circuits"),
        ([CIRCUIT, "--segment", "moon"], "segment: is not a segment of this circuit"),
        ([CIRCUIT, "--reference", "x" * 300], "reference: "),
        ([CIRCUIT, "--as", "nobody"], "has no account nobody; it has north-bank, south-bank"),
        ([CIRCUIT, "--key", "wrong"], "Send an API key that is valid"),
    ],
)
async def test_refused_fault_is_explained_in_words(terminal: Terminal, arguments: list[str], expected: str) -> None:
    answer = await terminal.run("fault", *arguments, "--description", "No light")
    assert answer.exit_code == 1
    assert expected in answer.output


async def test_account_reports_with_its_own_key(terminal: Terminal) -> None:
    ticket = await terminal.fault("--as", "south-bank")
    (entry, *_) = await terminal.country.operator.log(ticket)
    assert entry["actor"] == "account:south-bank"


async def test_command_says_when_no_center_answers() -> None:
    nowhere = ["--url", "http://127.0.0.1:9", "--key", "any", "--description", "No light"]
    answer = await asyncio.to_thread(CliRunner().invoke, main, ["fault", CIRCUIT, *nowhere])
    assert answer.output == "Error: The center at http://127.0.0.1:9 does not answer (ConnectError).\n"


async def test_command_says_which_credentials_are_missing(tmp_path: Path) -> None:
    answer = await asyncio.to_thread(
        CliRunner().invoke, main, ["watch", "VT261121-7K3QM9XA", "--credentials", str(tmp_path / "none.json")]
    )
    assert "none.json does not exist: start the center with vrc up --demo" in answer.output


@pytest.mark.parametrize(("lang", "last"), [("en", "cancelled  [cancelled]"), ("zh", "客户撤销  [已撤销]")])
async def test_watch_shows_every_fact_until_the_ticket_is_over(terminal: Terminal, lang: str, last: str) -> None:
    ticket = await terminal.fault()
    watching = asyncio.create_task(terminal.run("watch", ticket, "--lang", lang))
    await terminal.country.operator.note(ticket, "the guard has the key")
    await terminal.country.operator.cancel(ticket)
    answer = await watching
    lines = answer.output.splitlines()
    assert answer.exit_code == 0
    assert "the guard has the key" in answer.output
    assert re.sub(r"^\d\d:\d\d:\d\d  ", "", lines[-1]) == last


async def test_watch_of_an_unknown_ticket_says_so(terminal: Terminal) -> None:
    answer = await terminal.run("watch", "VT261121-7K3QM9XA")
    assert answer.exit_code == 1
    assert answer.output == "Error: VT261121-7K3QM9XA: There is nothing here that this key may see.\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.commands.stream.COME_BACK_S", 0)


async def test_watch_gives_up_a_center_that_never_answered(impatient: None) -> None:
    nowhere = ["--url", "http://127.0.0.1:9", "--key", "any"]
    answer = await asyncio.to_thread(CliRunner().invoke, main, ["watch", "VT261121-7K3QM9XA", *nowhere])
    assert answer.exit_code == 1
    assert answer.stderr.splitlines() == [
        *["No connection to http://127.0.0.1:9; trying again."] * 2,
        "Error: The center at http://127.0.0.1:9 does not answer (ConnectError).",
    ]


async def test_watch_goes_on_trying_once_it_had_a_connection(impatient: None) -> None:
    calls = iter([(1, "inProgress"), *[None] * 9, (2, "cancelled")])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if call := next(calls):
            seq, status = call
            said = {"type": "ticket.cancelled", "data": {}, "at": "2026-11-21T08:00Z"}
            fact = {"seq": seq, "status": status, **said}
            writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndata: {json.dumps(fact)}\n\n".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        center = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        watch = ["watch", "VT261121-7K3QM9XA", "--url", center, "--key", "any"]
        told = await asyncio.to_thread(CliRunner().invoke, main, watch)
    assert (told.exit_code, told.stdout.count("cancelled"), next(calls, None)) == (0, 3, None)


async def test_fault_may_wait_for_the_end(terminal: Terminal) -> None:
    waiting = asyncio.create_task(terminal.run("fault", CIRCUIT, "--description", "No light", "--wait"))
    await until(lambda: one_ticket(terminal.country))
    (ticket,) = await terminal.country.tickets()
    await terminal.country.operator.cancel(ticket["id"])
    assert (await waiting).output.endswith("cancelled  [cancelled]\n")


async def test_replay_says_what_it_did_and_writes_how_each_ticket_ended(terminal: Terminal, tmp_path: Path) -> None:
    few, out = tmp_path / "few.csv", tmp_path / "out.jsonl"
    few.write_text("".join(INCIDENTS.read_text(encoding="utf-8").splitlines(keepends=True)[:14]), encoding="utf-8")
    process = await terminal.start("replay", str(few), "--out", str(out))
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert re.search(r"rows of the file\W+13\b", output.decode())
    ended = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(e["incident"], e["status"]) for e in ended] == [("INC0000045", "closed"), ("INC0000064", "closed")]
    assert ended[0]["log"][0] == "ticket.reported"


async def test_demo_ends_when_its_faults_are_over(terminal: Terminal) -> None:
    process = await terminal.start("demo", "--faults", "3", "--speed", "20000", "--rate", "3000")
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert re.search(r"tickets\W+closed\W+3\b", output.decode())


async def test_demo_plays_the_networks_of_a_locked_broker_as_themselves(
    locked_country: Country, locked: Locked, tmp_path: Path
) -> None:
    broker = ["--kafka", locked.kafka.bootstrap, "--kafka-passwords", str(locked.passwords)]
    broker += ["--kafka-ca-file", str(locked.kafka.security.ca_file)]
    process = await Terminal(locked_country, tmp_path).start(
        "demo", "--faults", "3", "--speed", "20000", "--rate", "3000", *broker
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert re.search(r"tickets\W+closed\W+3\b", output.decode())


async def test_demo_without_the_networks_passwords_says_who_makes_them(terminal: Terminal, tmp_path: Path) -> None:
    (folder := tmp_path / "empty").mkdir()
    answer = await terminal.run("demo", "--kafka", "127.0.0.1:9", "--kafka-passwords", str(folder))
    assert "holds no local network's password; vrc networks provision makes them" in answer.output


async def test_demo_ends_cleanly_on_ctrl_c(terminal: Terminal) -> None:
    process = await terminal.start("demo", "--rate", "3000")
    assert process.stdout is not None
    assert b"fault reported" in await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert b"fault reports" in output
    assert b"Traceback" not in output


async def test_topics_are_created_once(production_country: Country) -> None:
    dsn, bootstrap = production_country.settings.database, production_country.kafka
    assert dsn is not None
    assert bootstrap is not None
    arguments = ["topics", "--database", dsn, "--kafka", bootstrap]
    await asyncio.to_thread(CliRunner().invoke, main, arguments)
    again = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert again.output == f"0 topics created, {1 + 2 * len(CODES)} were there already.\n"


async def one_ticket(country: Country) -> bool:
    return len(await country.tickets()) == 1
