"""The source of a module, taken apart without importing it or the packages that it lies in."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench.planning.source_memory import remembered
from tlbench.planning.syntax import chains, deferred_targets, defers_unnamed, imported_modules

INSTALLED = {"site-packages", "dist-packages"}
"""Folders of installed distributions, whose code counts by version."""


@dataclass(frozen=True)
class Part:
    """What counts of some statements."""

    text: str
    """Names their syntax trees, without docstrings."""
    chains: tuple[tuple[str, ...], ...]
    """The names in them, each with its attributes."""
    deferred: tuple[tuple[str, str], ...]
    """(module, name) of each `deferred`."""
    imported: tuple[str, ...]
    """Modules that they import when they run."""


@dataclass(frozen=True)
class Source:
    """What counts of the source of a module."""

    name: str
    path: Path
    package: Path | None
    """The folder of its top-level package."""
    parts: Mapping[str, Part]
    """Name -> the statements that define it; under an empty name those that run when the module is imported."""
    whole: Part
    imports: Mapping[str, tuple[tuple[str, str], ...]]
    """Name -> (module, name) that it was imported from, at any depth; the name is empty for a module itself."""
    defers_unnamed: bool
    """Whether it uses `deferred` otherwise than on two texts: under another name, or on values."""


def source_of(name: str, own: frozenset[str] = frozenset()) -> Source | None:
    """Return a module's source; None for the standard library, compiled modules and installed distributions."""
    top = name.partition(".")[0]
    path = None if top in sys.stdlib_module_names and top != "__main__" else _path_of(name)
    if path is None or (INSTALLED & set(path.parts) and top not in own):
        return None
    # The time is a part of the memory's key: a file that changes while the process runs is read again.
    return _parse(name, path, path.stat().st_mtime_ns)


def _path_of(name: str) -> Path | None:
    """Return the file of a module without importing its parent packages."""
    top, *rest = name.split(".")
    if top == "__main__":
        origin, folders = getattr(sys.modules[top], "__file__", None), None
    else:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            return None
        origin, folders = (spec.origin, spec.submodule_search_locations) if spec else (None, None)
    if not rest:
        return Path(origin) if origin and origin.endswith(".py") else None
    return _file_in(tuple(folders or ()), tuple(rest))


@functools.cache
def _file_in(folders: tuple[str, ...], parts: tuple[str, ...]) -> Path | None:
    for folder in folders:
        inner = Path(folder, *parts)
        for path in (inner / "__init__.py", inner.with_name(f"{inner.name}.py")):
            if path.is_file():
                return path
    return None


@functools.cache
def _parse(name: str, path: Path, modified: int) -> Source:
    content = path.read_bytes()
    first = _path_of(name.partition(".")[0])
    package = first.parent if first is not None and first.name == "__init__.py" else None
    facts = remembered(name, path, content, lambda: _facts(ast.parse(content), name, path))
    parts = {defined: _part(part) for defined, part in facts["parts"].items()}
    imports = {defined: tuple(map(tuple, places)) for defined, places in facts["imports"].items()}
    return Source(name, path, package, parts, _part(facts["whole"]), imports, facts["defers_unnamed"])


def _part(facts: Sequence[Any]) -> Part:
    text, chained, deferred, imported = facts
    return Part(text, tuple(map(tuple, chained)), tuple(map(tuple, deferred)), tuple(imported))


def _facts(tree: ast.Module, name: str, path: Path) -> dict[str, Any]:
    """Return what counts of a module, as JSON."""
    definitions: dict[str, list[ast.stmt]] = {"": []}
    for node in _top_level(tree.body):
        names = list(_defined_by(node))
        for defined in names:
            definitions.setdefault(defined, []).append(node)
        if not names and not isinstance(node, ast.Import | ast.ImportFrom) and not _is_text(node):
            definitions[""].append(node)
    definitions[""] += [ast.Expr(test) for test in _conditions(tree.body)]
    return {
        "parts": {defined: _facts_of(nodes) for defined, nodes in definitions.items()},
        "whole": _facts_of(tree.body),
        "imports": imports_of(tree, name, path),
        "defers_unnamed": defers_unnamed(tree),
    }


def _facts_of(nodes: Sequence[ast.stmt]) -> list[Any]:
    """Return the fields of a `Part`."""
    chained = sorted({chain for node in nodes for chain in chains(node)})
    deferred = dict.fromkeys(target for node in nodes for target in deferred_targets(node))
    imported = dict.fromkeys(module for node in nodes for module in imported_modules(node))
    return [text_hash(nodes), chained, list(deferred), list(imported)]


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, including those inside `if`, `try` and `with`."""
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With):
            handlers = [handler.body for handler in getattr(node, "handlers", ())]
            for block in (node.body, getattr(node, "orelse", []), getattr(node, "finalbody", []), *handlers):
                yield from _top_level(block)
        else:
            yield node


def _conditions(body: Iterable[ast.stmt]) -> Iterator[ast.expr]:
    """Yield what decides at the top level: the tests of `if`, and what `with` enters."""
    for node in body:
        if isinstance(node, ast.If):
            yield node.test
        elif isinstance(node, ast.With):
            yield from (item.context_expr for item in node.items)
        for block in ("body", "orelse", "finalbody") if isinstance(node, ast.If | ast.With | ast.Try) else ():
            yield from _conditions(getattr(node, block, []))


def _defined_by(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def imports_of(tree: ast.AST, name: str, path: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return name -> (module, name) of all imports in a tree, which is a part of the module with that name and file."""
    imports: dict[str, dict[tuple[str, str], None]] = {}
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                module = alias.name if alias.asname else alias.name.partition(".")[0]
                imports.setdefault(alias.asname or module, {})[module, ""] = None
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                imports.setdefault(alias.asname or alias.name, {})[module, alias.name] = None
    return {defined: tuple(places) for defined, places in imports.items()}


def text_hash(nodes: Iterable[ast.stmt]) -> str:
    """Return a hash of the syntax trees of statements, without docstrings."""
    return hashlib.sha256("\n".join(map(_text_of, nodes)).encode()).hexdigest()[:16]


@functools.cache
def _text_of(node: ast.stmt) -> str:
    """Return a statement's syntax tree without docstrings. Statements are parsed once and compared by identity."""
    if _is_text(node):
        return ""
    documented = [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and ast.get_docstring(part) is not None
    ]
    bodies = [part.body for part in documented]
    for part in documented:
        part.body = part.body[1:]
    try:
        return ast.dump(node)
    finally:
        for part, body in zip(documented, bodies, strict=True):
            part.body = body
