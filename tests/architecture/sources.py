"""Our own source files, read and parsed once."""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted(path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


@cache
def tree(name: str) -> ast.Module:
    return ast.parse("\n".join(lines(name)) + "\n")


@cache
def lines_of(name: str) -> frozenset[int]:
    """The numbers of the lines that hold something else than white space or a comment."""
    readline = io.StringIO("\n".join(lines(name)) + "\n").readline
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [token for token in tokenize.generate_tokens(readline) if token.type not in nothing]
    return frozenset(line for token in tokens for line in range(token.start[0], token.end[0] + 1))


def functions(name: str) -> list[Function]:
    return [node for node in ast.walk(tree(name)) if isinstance(node, Function)]


def at_import(name: str) -> Iterator[ast.AST]:
    """Every node that is evaluated when the module is imported: not what stands in functions or behind `__main__`."""
    waiting: list[ast.AST] = list(tree(name).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Lambda) or (isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)):
            continue
        yield node
        if isinstance(node, Function):
            evaluated = (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults)
            waiting += [part for part in evaluated if part is not None]
        else:
            waiting += ast.iter_child_nodes(node)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute; the part before a call or an index is left out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
