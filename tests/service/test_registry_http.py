"""The registry over HTTP: an operator reads and changes entries; all of a request, or none of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import main
from services.commands.prepare import prepare
from shared.settings import Settings
from tests.centers import House
from tests.people import Caller, Json, done
from tests.registry import ACCOUNTS, BEIJING, CIRCUITS, FAR, GRID, NETWORKS

NEW: Json = {"id": "new-bank", "name_zh": "新行", "name_en": "New Bank", "sector": "finance", "tier": "gold"}


async def circuit(center: House, id: str = FAR) -> Json:
    return done(await center.operator.get(f"/v1/registry/circuits/{id}"))


async def put(center: House, path: str, entry: Json) -> Json:
    return done(await center.operator.send("PUT", path, json=entry))


async def problems(center: House, body: Json) -> list[tuple[str, str]]:
    answer = await center.operator.post("/v1/registry/import", body)
    assert answer.status_code == 422
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


async def test_lists_are_whole_and_show_nothing_twice_by_page(any_center: House) -> None:
    """What other tests left in PostgreSQL's registry is there too."""
    for name, entries in (("accounts", ACCOUNTS), ("circuits", CIRCUITS)):
        found = [entry["id"] for entry in await any_center.operator.items(f"/v1/registry/{name}", limit=2)]
        assert {entry.id for entry in entries} <= set(found)
        assert len(set(found)) == len(found)
    codes = [network["code"] for network in await any_center.operator.items("/v1/registry/networks", limit=3)]
    assert {network.code for network in NETWORKS} <= set(codes)
    assert codes == sorted(set(codes))


@pytest.mark.parametrize(
    ("command", "instead"), [("export", "GET /v1/registry/accounts"), ("import", "POST /v1/registry/import")]
)
async def test_command_beside_a_running_embedded_center_names_what_does_the_same(
    embedded: House, tmp_path: Path, command: str, instead: str
) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text("account: {id: new-bank, name_zh: 新行, name_en: New Bank, sector: finance, tier: gold}\n")
    on = ["--data-dir", str(embedded.center.settings.data_dir)]
    told = await asyncio.to_thread(CliRunner().invoke, main, ["registry", command, str(file), *on])
    assert told.exit_code == 1
    assert (
        f"Stop it first, or {'read' if command == 'export' else 'change'} the registry over HTTP: {instead}"
        in told.stderr
    )


def test_folder_of_files_of_which_one_can_not_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "circuits.csv").mkdir()
    prepare(Settings(data_dir=tmp_path))
    told = CliRunner().invoke(main, ["registry", "import", str(tmp_path), "--data-dir", str(tmp_path)])
    assert (told.exit_code, "Nothing was changed" in told.stderr, "circuits.csv" in told.stderr) == (1, True, True)


@pytest.mark.parametrize("target", ["all.yaml", "all"])
def test_export_that_can_not_be_made_leaves_nothing_half_written(tmp_path: Path, target: str) -> None:
    (tmp_path / "vrc.sqlite3").write_bytes(b"")
    told = CliRunner().invoke(main, ["registry", "export", str(tmp_path / target), "--data-dir", str(tmp_path)])
    assert (told.exit_code, "vrc migrate" in told.stderr) == (1, True)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".new", ".csv", ".yaml")]


async def test_keys_of_an_account_that_leaves_end_with_it_and_say_so_in_the_trail(any_center: House) -> None:
    done(await any_center.operator.post("/v1/registry/import", {"accounts": [NEW]}))
    key = done(await any_center.operator.post("/v1/keys", {
        "role": "account", "subject": NEW["id"], "scopes": ["tickets:read"],
    }))  # fmt: skip
    leaver = Caller(any_center.http, key["key"])
    assert (await leaver.get("/v1/tickets")).status_code == 200
    remove = {"remove": {"accounts": [NEW["id"]]}}
    done(await any_center.operator.post("/v1/registry/import", {**remove, "dry_run": True}))
    await any_center.center.key_follower.refresh()
    assert (await leaver.get("/v1/tickets")).status_code == 200
    done(await any_center.operator.post("/v1/registry/import", remove))
    await any_center.center.key_follower.refresh()
    assert (await leaver.get("/v1/tickets")).status_code == 401
    (act,) = await any_center.operator.items("/v1/audit", object=f"key:{key['id']}", action="key.revoked")
    assert (act["actor"], act["address"]) == ("operator:noc", "127.0.0.1")


