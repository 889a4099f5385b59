"""Modules that are copied beside an export, where nothing but the standard library and numpy is found."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

from tlbench.errors import ContractError

ALLOWED = {*sys.stdlib_module_names, "numpy"}


def module_of(value: object) -> ModuleType:
    """Return the module that defines a value's class."""
    return sys.modules[type(value).__module__]


def standalone_source(module: ModuleType, owner: str) -> str:
    """Return a module's source. Raises `ContractError`, which names the owner, if it imports more than numpy."""
    source = inspect.getsource(module)
    if others := sorted(set(_imported(source)) - ALLOWED):
        raise ContractError(
            f"The module {module.__name__} of the {owner} imports {', '.join(others)}: an export carries a copy of it, "
            f"so move what the export needs into a module that imports the standard library and numpy alone."
        )
    return source


def _imported(source: str) -> Iterator[str]:
    """Yield the top-level names of what a module imports, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "").partition(".")[0]
