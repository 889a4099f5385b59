"""Functions of a session: of a notebook's cell, of `__main__`, of a file beside them. They have no plugin to name.

Such a function counts by value: its source, defaults and closure, and likewise the functions, classes and values that
it looks up when it runs. tlbench and installed packages count as they do for plugins.
"""

from __future__ import annotations

import ast
import enum
import hashlib
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from tlbench.planning.code import CHOSEN_AT_RUN_TIME, HOST, code_at
from tlbench.planning.code_values import ByValue, Values
from tlbench.planning.live_source import global_names, shape_of, source_of_code
from tlbench.planning.module_source import INSTALLED, imports_of, source_of, text_hash
from tlbench.planning.syntax import chains, deferred_targets
from tlbench.results.files import digest


def by_value(function: Callable[..., Any]) -> ByValue:
    """Return a callable with the identity of its source and values; `unknown` lists what cannot be read."""
    values = _OwnValues()
    try:
        described = values.describe(function)
        code = code_at(values, [described], [])
    except RecursionError:
        return ByValue(function=function, identity=uuid.uuid4().hex, unknown=("its values are nested too deep",))
    # tlbench's own code counts for what is cached and not for what the result is called.
    named = {
        place: found for place, found in code.definitions.items() if not f"{place}.".startswith((HOST, "tlbench:"))
    }
    return ByValue(
        function=function,
        # No two runs share a name that was drawn.
        identity=uuid.uuid4().hex if values.unknown else digest([described, named]),
        places=tuple(values.places),
        packages=frozenset(values.packages),
        unknown=tuple(dict.fromkeys(values.unknown)),
    )


def is_own(module: str) -> bool:
    """Return whether a module is the user's own: `__main__`, or a file that no distribution installed."""
    top = module.partition(".")[0]
    if module == "__main__" or not module:
        return True
    if top == "tlbench" or top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return False
    file = getattr(sys.modules.get(module) or sys.modules.get(top), "__file__", None)
    return file is None or (not INSTALLED & set(Path(file).parts) and Path(file).suffix == ".py")


