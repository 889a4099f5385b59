"""The toy as a plugin that `load_catalog` takes."""

from __future__ import annotations

import importlib
from types import ModuleType

from tlbench.planning.discovery import PluginCandidate, PluginOrigin


def toy_candidate() -> PluginCandidate:
    """Return the toy as a plugin that `load_catalog` takes."""
    from tlbench import __version__

    origin = PluginOrigin(entry_point="toy", distribution="tlbench-toy", version=__version__)
    return PluginCandidate(origin=origin, load=_load)


def _load() -> ModuleType:
    return importlib.import_module("tlbench.testing.toy.plugin")
