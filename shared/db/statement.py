"""SQLAlchemy Core statements, compiled once for each dialect, to be run by the raw driver.

Compiling and SQLAlchemy's own execution cost more than the query on these paths (a Core insert over its async
engine reached 0.2 of what asyncpg does alone), so the language is kept and the machinery left out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any, Literal, Protocol, Self

import orjson
from sqlalchemy import ARRAY, Boolean, Column, ColumnElement, Table, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler

Dialect = Literal["postgresql", "sqlite"]


class Row(Protocol):
    """What both drivers return: columns by name or position."""

    def __getitem__(self, key: str | int) -> Any: ...


class any_of(ColumnElement[bool]):
    """`column` is one of the values of the list parameter `name`, in one fixed statement for any length."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.name = name

    def self_group(self, against: Any = None) -> Self:
        """As it stands. As a Boolean it would become `(…) = 1` on SQLite, which uses no index: a scan of the table."""
        return self


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    values = bindparam(element.name, type_=ARRAY(element.column.type))
    return f"{compiler.process(element.column, **kw)} = ANY({compiler.process(values, **kw)})"


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    values = compiler.process(bindparam(element.name, type_=Text()), **kw)
    return f"{compiler.process(element.column, **kw)} IN (SELECT value FROM json_each({values}))"


@dataclass(frozen=True, slots=True)
class Compiled:
    sql: str
    names: tuple[str, ...]
    defaults: dict[str, Any]

    def arguments(self, given: dict[str, Any]) -> list[Any]:
        """Raises KeyError for a parameter that was not given."""
        return [given[name] if name in given else self.defaults[name] for name in self.names]


class Query:
    """A module-level statement. Parameters are given by name when it is run; a list goes with `any_of`."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement

    @cached_property
    def postgresql(self) -> Compiled:
        from sqlalchemy.dialects.postgresql.asyncpg import (
            PGDialect_asyncpg,
        )  # each 2 MiB that the other way never needs

        return self._compile(PGDialect_asyncpg())  # type: ignore[no-untyped-call]

    @cached_property
    def sqlite(self) -> Compiled:
        from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

        return self._compile(SQLiteDialect_pysqlite())

    def _compile(self, dialect: Any) -> Compiled:
        compiled = self._statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        defaults = {n: v for n, v in compiled.construct_params(_check=False).items() if not compiled.binds[n].required}
        return Compiled(str(compiled), tuple(compiled.positiontup or ()), defaults)


def sqlite_value(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, list | tuple) else value


_ARRAY_TYPES = {"TEXT": "text[]", "BIGINT": "bigint[]", "INTEGER": "int[]", "BLOB": "bytea[]", "BOOLEAN": "boolean[]"}


def array_type(column: Column[Any]) -> str:
    """The PostgreSQL array type a column's values travel in: `text[]`, `bigint[]` …"""
    return _ARRAY_TYPES[str(column.type)]


class RowType:
    """Rows of one shape as one parameter of a PostgreSQL statement, an array of tuples: as an array a column a report
    was a twentieth dearer. `vrc migrate` makes the types. One that changes gets another name, for processes of both
    versions write while a center is updated."""

    def __init__(self, name: str, columns: Mapping[str, Column[Any]]) -> None:
        self.name = name
        self.columns = ", ".join(columns)
        self.attributes = {name: array_type(column).removesuffix("[]") for name, column in columns.items()}

    def unnest(self, number: int) -> str:
        return f"unnest(${number}::{self.name}[])"


class JsonRows:
    """Rows on their way into one SQLite statement: JSON as its parameter `?1`, what JSON can't hold (bytes) as `?2`.

    With a statement a row, or executemany, the driver lets go of the interpreter at each row and has to win it back
    from a busy event loop: 64 rows took 480 ms beside one, and take 17 like this (8.0 instead of 5.4 µs a row alone).
    """

    def __init__(self, columns: Sequence[str], *, binary: Collection[str] = ()) -> None:
        at = count()
        cells = [f'{_binary_cell(at) if name in binary else _cell(at)} AS "{name}"' for name in columns]
        self._binary = [i for i, name in enumerate(columns) if name in binary]
        self.select = f"SELECT {', '.join(cells)} FROM json_each(?1)"

    @classmethod
    def of(cls, table: Table, columns: Sequence[str]) -> Self:
        return cls(columns, binary=[c for c in columns if str(table.c[c].type) == "BLOB"])

    def parameters(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """`?1`, and `?2` if there are columns of bytes."""
        if not self._binary:
            return [orjson.dumps(rows).decode()]
        lists, together = [list(row) for row in rows], bytearray(1)  # of nothing at all, SQLite takes no part but NULL
        for row in lists:
            for index in reversed(self._binary):
                row[index : index + 1] = _put(row[index], together)
        return [orjson.dumps(lists).decode(), bytes(together)]


def arrays(rows: Sequence[tuple[Any, ...]], width: int) -> Sequence[Sequence[Any]]:
    """The rows' columns, as PostgreSQL's `unnest` takes them; of no rows, `width` empty ones."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def gathered(raw: Any, sql: str, parameters: Sequence[Any]) -> Any:
    """What a SQLite statement answers that puts all its rows into one JSON value: read in one step, for that reason."""
    return orjson.loads(raw.execute(sql, parameters).fetchone()[0])


def _cell(at: Iterator[int]) -> str:
    return f"json_extract(value, '$[{next(at)}]')"


def _binary_cell(at: Iterator[int]) -> str:
    return f"substr(?2, {_cell(at)}, {_cell(at)})"


def _put(value: bytes | None, together: bytearray) -> tuple[int | None, int | None]:
    """Where it lies, from 1, and how long it is."""
    if value is None:
        return None, None
    together += value
    return len(together) - len(value) + 1, len(value)


class BulkInsert:
    """Many rows in one statement: arrays and unnest on PostgreSQL, JSON on SQLite.

    `conflict` is the ON CONFLICT clause, spelled alike by both: `(id) DO UPDATE SET state = excluded.state`.
    """

    def __init__(self, table: Table, columns: Sequence[str], *, conflict: str | None = None) -> None:
        names = ", ".join(f'"{c}"' for c in columns)  # quoted: `order` is a column of ours and a word of SQL's
        tail = f" ON CONFLICT {conflict}" if conflict else ""
        given = ", ".join(f"${number}::{array_type(table.c[name])}" for number, name in enumerate(columns, 1))
        self.rows = JsonRows.of(table, columns)
        self.postgresql = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({given}){tail}"
        self.sqlite = f"INSERT INTO {table.name} ({names}) {self.rows.select} WHERE true{tail}"
