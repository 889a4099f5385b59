"""What a statement names: names with their attributes, imports, targets of `deferred`."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator


# The search passes over the same statements for every function that reaches them: what is in one is found once.
@functools.cache
def chains(node: ast.AST) -> frozenset[tuple[str, ...]]:
    """Return the names in a statement, each with its attributes: `("numpy", "linalg", "norm")`."""
    return frozenset(_all_chains(node))


def _all_chains(node: ast.AST) -> Iterator[tuple[str, ...]]:
    waiting: list[ast.AST] = [node]
    while waiting:
        part = waiting.pop()
        chain: list[str] = []
        inner = part
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            yield (inner.id, *reversed(chain))
        elif inner is not part:
            waiting.append(inner)
        else:
            waiting.extend(ast.iter_child_nodes(part))


@functools.cache
def imported_modules(node: ast.AST) -> tuple[str, ...]:
    """Return the modules that code imports when it runs, including those whose names it does not use."""
    named: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            named += [alias.name for alias in part.names]
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            named.append(part.module)
    return tuple(dict.fromkeys(named))


@functools.cache
def deferred_targets(node: ast.AST) -> tuple[tuple[str, str], ...]:
    """Return (module, name) of each `deferred` on texts; the name is empty for a module."""
    return tuple(_all_deferred(node))


def _all_deferred(node: ast.AST) -> Iterator[tuple[str, str]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and name_of(part.func) in ("deferred", "Deferred"):
            match part.args:
                case [ast.Constant(value=str(module))]:
                    yield module, ""
                case [ast.Constant(value=str(module)), ast.Constant(value=str(name))]:
                    yield module, name


def name_of(function: ast.expr) -> str:
    """Return the last name of what is called."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def defers_unnamed(tree: ast.Module) -> bool:
    """Return whether a module uses `deferred` otherwise than on two texts: under another name, or on values."""
    imports = [part for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)]
    renamed = any(alias.name == "deferred" and alias.asname for part in imports for alias in part.names)
    calls = [part for part in ast.walk(tree) if isinstance(part, ast.Call)]
    used = [call for call in calls if name_of(call.func) == "deferred"]
    return renamed or len(used) > len(deferred_targets(tree))
