"""`/v1/registry`: entries one by one and in pages, and changes, all of a request or none."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from services.intake.registry import shapes
from shared.auth.desk import end_keys_of
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.db.port import Database, Tx
from shared.errors import FieldError, InvalidInput, NotFound
from shared.ids import ENTRY_PATTERN
from shared.registry import history
from shared.registry.importing import Fault, Import, ImportRefused, Item, Outcome, run
from shared.registry.model import Account, Circuit, Network
from shared.registry.rules import Path as Field
from shared.registry.rules import contradictions
from shared.registry.shelves import SHELVES, Entry, Kind
from shared.registry.writing import Author
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS, StrictRoute, allow, problems

RegistryReader = Annotated[Principal, Depends(allow("operator", needs="registry:read"))]
RegistryWriter = Annotated[Principal, Depends(allow("operator", needs="registry:write"))]
EntryId = Annotated[str, Path(pattern=ENTRY_PATTERN)]
Version = Annotated[int | None, Query(ge=0, le=2**53, description="As it was when the registry had this version")]
FOLDERS: dict[Kind, str] = {"network": "networks", "account": "accounts", "circuit": "circuits"}
SHAPES: dict[Kind, tuple[Any, Any]] = {
    "network": (Network, shapes.NetworkPage),
    "account": (Account, shapes.AccountPage),
    "circuit": (Circuit, shapes.CircuitEntryPage),
}


def routes(database: Database, clock: Clock) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["registry"])
    for kind in FOLDERS:
        _add_reads(router, database, kind)
        _add_put(router, database, clock, kind)
    _add_import(router, database, clock)
    return router


def _add_reads(router: APIRouter, database: Database, kind: Kind) -> None:
    folder, (shape, list_shape) = FOLDERS[kind], SHAPES[kind]

    async def list_entries(caller: RegistryReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """All, in the order of their keys."""
        after = decode_cursor(cursor, str)
        found = await history.entries(database, kind, after=after[0] if after else "", most=limit + 1)
        last = found[min(limit, len(found)) - 1] if found else None
        following = encode_cursor(SHELVES[kind].id_of(last)) if last else None
        return json(page(list(found), limit=limit, next_cursor=following))

    async def read_entry(caller: RegistryReader, id: EntryId, version: Version = None) -> Response:
        """One, as it is or as it was."""
        if version is None:
            found = await history.entry(database, kind, id)
        else:
            found = await history.entry_at(database, kind, id, version)
        if found is None:
            raise NotFound()
        return json(found)

    router.add_api_route(
        f"/v1/registry/{folder}", list_entries, response_model=list_shape, responses=LIST_PROBLEMS,
        name=f"list_registry_{folder}",
    )  # fmt: skip
    router.add_api_route(
        f"/v1/registry/{folder}/{{id}}", read_entry, response_model=shape,
        responses={**READ_PROBLEMS, **problems(400, 422)}, name=f"read_registry_{kind}",
    )  # fmt: skip


def _add_put(router: APIRouter, database: Database, clock: Clock, kind: Kind) -> None:
    async def put_entry(caller: RegistryWriter, id: EntryId, body: Any) -> Response:
        """Add it, or replace it whole."""
        if SHELVES[kind].id_of(body) != id:
            raise InvalidInput(FieldError(SHELVES[kind].key, "is not the one in the address"))
        items = _checked(kind, [body], lambda number, path: ("", _dotted(path)))
        return await _change(database, items, by=Author(caller.actor, clock.now(), caller.origin))

    put_entry.__annotations__["body"] = SHAPES[kind][0]
    router.add_api_route(
        f"/v1/registry/{FOLDERS[kind]}/{{id}}", put_entry, methods=["PUT"], response_model=shapes.ImportAnswer,
        responses=WRITE_PROBLEMS, name=f"put_registry_{kind}",
    )  # fmt: skip


def _add_import(router: APIRouter, database: Database, clock: Clock) -> None:
    @router.post("/v1/registry/import", response_model=shapes.ImportAnswer, responses=WRITE_PROBLEMS)
    async def import_registry(caller: RegistryWriter, body: shapes.ImportBody) -> Response:
        """Many changes: all of them or none. The same again changes nothing."""

        async def remove(tx: Tx, started: Import) -> None:
            for kind in ("circuit", "account", "network"):
                if ids := getattr(body.remove, FOLDERS[kind]):
                    await started.remove(kind, list(dict.fromkeys(ids)), f"remove.{FOLDERS[kind]}")

        items: list[Item | Fault] = []
        for kind, folder in FOLDERS.items():
            entries = getattr(body, folder)
            given = {SHELVES[kind].id_of(entry) for entry in entries}
            both = [id for id in getattr(body.remove, folder) if id in given]
            items += [Fault(f"remove.{folder}", "", f"{id} is given too") for id in both]
            items += _checked(kind, entries, partial(_place, folder))
        by = Author(caller.actor, clock.now(), caller.origin)
        leaving = partial(end_keys_of, by=by)
        return await _change(database, items, by=by, remove=remove, leaving=leaving, dry_run=body.dry_run)


def _dotted(path: Field) -> str:
    return ".".join(map(str, path))


def _place(folder: str, number: int, path: Field) -> tuple[str, str]:
    return f"{folder}.{number}", _dotted(path)


def _checked(
    kind: Kind, entries: Sequence[Entry], place: Callable[[int, Field], tuple[str, str]]
) -> Iterator[Item | Fault]:
    """What shape alone does not say: no contradictions inside an entry, none twice."""
    shelf, seen = SHELVES[kind], set[str]()
    for number, entry in enumerate(entries):
        if shelf.id_of(entry) in seen:
            yield Fault(*place(number, (shelf.key,)), "is given twice")
        seen.add(shelf.id_of(entry))
        yield from (Fault(*place(number, path), message) for path, message in contradictions(entry))
        yield Item(kind, entry, partial(place, number))


async def _change(database: Database, items: Any, **how: Any) -> Response:
    try:
        outcome: Outcome = await run(database, items, **how)
    except ImportRefused as refused:
        raise InvalidInput(
            *(FieldError(".".join(filter(None, (f.where, f.field))), f.message) for f in refused.faults)
        ) from None
    return json({"version": outcome.version, "changes": outcome.shown})
