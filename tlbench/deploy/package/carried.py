"""The source of a class or function as an export carries it: its module, or what it needs of all in one file."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from tlbench.errors import ContractError

ALLOWED = frozenset({*sys.stdlib_module_names, "numpy"})
READERS = {
    "PIL": "pillow",
    "pyarrow": "pyarrow",
    "scipy": "scipy",
    "soundfile": "soundfile",
    "tokenizers": "tokenizers",
}
"""What a module that reads or prepares files may import too, and the packages that bring it."""
FUTURE = "from __future__ import annotations"


def imported(source: str) -> Iterator[str]:
    """Yield the top-level names of what a module imports, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "").partition(".")[0]


def packages_of(source: str) -> list[str]:
    """Return the packages that a carried module imports beside numpy, in order of their names."""
    return sorted(READERS[name] for name in {*imported(source)} & READERS.keys())


def source_of(carried: type | Callable[..., Any], also: Collection[str] = ()) -> str:
    """Return the source of the module of a class or function if it imports numpy and `also` alone.

    Else return the docstring of the module and those statements that it needs, such as functions, constants and
    imports, with what they need of other modules; or the whole module, if they need one that an export cannot carry.
    Raises `ContractError` if two of the modules give different things the same name.
    """
    whole = inspect.getsource(sys.modules[carried.__module__])
    allowed = ALLOWED | set(also)
    if set(imported(whole)) <= allowed:
        return whole
    statements = _Statements(allowed)
    if not statements.add(carried.__module__, carried.__name__) or not statements.texts:
        return whole
    text = ast.get_source_segment(whole, ast.parse(whole).body[0]) or ""
    docstring = [text] if ast.get_docstring(ast.parse(whole)) else []
    return "\n\n".join([*docstring, FUTURE, *statements.texts.values(), ""])


class _Statements:
    """The statements of several modules that one file holds, in the order in which they can be run."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(allowed)
        self.texts: dict[tuple[str, int], str] = {}
        self._modules: dict[str, tuple[str, Mapping[str, ast.stmt]]] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        self._followed: set[tuple[str, str]] = set()

    def add(self, module: str, name: str) -> bool:
        """Add the statements that a name of a module needs, those that it depends on first; return whether all may go.

        A name without a statement is a builtin, or one within a function.
        """
        source, bound = self._module(module)
        node = bound.get(name)
        if node is None:
            return True
        key = module, node.lineno
        if key in self.texts:
            return True
        if isinstance(node, ast.Import | ast.ImportFrom):
            return self._add_import(node, name)
        self.texts[key] = ""  # holds the place against endless recursion
        if not all(self.add(module, used) for used in _used(node)):
            return False
        del self.texts[key]
        self.texts[key] = _text(source, node)
        for own in [own for own, statement in bound.items() if statement is node]:
            self._claim(own, module, self.texts[key])
        return True

    def _module(self, module: str) -> tuple[str, Mapping[str, ast.stmt]]:
        if module not in self._modules:
            try:
                source = inspect.getsource(sys.modules[module])
            except (OSError, TypeError):  # a module of machine code
                source = ""
            self._modules[module] = source, _bound(ast.parse(source))
        return self._modules[module]

    def _add_import(self, node: ast.Import | ast.ImportFrom, name: str) -> bool:
        alias = next(alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) == name)
        kept = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], node.level)
        text = ast.unparse(ast.fix_missing_locations(kept))
        if set(imported(text)) <= self._allowed:
            self.texts.setdefault((text, 0), text)
            self._claim(name, "", text)
            return True
        # What stands in another module, such as a base class of tlbench's own, comes with what it needs.
        if isinstance(node, ast.Import) or node.level or alias.asname not in (None, alias.name):
            return False
        other = str(node.module)
        if (other, name) in self._followed:
            return True
        self._followed.add((other, name))
        return other in sys.modules and name in self._module(other)[1] and self.add(other, name)

    def _claim(self, name: str, module: str, text: str) -> None:
        """Raise `ContractError` if a name stands for something else already."""
        owner, claimed = self._owners.setdefault(name, (module, text))
        if claimed != text:
            raise ContractError(
                f'An export cannot carry "{name}" of both {owner or "an import"} and {module or "an import"} in one '
                f"file: rename one of them."
            )


def _bound(tree: ast.Module) -> Mapping[str, ast.stmt]:
    """Return the statement that binds each name at the top of a module."""
    names: dict[str, ast.stmt] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                names[node.name] = node
            case ast.Import() | ast.ImportFrom():
                names |= {alias.asname or alias.name.partition(".")[0]: node for alias in node.names}
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                parts = itertools.chain.from_iterable(map(ast.walk, targets))
                names |= {part.id: node for part in parts if isinstance(part, ast.Name)}
    return names


def _used(node: ast.stmt) -> list[str]:
    """Return the names that a statement reads, without those in annotations, in order."""
    annotations = set[int]()
    for part in ast.walk(node):
        for field in ("annotation", "returns"):
            if (hint := getattr(part, field, None)) is not None:
                annotations |= {id(inner) for inner in ast.walk(hint)}
    found = [part for part in ast.walk(node) if isinstance(part, ast.Name) and id(part) not in annotations]
    return list(dict.fromkeys(part.id for part in found if isinstance(part.ctx, ast.Load)))


def _text(source: str, node: ast.stmt) -> str:
    first = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", ()))])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])
