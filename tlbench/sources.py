"""Where plugins come from: entry points of installed distributions, and single files that a user names."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType

from tlbench.errors import UsageError
from tlbench.files import file_sha256
from tlbench.hookspecs import GROUP


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a plugin comes from."""

    entry_point: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.entry_point} ({self.distribution} {self.version})"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A plugin that is not loaded yet."""

    origin: Origin
    load: Callable[[], object]


def installed() -> Iterator[Source]:
    """Yield every entry point of the group, by distribution and name; a distribution found twice counts once."""
    seen = set()
    for distribution in sorted(distributions(), key=lambda found: (found.name or "").lower()):
        for point in distribution.entry_points.select(group=GROUP):
            if (distribution.name, point.name) not in seen:
                seen.add((distribution.name, point.name))
                origin = Origin(entry_point=point.name, distribution=distribution.name, version=distribution.version)
                yield Source(origin=origin, load=point.load)


def plugin_file(path: Path) -> Source:
    """Return the plugin in a single file, which needs no packaging; its version is the hash of its content.

    Raises `UsageError` for what is no Python file, or has the name of a module that is there already.
    """
    path = path.expanduser().resolve()
    if not path.is_file() or path.suffix != ".py" or not path.stem.isidentifier():
        raise UsageError(f'The plugin "{path}" is no Python file: name a FILE.py whose name is an identifier.')
    known = importlib.util.find_spec(path.stem)
    if known is not None and known.origin != str(path):
        raise UsageError(f'The plugin "{path}" has the name of the module "{path.stem}": give the file another name.')
    origin = Origin(entry_point=path.name, distribution="file", version=file_sha256(path)[:12])
    return Source(origin=origin, load=lambda: _import(path))


def _import(path: Path) -> ModuleType:
    """Import a file under its own name, once: the code of what it defines is found by that name."""
    if path.stem in sys.modules:
        return sys.modules[path.stem]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module
