"""Versions of the distributions that imported packages belong to, and of their requirements."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec

RENAMED = {
    "PIL": "pillow", "sklearn": "scikit-learn", "google": "protobuf", "mpl_toolkits": "matplotlib", "yaml": "pyyaml",
}  # fmt: skip
"""Distributions whose name differs from the imported package: a search in all installed distributions takes long."""
VARIANTS = {"onnxruntime": ("onnxruntime-gpu", "onnxruntime")}
"""Packages that one of several distributions provides."""
RUNTIME = 'pip install "tlbench[cpu]", or "tlbench[gpu]" for an NVIDIA GPU'


@functools.cache
def versions_of(packages: frozenset[str]) -> Mapping[str, str]:
    """Return the versions of Python, of the distributions of top-level packages and of all their requirements."""
    versions = {"python": platform.python_version()}
    waiting = [name for package in sorted(packages) for name in distributions_of(package)]
    while waiting:
        name = normalised(waiting.pop())
        if name not in versions and (version := _version(name)) is not None:
            versions[name] = version
            waiting.extend(requirements(name))
    return dict(sorted(versions.items()))


def distributions_of(package: str) -> tuple[str, ...]:
    """Return the installed distributions that a top-level package may come from; none for the standard library."""
    named = (*VARIANTS.get(package, ()), RENAMED.get(package, package))
    return tuple(name for name in named if _version(normalised(name)) is not None) or _all_packages().get(package, ())


@functools.cache
def _all_packages() -> Mapping[str, tuple[str, ...]]:
    packages = importlib.metadata.packages_distributions()
    return {package: tuple(dict.fromkeys(distributions)) for package, distributions in packages.items()}


@functools.cache
def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def requirements(distribution: str) -> tuple[str, ...]:
    """Return the names of what a distribution requires, without extras."""
    return tuple(_required(importlib.metadata.requires(distribution) or ()))


def _required(lines: object) -> Iterator[str]:
    for line in lines:  # type: ignore[attr-defined]
        if "extra ==" not in line and (name := re.match(r"[\w.-]+", line)):
            yield name[0]


def normalised(distribution: str) -> str:
    """Return the normalised name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def runtime_fault() -> str:
    """Return what is wrong with the installation of ONNX Runtime and how to mend it, or an empty string."""
    there = [name for name in VARIANTS["onnxruntime"] if _version(name) is not None]
    if len(there) > 1:
        return f"{' and '.join(there)} overwrite each other's files: pip uninstall {' '.join(there)}, then {RUNTIME}"
    if not there and find_spec("onnxruntime") is None:
        return f"ONNX Runtime is not installed: {RUNTIME}"
    return ""
