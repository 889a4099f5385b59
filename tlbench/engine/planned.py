"""A request -> the jobs of its plan: in this process, or in a child, so that no code of a plugin runs here."""

from __future__ import annotations

import base64
import dataclasses
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import errors
from tlbench.engine.job import Job
from tlbench.errors import ContractError, TlbenchError, UsageError, describe
from tlbench.planning.discovery import PluginOrigin
from tlbench.planning.registration import PluginProblem
from tlbench.planning.settings import Settings
from tlbench.planning.supervised import Message, Supervised, printed_to

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog
    from tlbench.planning.own import OwnStrategy
    from tlbench.planning.plan import Plan
    from tlbench.planning.selection import RunRequest


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """What is to be run, where, and with which plugins beside the installed ones."""

    runs: Sequence[RunRequest] = ()
    settings: Settings
    plugins: Sequence[Path] = ()
    """Files."""
    own: Sequence[OwnStrategy] = ()
    """Strategies that no plugin offers."""
    path: Sequence[str] = ()
    """Import path of the session, for what those strategies import."""
    find: bool = True
    """Whether finished pairings are looked up in the cache."""

    def packed(self) -> str:
        """Return the request as text for another process, functions of a session by value.

        Raises `UsageError` for a function whose values cannot travel.
        """
        if not self.own:
            return _joined((), pickle.dumps(self))
        import cloudpickle

        try:
            return _joined(self.path, cloudpickle.dumps(self))
        except Exception as error:  # Values of the session raise what they like when they are pickled.
            names = ", ".join(f'"{one.spec.name}"' for one in self.own)
            advice = 'Give it plain values, or use engine="inline".'
            raise UsageError(f"{names} cannot be sent to another process ({describe(error)}). {advice}") from error


def _joined(path: Sequence[str], content: bytes) -> str:
    """Return both as text. The path stands apart: what the content names is imported when it is read."""
    return ".".join(base64.b64encode(part).decode() for part in (json.dumps(list(path)).encode(), content))


def unpacked_request(text: str) -> PlanRequest:
    """Return the request of `packed`, which the process that started this one wrote; its folders join the path."""
    path, content = map(base64.b64decode, text.split("."))
    # Last on the path: a file of the session shadows no library.
    sys.path += [folder for folder in json.loads(path) if folder not in sys.path]
    request = pickle.loads(content)  # noqa: S301 - of our own parent
    assert isinstance(request, PlanRequest)
    return request


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan as data."""

    jobs: Sequence[Job]
    problems: Sequence[PluginProblem] = ()
    """Of plugins that could not be used."""
    listeners: Sequence[str] = ()
    """Plugins that receive events."""


def plan_here(request: PlanRequest, listeners: Iterable[object] = ()) -> tuple[Plan, Catalog]:
    """Return the plan of a request and the catalog that it was made with."""
    from tlbench.planning.expand import make_plan
    from tlbench.planning.own import marked

    catalog = catalog_of(request, listeners)
    return marked(make_plan(request.runs, catalog, request.settings), request.own), catalog


def catalog_of(request: PlanRequest, listeners: Iterable[object] = (), only: Collection[str] | None = None) -> Catalog:
    """Return the catalog of a request's plugins, or of some of them."""
    from tlbench.planning.named_files import catalog_with
    from tlbench.planning.own import with_strategies

    return with_strategies(catalog_with(request.plugins, listeners, only), request.own)


def plan_in_child(request: PlanRequest, warn: Callable[[str], None]) -> Planned:
    """Return the plan of a request, made by a child, whose warnings go to `warn`. Raises what making it raises."""
    answers: list[Message] = []

    def take(message: Message) -> None:
        if "warning" in message:
            warn(f"Warning: {message['warning']}")
        elif not message.keys().isdisjoint(("jobs", "error")):  # Code of a plugin may write to the connection.
            answers.append(message)

    # Ctrl-C at the terminal goes to this process, which ends the child.
    options = {"stdin": subprocess.DEVNULL, "stdout": printed_to(), "start_new_session": True}
    child = Supervised("tlbench.engine.planner", on_message=take, options=options)
    ending = child.run({"request": request.packed()})
    if not answers:
        raise ContractError(
            f"Code of a plugin {ending.words} while the plan was made. Name the tasks and backbones that you need, or "
            "remove the plugin: tlbench plugins"
        )
    answer = answers[0]
    if "error" in answer:
        raise error_of(**answer["error"])
    return Planned(
        jobs=[Job.from_json(job) for job in answer["jobs"]],
        problems=[_problem(problem) for problem in answer["problems"]],
        listeners=answer["listeners"],
    )


def error_of(kind: str, message: str) -> TlbenchError:
    """Return an error of the same kind as in the child: a `UsageError` ends with status 2, any other with 1."""
    known = getattr(errors, kind, ContractError)
    error: TlbenchError = UsageError(message) if issubclass(known, UsageError) else ContractError(message)
    return error


def problem_json(problem: PluginProblem) -> dict[str, Any]:
    """Return a problem as JSON."""
    return dataclasses.asdict(problem)


def _problem(value: dict[str, Any]) -> PluginProblem:
    return PluginProblem(**{**value, "origin": PluginOrigin(**value["origin"])})