@dataclass
class _OwnValues(Values):
    """Describes what a session's function is made of by its contents, not by where it is defined."""

    unknown: list[str] = field(default_factory=list)
    """What cannot be read or described, in words."""

    def _describe(self, value: Any) -> Any:
        if isinstance(value, bytes | bytearray):
            return ["bytes", _hash(bytes(value))]
        if isinstance(value, complex | range | slice) or value is Ellipsis or value is NotImplemented:
            return [type(value).__name__, repr(value)]
        if isinstance(value, ModuleType):
            return self._follow(value.__name__, ())
        if isinstance(value, type):
            return self._class(value) if is_own(value.__module__) else self._place(value.__module__, value.__qualname__)
        if hasattr(type(value), "__array__"):
            return self._array(value)
        if isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, ModuleType | type | None):
            return ["method", value.__name__, self.describe(value.__self__)]
        return super()._describe(value)

    def _follow(self, module: str, names: tuple[str, ...]) -> Any:
        """Count the code that a name with attributes leads to."""
        self.places.append((module, *names))
        if is_own(module) and source_of(module) is None:
            self.unknown.append(f'the source of the module "{module}" cannot be read')
        return [module, *names]

    def _function(self, function: FunctionType) -> Any:
        module = str(function.__globals__.get("__name__", ""))
        if not is_own(module):
            return super()._function(function)
        node = source_of_code(function.__code__)
        name = function.__code__.co_qualname
        if node is None:
            self.unknown.append(f'the source of "{name}" cannot be read, or has changed since it was loaded')
            return ["function", name]
        # Two lambdas of one statement have the same text.
        inner = digest(repr(shape_of(function.__code__))) if "<lambda>" in name else ""
        return ["function", name, text_hash([node]), inner, *self._values_of(function), self._used(function, node)]

    def _values_of(self, function: FunctionType) -> list[Any]:
        held = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        cells = {name: self._cell(cell) for name, cell in held.items()}
        return [
            cells,
            self.describe(function.__defaults__),
            self.describe(function.__kwdefaults__),
            *self._own(function),
        ]

    def _own(self, function: FunctionType) -> list[Any]:
        """Return the attributes that were set on a function; nothing if there are none."""
        return [self.describe(vars(function))] if vars(function) else []

    def _cell(self, cell: Any) -> Any:
        try:
            return self.describe(cell.cell_contents)
        except ValueError:  # Nothing is in it yet.
            return "empty"

    def _used(self, function: FunctionType, node: ast.stmt) -> Mapping[str, Any]:
        """Return the values that a function looks up when it runs, and count the code that it imports or names."""
        module = str(function.__globals__.get("__name__", ""))
        if module != "__main__" and source_of(module) is not None:
            self.places.append((module,))  # With the data files of its package.
        named = chains(node)
        if any(chain[-1] in CHOSEN_AT_RUN_TIME for chain in named):
            self.unknown.append(f'"{function.__qualname__}" chooses at run time what it imports or looks up')
        for name, places in imports_of(node, module, Path()).items():
            rests = [chain[1:] for chain in named if chain[0] == name] or [()]
            for target, inner in places:
                for rest in rests:
                    self._follow(target, (*([inner] if inner else []), *rest))
        for target, inner in deferred_targets(node):
            self._follow(target, (inner,) if inner else ())
        used = sorted(name for name in global_names(function.__code__) if name in function.__globals__)
        return {name: self._global(function.__globals__[name], name, named) for name in used if name[:2] != "__"}

    def _global(self, value: Any, name: str, named: frozenset[tuple[str, ...]]) -> Any:
        if not isinstance(value, ModuleType):
            return self.describe(value)
        return [self._attribute(value, chain[1:]) for chain in sorted(named) if chain[0] == name]

    def _attribute(self, module: ModuleType, names: tuple[str, ...]) -> Any:
        held = getattr(module, names[0], None) if names and is_own(module.__name__) else None
        # A value may be set by another cell, and a file may change behind its import: what is loaded counts.
        loaded = None if isinstance(held, ModuleType) else self.describe(held)
        return [self._follow(module.__name__, names), loaded]

    def _class(self, kind: type) -> Any:
        if isinstance(kind, enum.EnumMeta):
            named: Mapping[str, enum.Enum] = kind.__members__
            return ["enum", kind.__qualname__, {name: self.describe(one.value) for name, one in named.items()}]
        members = {
            name: self._member(held)
            for name, held in sorted(vars(kind).items())
            # Of the names that Python sets, only methods say what an object does.
            if isinstance(held, FunctionType) or not (name.startswith("__") or name == "_abc_impl")
        }
        return ["class", kind.__qualname__, [self.describe(base) for base in kind.__bases__], members]

    def _member(self, held: Any) -> Any:
        if isinstance(held, staticmethod | classmethod):
            return [type(held).__name__, self._member(held.__func__)]
        if isinstance(held, property):
            return ["property", *(self._member(part) for part in (held.fget, held.fset, held.fdel))]
        if isinstance(held, FunctionType) and is_own(held.__module__) and source_of_code(held.__code__) is None:
            return ["made", digest(repr(shape_of(held.__code__)))]  # By `dataclass`, from the fields.
        return "slot" if type(held).__name__ == "member_descriptor" else self.describe(held)

    def _array(self, value: Any) -> Any:
        import numpy as np

        try:
            tensor = value.detach().cpu() if hasattr(value, "detach") else value
            array = np.ascontiguousarray(tensor)
            if array.dtype.hasobject:
                return ["array", [self.describe(one) for one in array.ravel().tolist()], list(array.shape)]
            return ["array", str(array.dtype), list(array.shape), _hash(array.tobytes())]
        except (TypeError, ValueError, RuntimeError):
            return self._not_had(value)

    def _object(self, value: Any) -> Any:
        """Describe an object by what it would travel as; what cannot travel cannot be described."""
        try:
            parts = value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 - a reduction may raise anything
            return self._not_had(value)
        if isinstance(parts, str):
            return ["named", self.describe(type(value)), parts]
        listed = [list(part) if hasattr(part, "__next__") else part for part in parts]
        return ["object", *map(self.describe, listed)]

    def _not_had(self, value: Any) -> Any:
        self.unknown.append(f'a value of the type "{type(value).__qualname__}" cannot be described')
        return ["unknown", type(value).__qualname__]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
