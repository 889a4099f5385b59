"""Modules of plugins -> registered hooks, or the problem of a plugin that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pluggy

from tlbench.contract import hooks as hookspecs
from tlbench.contract.editions import DECLARATION, other_edition, removed_field
from tlbench.errors import UnknownNameError, describe
from tlbench.planning.discovery import PluginCandidate, PluginOrigin
from tlbench.planning.guard import pass_signal
from tlbench.planning.watch import broken, loading


@dataclass(frozen=True, kw_only=True)
class PluginProblem:
    """Why a plugin, or one of its specs, is not in the catalog."""

    origin: PluginOrigin
    stage: str
    """`load`, `register`, `hook` or `spec`."""
    cause: str
    advice: str

    @property
    def sentences(self) -> str:
        """The cause and the advice."""
        return f"{self.cause.removesuffix('.')}. {self.advice}"

    def __str__(self) -> str:
        return f"{self.origin}: {self.stage}: {self.sentences}"


def register(manager: pluggy.PluginManager, candidate: PluginCandidate) -> PluginProblem | None:
    """Load a plugin and register its hooks; return a problem if that fails."""
    origin = candidate.origin
    if cause := broken(str(origin)):
        return PluginProblem(origin=origin, stage="load", cause=cause, advice=_advice(origin))
    try:
        with loading(str(origin)):
            module = candidate.load()
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; it becomes a problem
        pass_signal(error)
        cause, advice = removed_field(error)
        if cause:
            return PluginProblem(origin=origin, stage="load", cause=cause, advice=advice)
        return PluginProblem(origin=origin, stage="load", cause=describe(error), advice=_advice(origin))
    cause, advice = other_edition(getattr(module, DECLARATION, None))
    if cause:
        return PluginProblem(origin=origin, stage="register", cause=cause, advice=advice)
    unknown = sorted(name for name in vars(module) if name.startswith("tlbench_") and not _is_hook(module, name))
    if unknown:
        names = [name for name in vars(hookspecs) if name.startswith("tlbench_")]
        cause = str(UnknownNameError("hook", unknown[0], names))
        return PluginProblem(origin=origin, stage="register", cause=cause, advice="Rename the function.")
    try:
        manager.register(module, name=str(origin))
    except (ValueError, pluggy.PluginValidationError) as error:
        advice = "Compare the function's arguments with tlbench.contract.hooks."
        return PluginProblem(origin=origin, stage="register", cause=describe(error), advice=advice)
    return None


def _advice(origin: PluginOrigin) -> str:
    if origin.distribution == "file":
        return "Correct the file."
    return f"Reinstall or remove it: pip uninstall {origin.distribution}"


def _is_hook(module: Any, name: str) -> bool:
    """Return whether a name implements a hook that exists; also True if it implements no hook at all."""
    return not hasattr(getattr(module, name), "tlbench_impl") or hasattr(hookspecs, name)
