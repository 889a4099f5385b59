"""The code of a function: every definition that it reaches, read from source without an import.

A stage's key holds a hash of the code that the stage runs, so that a change recomputes only the stages that it may
affect. The search starts at a function or class and follows each name to its definition - through imports, façades and
`deferred` - in tlbench, in plugins and in other modules outside installed distributions. Definitions are hashed as
syntax trees without docstrings, so that comments and layout do not count. For an installed distribution, its version
and those of its requirements count.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from tlbench.contract.deferred import Deferred
from tlbench.planning.module_source import Source, source_of
from tlbench.planning.versions import versions_of
from tlbench.results.files import digest, file_sha256

CHOSEN_AT_RUN_TIME = {"import_module", "__import__"}
"""Names that import a module chosen at run time."""
VALUES = "tlbench.planning."
"""The room that is not followed: a stage reads only values of a plan, and these are in its key."""


@dataclass
class Code:
    """All code that some functions reach."""

    definitions: dict[str, str] = field(default_factory=dict)
    """`module:name`, or the path of a data file -> hash."""
    packages: set[str] = field(default_factory=set)
    """Import names of the distributions whose versions count."""
    values: list[Any] = field(default_factory=list)
    """Arguments of partial functions, and values in closures."""
    unfollowed: set[str] = field(default_factory=set)
    """Modules that import names chosen at run time, or that were run as a script: their whole package counts."""

    def identity(self) -> dict[str, Any]:
        """Return JSON that differs if code, values or versions differ."""
        return {
            "code": digest([self.definitions, self.values]),
            "versions": dict(versions_of(frozenset(self.packages))),
        }


@functools.cache
def code_identity(*functions: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the identity of the code of functions and classes: a hash, and versions of distributions."""
    return code_of(*functions).identity()


def code_of(*functions: Callable[..., Any]) -> Code:
    """Return all code that functions and classes reach."""
    code = Code()
    roots = [place for function in functions for place in _defined_at(function, code)]
    # An installed plugin is followed all the same: its version need not change while its author works on it.
    search = _Search(code, frozenset({"tlbench", *(module.partition(".")[0] for module, _ in roots)}))
    for module, name in roots:
        source = source_of(module, search.own)
        search.resolve(module, (name,) if source is not None and name in source.definitions else ())
    search.run()
    return code


