"""How much code one request can run through: what is reachable from the function that makes a route, by name.

A unit is a top-level function, a class without its methods, a method, or a top-level assignment. A name leads to what
it means in its module; `.name` of something that is no module leads to every method of that name in all modules that
the door imports, directly or not: rather too much than too little. What is handed in from outside that import graph
(the driver of a database, a broker) is not counted.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from tests.architecture.sources import NAMES, Function, dotted, lines_of, tree

MAKES_ROUTES = ("post", "put", "patch", "delete", "add_api_route")


@dataclass(frozen=True)
class Unit:
    """A piece of `module` and the lines it fills; methods of a class are units of their own."""

    module: str
    name: str
    nodes: tuple[ast.AST, ...] = field(compare=False, repr=False)
    size: int = field(compare=False)


@dataclass(frozen=True)
class Module:
    units: dict[str, Unit]
    methods: dict[str, list[Unit]]  # by their bare name
    imports: dict[str, tuple[str, str | None]]  # name here → module, name there (None: the module itself)


def module_of(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


PATHS = {module_of(name): name for name in NAMES}


@cache
def module(name: str) -> Module:
    found = Module({}, {}, {})
    for node in ast.walk(tree(PATHS[name])):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                there = (whole, None) if whole in PATHS else (node.module, alias.name)
                found.imports[alias.asname or alias.name] = there
    for node in tree(PATHS[name]).body:
        _add(found, name, node)
    return found


def _add(found: Module, name: str, node: ast.stmt) -> None:
    if isinstance(node, ast.ClassDef):
        methods = [part for part in node.body if isinstance(part, Function)]
        rest = [part for part in node.body if not isinstance(part, Function)]
        inside = sum(_size(name, part) for part in methods)
        dunder = [part for part in methods if part.name.startswith("__")]
        nodes = (*node.bases, *node.decorator_list, *rest, *dunder)
        size = _size(name, node) - inside + sum(_size(name, part) for part in dunder)
        found.units[node.name] = Unit(name, node.name, nodes, size)
        for method in methods:
            unit = Unit(name, f"{node.name}.{method.name}", (method,), _size(name, method))
            if method not in dunder:
                found.methods.setdefault(method.name, []).append(unit)
    elif isinstance(node, Function):
        found.units[node.name] = Unit(name, node.name, (node,), _size(name, node))
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.If):
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                found.units.setdefault(part.id, Unit(name, f"line {node.lineno}", (node,), _size(name, node)))


def _size(name: str, node: ast.AST) -> int:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])  # type: ignore[attr-defined]
    return sum(first <= line <= (node.end_lineno or first) for line in lines_of(PATHS[name]))  # type: ignore[attr-defined]


def doors() -> list[Unit]:
    """Every function that makes a route which changes something."""
    return [
        unit
        for name in PATHS
        for unit in module(name).units.values()
        if any(
            isinstance(part, ast.Attribute) and part.attr in MAKES_ROUTES and dotted(part.value).endswith("router")
            for node in unit.nodes
            for part in ast.walk(node)
        )
    ]


def behind(door: Unit, imported: Sequence[str]) -> set[Unit]:
    """What can be reached from a door; `imported` are the modules that it imports, directly or not."""
    reached, waiting = {door}, [door]
    while waiting:
        for unit in _meant_by(waiting.pop(), imported):
            if unit not in reached:
                reached.add(unit)
                waiting.append(unit)
    return reached


def _meant_by(unit: Unit, imported: Sequence[str]) -> Iterator[Unit]:
    here = module(unit.module)
    for node in unit.nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                yield from _named(unit.module, part.id)
            elif isinstance(part, ast.Attribute):
                there = here.imports.get(dotted(part.value))
                if there and there[1] is None:
                    yield from _named(there[0], part.attr)
                else:
                    for name in {*imported, unit.module}:
                        yield from module(name).methods.get(part.attr, ())


def _named(where: str, name: str) -> Iterator[Unit]:
    """What `name` means in a module: its own, or what it imports, however often that is passed on."""
    while where in PATHS:
        found = module(where)
        if name in found.units:
            yield found.units[name]
            return
        if name not in found.imports:
            return
        where, there = found.imports[name]
        if there is None:
            return
        name = there
