"""Where plugins come from: entry points of installed distributions, folders and single files."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import ModuleType

from tlbench.contract.hooks import GROUP
from tlbench.errors import UsageError
from tlbench.results.files import file_sha256


@dataclass(frozen=True, kw_only=True)
class PluginOrigin:
    """Where a plugin comes from."""

    entry_point: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.entry_point} ({self.distribution} {self.version})"


@dataclass(frozen=True, kw_only=True)
class PluginCandidate:
    """A plugin that is not loaded yet."""

    origin: PluginOrigin
    load: Callable[[], object]


def installed() -> Iterator[PluginCandidate]:
    """Yield every entry point of the group, by distribution and name. A distribution on the path twice counts once."""
    # To read a name means to parse all metadata: only distributions with our entry points are asked.
    candidates = [(points, one) for one in distributions() if (points := one.entry_points.select(group=GROUP))]
    seen = set()
    for points, distribution in sorted(candidates, key=lambda pair: (pair[1].name or "").lower()):
        for point in points:
            if (distribution.name, point.name) not in seen:
                seen.add((distribution.name, point.name))
                origin = PluginOrigin(
                    entry_point=point.name, distribution=distribution.name, version=distribution.version
                )
                yield PluginCandidate(origin=origin, load=point.load)


def with_installed(also: Iterable[PluginCandidate]) -> list[PluginCandidate]:
    """Return the installed plugins and those of `also`, which replace installed ones of the same distribution."""
    added = list(also)
    replaced = {normalised(one.origin.distribution) for one in added}
    return [*(one for one in installed() if normalised(one.origin.distribution) not in replaced), *added]


def normalised(distribution: str) -> str:
    """Return the normalised name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def plugin_file(path: Path) -> PluginCandidate:
    """Return the plugin in a single file, which needs no package. Its version is the hash of its content.

    Raises `UsageError` if the path is not a Python file, or if a module with its name already exists.
    """
    path = path.expanduser().resolve()
    if not path.is_file() or path.suffix != ".py" or not path.stem.isidentifier():
        raise UsageError(
            f'Invalid plugin file "{path}": expected an existing FILE.py whose name is a Python identifier.'
        )
    existing = importlib.util.find_spec(path.stem)
    if existing is not None and existing.origin != str(path):
        raise UsageError(f'Invalid plugin file "{path}": a module "{path.stem}" already exists. Rename the file.')
    origin = PluginOrigin(entry_point=path.name, distribution="file", version=file_sha256(path)[:12])
    return PluginCandidate(origin=origin, load=lambda: _import(path))


def _import(path: Path) -> ModuleType:
    """Import a file once, under its own name: the source of its definitions is found by that name."""
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


def package_folder(folder: Path) -> list[PluginCandidate]:
    """Return the plugins in a folder's `pyproject.toml`, which are loaded from the folder without an installation.

    Raises `UsageError` if there is no such file, or no entry point of the group in it.
    """
    folder = folder.expanduser().resolve()
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        points = dict(project["entry-points"][GROUP])
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f'No plugin in "{folder}": expected a pyproject.toml with [project.entry-points.{GROUP}].'
        ) from error
    name, version = str(project.get("name", folder.name)), str(project.get("version", "unknown"))
    return [
        PluginCandidate(
            origin=PluginOrigin(entry_point=point, distribution=name, version=version),
            load=partial(_load_from, folder, EntryPoint(name=point, value=target, group=GROUP)),
        )
        for point, target in points.items()
    ]


def _load_from(folder: Path, point: EntryPoint) -> object:
    """Load an entry point with the folder, or its `src`, first on the import path, where it stays for later imports."""
    for root in (folder, folder / "src"):
        if root.is_dir() and str(root) not in sys.path:
            sys.path.insert(0, str(root))
    module = importlib.util.find_spec(point.module.partition(".")[0])
    places = [*(module.submodule_search_locations or ()), module.origin or ""] if module else []
    if not any(Path(place).is_relative_to(folder) for place in places if place):
        raise ModuleNotFoundError(f'no module "{point.module}" in "{folder}"')
    return point.load()
