"""The source of code that is loaded: in a file, or in a notebook's cell. It is believed only if it is what runs."""

from __future__ import annotations
import __future__

import ast
import dis
import functools
import linecache
from collections.abc import Iterator
from types import CodeType
from typing import Any

FUTURE = sum(
    getattr(__future__, name).compiler_flag for name in __future__.all_feature_names if name != "nested_scopes"
)
"""Flags of code that `from __future__ import ...` sets; a notebook's cells inherit them."""
Definition = ast.FunctionDef | ast.AsyncFunctionDef


def source_of_code(code: CodeType) -> ast.stmt | None:
    """Return the statement that defines a function.

    None if there is no source, or if it is not that of the code: a file may have changed since it was imported.
    """
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename))
    return _statement(text, code) if text else None


@functools.lru_cache(maxsize=256)
def _statement(text: str, code: CodeType) -> ast.stmt | None:
    try:
        tree = ast.parse(text)
        compiled = compile(text, code.co_filename, "exec", code.co_flags & FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    wanted = shape_of(code)
    if not any(shape_of(one) == wanted for one in _all_code(compiled)):
        return None
    around = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _holds(node, code.co_firstlineno)]
    named = [node for node in around if isinstance(node, Definition) and node.name == code.co_name]
    starting = [node for node in named if _first_line(node) == code.co_firstlineno]
    # A lambda has no statement of its own: the innermost around it counts.
    return (
        starting[-1] if starting else min(around, key=lambda node: (node.end_lineno or 0) - node.lineno, default=None)
    )


def _first_line(node: ast.stmt) -> int:
    """Return the line that a definition begins in, with its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(part.lineno for part in decorators)])


def _holds(node: ast.stmt, line: int) -> bool:
    return _first_line(node) <= line <= (node.end_lineno or node.lineno)


def _all_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for held in code.co_consts:
        if isinstance(held, CodeType):
            yield from _all_code(held)


def shape_of(code: CodeType) -> tuple[Any, ...]:
    """Return all that says what code does. Code that has run differs from its copy by what the interpreter notes."""
    held = tuple(
        shape_of(value) if isinstance(value, CodeType) else (type(value).__name__, value) for value in code.co_consts
    )
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_code, *names, code.co_flags, code.co_firstlineno, held)


def global_names(code: CodeType) -> set[str]:
    """Return the names that code looks up outside itself when it runs, in the functions inside it too."""
    return {
        str(step.argval)
        for one in _all_code(code)
        for step in dis.get_instructions(one)
        if step.opname == "LOAD_NAME" or (step.opname.startswith("LOAD_") and "GLOBAL" in step.opname)
    }
