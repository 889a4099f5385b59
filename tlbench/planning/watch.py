"""Tells the process that started this one which plugin is being loaded.

Code of a plugin may end the process or never return. Whoever waits for this process then knows whose fault it is, and
starts it again without that plugin.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

_tell: Callable[[str], object] = lambda plugin: None  # noqa: E731 - nobody listens
_broken: dict[str, str] = {}


def begin(tell: Callable[[str], object], broken: Mapping[str, str]) -> None:
    """Report to `tell` from now on; `broken` are plugins that must not be loaded again, with what they did."""
    global _tell
    _tell = tell
    _broken.update(broken)


def broken(plugin: str) -> str:
    """Return what happened when the plugin was loaded before; empty if nothing did."""
    return _broken.get(plugin, "")


@contextmanager
def loading(plugin: str) -> Iterator[None]:
    """Say that code of a plugin runs until the end of the block."""
    here = os.getpid()
    _tell(plugin)
    try:
        yield
    finally:
        # The plugin forked: the copy must not go on as a second one of this process.
        if os.getpid() != here:
            os._exit(0)
        _tell("")
