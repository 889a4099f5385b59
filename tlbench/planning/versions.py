"""Versions of the distributions that imported packages belong to, and of what those require."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import re
from collections.abc import Iterator, Mapping

RENAMED = {
    "PIL": "pillow", "sklearn": "scikit-learn", "google": "protobuf", "mpl_toolkits": "matplotlib", "yaml": "pyyaml",
}  # fmt: skip
"""Distributions of other names than what is imported: looking through all that is installed takes long."""
VARIANTS = {"onnxruntime": ("onnxruntime-gpu", "onnxruntime")}
"""Packages that one of several distributions brings."""


@functools.cache
def versions_of(packages: frozenset[str]) -> Mapping[str, str]:
    """Return Python's version, and those of the distributions of top-level packages and of all they require."""
    found = {"python": platform.python_version()}
    waiting = [name for package in sorted(packages) for name in distributions_of(package)]
    while waiting:
        name = normalised(waiting.pop())
        if name not in found and (version := _version(name)) is not None:
            found[name] = version
            waiting.extend(requirements(name))
    return dict(sorted(found.items()))


def distributions_of(package: str) -> tuple[str, ...]:
    """Return the installed distributions that a top-level package may come from; none for the standard library."""
    named = (*VARIANTS.get(package, ()), RENAMED.get(package, package))
    return tuple(name for name in named if _version(normalised(name)) is not None) or _all_packages().get(package, ())


@functools.cache
def _all_packages() -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(dict.fromkeys(found)) for name, found in importlib.metadata.packages_distributions().items()}


@functools.cache
def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def requirements(distribution: str) -> tuple[str, ...]:
    """Return the names of what a distribution requires, extras left out."""
    return tuple(_required(importlib.metadata.requires(distribution) or ()))


def _required(lines: object) -> Iterator[str]:
    for line in lines:  # type: ignore[attr-defined]
        if "extra ==" not in line and (name := re.match(r"[\w.-]+", line)):
            yield name[0]


def normalised(distribution: str) -> str:
    """Return the one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
