"""The source of a class as an export carries it: its module, or what the class needs of a plugin in one file."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from collections.abc import Iterator, Mapping
from typing import Any

ALLOWED = {*sys.stdlib_module_names, "numpy"}
READERS = {"PIL": "pillow", "scipy": "scipy", "soundfile": "soundfile"}
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


def source_of(cls: type) -> str:
    """Return the source of the module of a class if it imports numpy alone.

    Else return those statements of the module that the class needs, such as functions, constants and imports, with
    what they need of other modules; or the whole module, if they need one that an export cannot carry.
    """
    whole = inspect.getsource(sys.modules[cls.__module__])
    if set(imported(whole)) <= ALLOWED:
        return whole
    statements: dict[tuple[str, int], str] = {}
    if not _collect(cls.__module__, cls.__name__, statements):
        return whole
    return "\n\n".join([FUTURE, *statements.values(), ""])


def _collect(module: str, name: str, statements: dict[tuple[str, int], str]) -> bool:
    """Add the statements that a name of a module needs, those that it depends on first; return whether all may go."""
    source = inspect.getsource(sys.modules[module])
    bound = _bound(ast.parse(source))
    if name not in bound:  # a builtin, or a name within a function
        return True
    node = bound[name]
    key = module, node.lineno
    if key in statements:
        return True
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _collect_import(module, node, name, statements)
    statements[key] = ""  # holds the place against endless recursion
    if not all(_collect(module, used, statements) for used in _used(node)):
        return False
    del statements[key]
    statements[key] = _text(source, node)
    return True


def _collect_import(
    module: str, node: ast.Import | ast.ImportFrom, name: str, statements: dict[tuple[str, int], str]
) -> bool:
    alias = next(alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) == name)
    kept = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], node.level)
    text = ast.unparse(ast.fix_missing_locations(kept))
    if set(imported(text)) <= ALLOWED:
        statements.setdefault((text, 0), text)
        return True
    # A class or function of another module, such as a base class of tlbench's own, comes with what it needs.
    found: Any = vars(sys.modules[module]).get(name)
    if not inspect.isclass(found) and not inspect.isfunction(found):
        return False
    return found.__name__ == name and _collect(found.__module__, name, statements)


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