async def test_what_was_read_can_be_put_back_and_changes_nothing(any_center: House) -> None:
    for path in (f"accounts/{GRID}", f"circuits/{FAR}", f"networks/{BEIJING}"):
        entry = done(await any_center.operator.get(f"/v1/registry/{path}"))
        assert (await put(any_center, f"/v1/registry/{path}", entry))["changes"] == []


async def test_entry_that_is_put_is_there_at_once_and_as_it_was_before(embedded: House) -> None:
    before = await circuit(embedded)
    answer = await put(embedded, f"/v1/registry/circuits/{FAR}", {**before, "bandwidth_mbps": 7})
    assert answer["changes"] == [{"kind": "circuit", "id": FAR, "what": "changed", "fields": ["bandwidth_mbps"]}]
    assert (await circuit(embedded))["bandwidth_mbps"] == 7
    earlier = await embedded.operator.get(f"/v1/registry/circuits/{FAR}", version=answer["version"] - 1)
    assert done(earlier) == before


async def test_import_does_all_and_dry_run_none(any_center: House) -> None:
    body = {"accounts": [NEW], "circuits": [{**await circuit(any_center), "id": "NEW-1", "account": "new-bank"}]}
    said = done(await any_center.operator.post("/v1/registry/import", {**body, "dry_run": True}))
    assert [(c["id"], c["what"]) for c in said["changes"]] == [("new-bank", "added"), ("NEW-1", "added")]
    assert (await any_center.operator.get("/v1/registry/accounts/new-bank")).status_code == 404
    real = done(await any_center.operator.post("/v1/registry/import", body))
    assert (real["changes"], real["version"]) == (said["changes"], said["version"] + 1)
    remove = {"remove": {"accounts": ["new-bank"], "circuits": ["NEW-1"]}}
    assert len(done(await any_center.operator.post("/v1/registry/import", remove))["changes"]) == 2


async def test_faults_name_their_fields_and_nothing_is_changed(embedded: House) -> None:
    good, segment = await circuit(embedded), {"id": "x", "kind": "access"}
    assert await problems(embedded, {"accounts": [NEW], "circuits": [{**good, "segments": [segment]}]}) == [
        ("circuits.0.segments.0.network", "name either the network that is responsible or the party")
    ]
    assert await problems(embedded, {"circuits": [good, {**good, "account": "nobody"}]}) == [
        ("circuits.1.id", "is given twice")
    ]
    assert (await problems(embedded, {"circuits": [{**good, "colour": 1}]}))[0][0] == "circuits.0.colour"
    assert (await embedded.operator.get("/v1/registry/accounts/new-bank")).status_code == 404


async def test_circuit_with_an_open_ticket_is_not_removed_and_the_ticket_is_named(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR)
    assert await problems(embedded, {"remove": {"circuits": [FAR]}}) == [
        ("remove.circuits", f"circuit {FAR} has the open ticket {ticket}")
    ]


async def test_id_in_the_body_must_be_the_one_in_the_address(embedded: House) -> None:
    answer = await embedded.operator.send("PUT", f"/v1/registry/accounts/{GRID}", json=NEW)
    assert answer.json()["errors"] == [{"field": "id", "message": "is not the one in the address"}]


@pytest.mark.parametrize("path", ["accounts/nobody", "circuits/nothing", "networks/0999", "circuits/%00", "accounts/ "])
async def test_unknown_entry_is_404(embedded: House, path: str) -> None:
    assert (await embedded.operator.get(f"/v1/registry/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/registry/accounts", None),
        ("GET", f"/v1/registry/accounts/{GRID}", None),
        ("PUT", f"/v1/registry/accounts/{GRID}", NEW),
        ("POST", "/v1/registry/import", {}),
        ("GET", "/v1/desk/lookup?q=Huawang", None),
    ],
)
async def test_registry_and_desk_are_the_operators_only(embedded: House, method: str, path: str, body: Any) -> None:
    for caller, status in ((embedded.customer, 403), (embedded.network(BEIJING), 403), (embedded.nobody, 401)):
        answer = await caller.send(method, path, **({} if body is None else {"json": body}))
        assert answer.status_code == status


async def test_circuit_that_is_imported_can_be_reported_on_within_a_moment(embedded: House) -> None:
    await put(embedded, "/v1/registry/circuits/NEW-2", {**await circuit(embedded), "id": "NEW-2"})
    await embedded.center.follower.refresh()
    assert await embedded.customer.report("NEW-2")
