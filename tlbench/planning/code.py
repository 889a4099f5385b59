"""The code of a function: all that it reaches, read from source without an import.

A stage's key holds a hash of the code that the stage runs, so that a change recomputes only the stages that it may
affect. The search starts at a function or class. In tlbench it follows each name to its definition, through imports,
façades and `deferred`. Elsewhere - in plugins, and in what they import from outside installed distributions - whole
modules count, with all that these import: nothing is known of how they are written. Syntax trees are hashed without
docstrings, so that comments and layout do not count. For an installed distribution, its version and those of its
requirements count.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tlbench.planning.code_values import Values, own_package
from tlbench.planning.module_source import Source, source_of
from tlbench.planning.versions import versions_of
from tlbench.results.files import digest, file_sha256

CHOSEN_AT_RUN_TIME = {"import_module", "__import__", "globals"}
"""Names whose use means that the source does not say what runs."""
HOST = "tlbench."
VALUES = "tlbench.planning."
"""The room that is not followed: a stage reads only values of a plan, and these are in its key."""


@dataclass
class Code:
    """All code that some functions reach."""

    definitions: dict[str, str] = field(default_factory=dict)
    """`module:name` of tlbench, `module:` of others, or the path of a data file -> hash."""
    packages: set[str] = field(default_factory=set)
    """Import names of the distributions whose versions count."""
    values: list[Any] = field(default_factory=list)
    """What the functions are: names, arguments of partial functions, values in closures and objects."""
    unfollowed: set[str] = field(default_factory=set)
    """Modules that import names chosen at run time: their whole package counts."""

    def identity(self) -> dict[str, Any]:
        """Return JSON that differs if code, values or versions differ."""
        return {
            "code": digest([self.definitions, self.values]),
            "versions": dict(versions_of(frozenset(self.packages))),
        }


def code_identity(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the identity of the code of a function, class or callable object: a hash, and versions."""
    try:
        return _cached_identity(function)
    except TypeError:  # A callable object that cannot be hashed.
        return code_of(function).identity()


@functools.cache
def _cached_identity(function: Callable[..., Any]) -> Mapping[str, Any]:
    return code_of(function).identity()


def code_of(*functions: Callable[..., Any]) -> Code:
    """Return all code that functions and classes reach."""
    values = Values()
    described = [values.describe(function) for function in functions]
    return code_at(values, described, functions)


def code_at(values: Values, described: list[Any], functions: Sequence[Callable[..., Any]]) -> Code:
    """Return the code of functions that were described, and all code at the places that were met."""
    code = Code(values=described, packages={*values.packages})
    # An installed plugin is followed all the same: its version need not change while its author works on it. What it
    # was given as a value, such as an optimiser of torch, counts by its version.
    search = _Search(code, frozenset({"tlbench", *map(own_package, functions)}))
    for module, *names in values.places:
        search.resolve(module, names)
    search.run()
    return code


@dataclass
class _Search:
    """Definitions and modules that are reached, each visited once."""

    code: Code
    own: frozenset[str]
    """Top-level names that are followed also where they are installed."""
    resolved: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    sources: dict[str, Source | None] = field(default_factory=dict)
    """What was asked for: to find a module takes longer than to read what is remembered of it."""

    def _source(self, module: str) -> Source | None:
        if module not in self.sources:
            self.sources[module] = source_of(module, self.own)
        return self.sources[module]

    def resolve(self, module: str, names: Sequence[str]) -> None:
        """Queue what `module.names[0].names[1]...` leads to: definitions of tlbench, or whole modules of others."""
        asked = (module, tuple(names))
        if asked in self.resolved or f"{module}.".startswith(VALUES):
            return
        self.resolved.add(asked)
        source = self._source(module)
        if source is None and names and self._source(inner := f"{module}.{names[0]}") is not None:
            self.resolve(inner, names[1:])  # A namespace package has no file.
        elif source is None:
            if module.partition(".")[0] not in sys.stdlib_module_names:
                self.code.packages.add(module.partition(".")[0])
        elif f"{module}.".startswith(HOST):
            self._resolve_in_host(source, names)
        else:
            self._take_module(source)
            if names and self._source(inner := f"{module}.{names[0]}") is not None:
                self.resolve(inner, names[1:])

    def _resolve_in_host(self, source: Source, names: Sequence[str]) -> None:
        if not names or names[0].startswith("__") or names[0] == "*":
            for name in source.parts:
                self._queue(source.name, name)
            return
        if names[0] in source.parts:
            self._queue(source.name, names[0])
        for target, name in source.imports.get(names[0], ()):
            self.resolve(target, (*([name] if name else []), *names[1:]))
        if self._source(inner := f"{source.name}.{names[0]}") is not None:
            self.resolve(inner, names[1:])

    def _queue(self, module: str, name: str) -> None:
        if f"{module}:{name}" not in self.code.definitions:
            self.code.definitions[f"{module}:{name}"] = ""
            self.waiting.append((module, name))

    def run(self) -> None:
        while self.waiting:
            module, name = self.waiting.pop()
            source = self._source(module)
            assert source is not None
            part = source.parts[name]
            # A name may lead elsewhere although no definition has changed: to another of two functions.
            bound = sorted({(chain[0], *place) for chain in part.chains for place in source.imports.get(chain[0], ())})
            self.code.definitions[f"{module}:{name}"] = digest([part.text, bound])
            self._queue(module, "")
            for chain in part.chains:
                if chain[0] in source.imports or chain[0] in source.parts:
                    self.resolve(module, chain)
            for target, inner in part.deferred:
                self.resolve(target, (inner,) if inner else ())
            for imported in part.imported:
                if self._source(imported) is None:
                    self.resolve(imported, ())

    def _take_module(self, source: Source) -> None:
        """Count a module that is not tlbench's, the packages that it lies in, and all that it imports."""
        if f"{source.name}:" in self.code.definitions:
            return
        self.code.definitions[f"{source.name}:"] = source.whole.text
        self._take_data(source)
        parents = source.name.split(".")[:-1]
        for depth in range(1, len(parents) + 1):
            self.resolve(".".join(parents[:depth]), ())
        for places in source.imports.values():
            for target, name in places:
                self.resolve(target, (name,) if name else ())
        for target in source.whole.imported:
            self.resolve(target, ())
        for target, name in source.whole.deferred:
            self.resolve(target, (name,) if name else ())
        if source.defers_unnamed or any(chain[-1] in CHOSEN_AT_RUN_TIME for chain in source.whole.chains):
            self._take_package(source)

    def _take_data(self, source: Source) -> None:
        """Count the data files of the package."""
        folder, top = source.package, source.name.partition(".")[0]
        for path in sorted(folder.rglob("*")) if folder is not None else ():
            if folder and path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts:
                self.code.definitions[f"{top}/{path.relative_to(folder)}"] = file_sha256(path)

    def _take_package(self, source: Source) -> None:
        self.code.unfollowed.add(source.name)
        folder = source.path.parent
        package = source.name if source.path.name == "__init__.py" else source.name.rpartition(".")[0]
        for path in folder.rglob("*.py") if package else ():
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1:] == ("__init__",) else parts
            self.resolve(".".join([package, *parts]), ())
