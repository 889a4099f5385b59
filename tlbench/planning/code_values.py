"""What a callable is made of: where it is defined, and the values that it was made with."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from tlbench.contract.deferred import Deferred


def own_package(function: Callable[..., Any]) -> str:
    """Return the top-level package of the function that a callable leads to, past what wraps it."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        elif inspect.unwrap(function) is not function:
            function = inspect.unwrap(function)
        else:
            break
    if isinstance(function, Deferred):
        module = function.module
    elif isinstance(function, FunctionType):
        module = str(function.__globals__.get("__name__", ""))
    else:
        module = (function if isinstance(function, type) else type(function)).__module__
    return module.partition(".")[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class ByValue:
    """A callable of a session, such as a notebook's, with all that is known of it; `by_value` makes it."""

    function: Callable[..., Any]
    identity: str
    """Names its source and values; another in every process if they cannot be read."""
    places: tuple[tuple[str, ...], ...] = ()
    """Code that it uses and that is found by name: (module, name, ...)."""
    packages: frozenset[str] = frozenset()
    """Packages of compiled functions that it uses."""
    unknown: tuple[str, ...] = ()
    """Parts of it that cannot be read or described, in words; empty if the identity says everything."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


@dataclass
class Values:
    """Describes callables and the values in them as JSON; notes where their code is defined."""

    places: list[tuple[str, ...]] = field(default_factory=list)
    """(module, name, ...) of all code that was met; a module alone stands for all of it."""
    packages: set[str] = field(default_factory=set)
    """Packages of compiled functions."""
    _open: list[int] = field(default_factory=list)
    """Identities of the objects that are being described: a closure may hold itself."""

    def describe(self, value: Any) -> Any:
        """Return JSON that differs if a value differs. Of an object that shows nothing, its type counts."""
        if value is None or isinstance(value, str | int | float | bool):
            return repr(value)
        if id(value) in self._open:
            return "itself"
        self._open.append(id(value))
        try:
            return self._describe(value)
        finally:
            self._open.pop()

    def _describe(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return ["mapping", *([self.describe(key), self.describe(held)] for key, held in value.items())]
        if isinstance(value, list | tuple):
            return [type(value).__name__, *map(self.describe, value)]
        if isinstance(value, set | frozenset):
            return ["set", *sorted(map(str, map(self.describe, value)))]
        if isinstance(value, PurePath):
            return ["path", str(value)]
        if isinstance(value, ModuleType):
            return self._place(value.__name__, "")
        if callable(value) and (described := self._callable(value)) is not None:
            return described
        return self._object(value)

    def _object(self, value: Any) -> Any:
        return ["object", self.describe(type(value)), self.describe(_attributes(value))]

    def _callable(self, value: Any) -> Any:
        if isinstance(value, Deferred):
            return self._place(value.module, value.name)
        if isinstance(value, ByValue):
            self.places += value.places
            self.packages |= value.packages
            return ["by value", value.identity]
        if isinstance(value, functools.partial):
            return ["partial", *map(self.describe, (value.func, value.args, dict(sorted(value.keywords.items()))))]
        if isinstance(value, MethodType):
            return ["method", self.describe(value.__func__), self.describe(value.__self__)]
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._place(value.__module__, value.__qualname__)
        if (wrapped := getattr(value, "__wrapped__", None)) is not None:
            return ["wrapped", type(value).__qualname__, self.describe(wrapped)]
        name = getattr(value, "__qualname__", "") or getattr(value, "__name__", "")
        if isinstance(value, BuiltinFunctionType) or (name and not _attributes(value)):
            module = str(getattr(value, "__module__", None) or type(value).__module__)
            self.packages.add(module.partition(".")[0])
            return ["compiled", module, name]
        return None

    def _function(self, function: FunctionType) -> Any:
        # Its own module and name: `functools.wraps` gives a wrapper those of what it wraps.
        module, name = str(function.__globals__.get("__name__", "")), function.__code__.co_qualname
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        return [
            self._place(module, name),
            *map(self.describe, (cells, function.__defaults__, function.__kwdefaults__)),
            # What a decorator returned need not be what the source defines at the name.
            function.__code__.co_firstlineno if "<" in name else 0,
        ]

    def _place(self, module: str, name: str) -> Any:
        top = name.partition(".")[0]
        self.places.append((module,) if not top or top.startswith("<") else (module, top))
        return [module, name]


def _attributes(value: Any) -> dict[str, Any]:
    """Return what an object holds: its fields, its dictionary and its slots."""
    names = [field.name for field in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else []
    names += [*getattr(value, "__dict__", {})]
    for kind in type(value).__mro__:
        slots = getattr(kind, "__slots__", ())
        names += [slots] if isinstance(slots, str) else [*slots]
    held = {name: getattr(value, name) for name in dict.fromkeys(names) if hasattr(value, name)}
    return {name: part for name, part in sorted(held.items()) if not name.startswith("__")}