def _defined_at(value: Any, code: Code) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of what a callable runs; add the plain values that it was built with to `code`."""
    if isinstance(value, Deferred):
        yield value.module, value.name
    elif isinstance(value, functools.partial):
        for part in (value.func, *value.args, *value.keywords.values()):
            yield from _defined_at(part, code)
    elif isinstance(value, MethodType):
        yield from _defined_at(value.__func__, code)
        yield from _defined_at(value.__self__, code)
    elif isinstance(value, FunctionType):
        name = value.__qualname__.partition(".")[0]
        yield value.__module__, "" if name == "<lambda>" else name
        for cell in value.__closure__ or ():
            yield from _defined_at(cell.cell_contents, code)
    elif isinstance(value, type):
        yield value.__module__, value.__qualname__.partition(".")[0]
    elif isinstance(value, BuiltinFunctionType):
        code.packages.add(str(value.__module__).partition(".")[0])
    elif isinstance(value, str | int | float | bool | None):
        code.values.append(value)
    else:
        yield from _defined_at(type(value), code)
        code.values.append(sorted((key, str(held)) for key, held in getattr(value, "__dict__", {}).items()))


@dataclass
class _Search:
    """The reached definitions, each visited once."""

    code: Code
    own: frozenset[str]
    """Top-level names that are followed even if they are installed."""
    seen: set[tuple[str, str]] = field(default_factory=set)
    waiting: list[tuple[str, str]] = field(default_factory=list)

    def resolve(self, module: str, names: Sequence[str]) -> None:
        """Add the definition that `module.names[0].names[1]...` refers to, or all definitions of a module."""
        source = source_of(module, self.own)
        if f"{module}.".startswith(VALUES):
            return
        if source is None:
            if module.partition(".")[0] not in sys.stdlib_module_names:
                self.code.packages.add(module.partition(".")[0])
        elif not names or names[0].startswith("__"):
            for name in (*source.definitions, ""):
                self._add(module, name)
        elif names[0] in source.definitions:
            self._add(module, names[0])
        elif names[0] in source.imports:
            for target, name in source.imports[names[0]]:
                self.resolve(target, (*([name] if name else []), *names[1:]))
        elif source_of(inner := f"{module}.{names[0]}", self.own) is not None:
            self.resolve(inner, names[1:])

    def _add(self, module: str, name: str) -> None:
        if (module, name) not in self.seen:
            self.seen.add((module, name))
            self.waiting.append((module, name))

    def run(self) -> None:
        while self.waiting:
            module, name = self.waiting.pop()
            source = source_of(module, self.own)
            assert source is not None
            nodes = source.definitions.get(name, ()) if name else source.effects
            self.code.definitions[f"{module}:{name}"] = _hash(nodes)
            # What a module does when it is imported happens whichever of its names is used.
            self._add(module, "")
            if not name:
                self._take_data(source)
            for node in nodes:
                self._follow(node, module, source)

    def _follow(self, node: ast.AST, module: str, source: Source) -> None:
        for chain in _chains(node):
            # `Deferred` imports at run time too; where it leads is known, and followed below.
            if chain[-1] in CHOSEN_AT_RUN_TIME and module != Deferred.__module__:
                self._take_package(source)
            if chain[0] in source.imports or chain[0] in source.definitions:
                self.resolve(module, chain)
        for target, name in _deferred_targets(node):
            self.resolve(target, (name,) if name else ())
        for imported in _imported_modules(node):
            # Ours are followed by name alone; another distribution counts as soon as it is imported.
            if source_of(imported, self.own) is None:
                self.resolve(imported, ())

    def _take_data(self, source: Source) -> None:
        """Count the data files of a plugin's package."""
        top = source.name.partition(".")[0]
        # The host's own data - suites, templates, the row's schema - changes no result.
        if source.package is not None and top != "tlbench":
            for path in sorted(source.package.rglob("*")):
                if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts:
                    self.code.definitions[f"{top}/{path.relative_to(source.package)}"] = file_sha256(path)

    def _take_package(self, source: Source) -> None:
        self.code.unfollowed.add(source.name)
        folder = source.path.parent
        inner = source.name if source.path.name == "__init__.py" else source.name.rpartition(".")[0]
        paths = folder.rglob("*.py") if inner else [source.path]
        for path in paths:
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1:] == ("__init__",) else parts
            self.resolve(".".join([inner, *parts]) if inner else source.name, ())


def _chains(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the names in a statement, each with its attributes: `("numpy", "linalg", "norm")`."""
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


def _imported_modules(node: ast.AST) -> Iterator[str]:
    """Yield the modules that a definition imports when it runs, including those whose names it does not use."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            yield part.module


def _deferred_targets(node: ast.AST) -> Iterator[tuple[str, str]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and ast.unparse(part.func).rpartition(".")[2] in ("deferred", "Deferred"):
            match part.args:
                case [ast.Constant(value=str(module))]:
                    yield module, ""
                case [ast.Constant(value=str(module)), ast.Constant(value=str(name))]:
                    yield module, name


def _hash(nodes: Iterable[ast.stmt]) -> str:
    return hashlib.sha256("\n".join(map(_text_of, nodes)).encode()).hexdigest()[:16]


@functools.cache
def _text_of(node: ast.stmt) -> str:
    """Return a statement's syntax tree without docstrings. Statements are parsed once and compared by identity."""
    undocumented = [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and ast.get_docstring(part) is not None
    ]
    kept = [(part, part.body) for part in undocumented]
    for part in undocumented:
        part.body = part.body[1:]
    try:
        return ast.dump(node)
    finally:
        for part, body in kept:
            part.body = body
