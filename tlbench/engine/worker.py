"""What a child of the server does: load the plugins of one pairing, run it, and report by messages."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from tlbench.contract.events import Event
from tlbench.errors import ContractError, StageError, TlbenchError, UsageError, describe
from tlbench.planning.channel import Channel
from tlbench.planning.guard import Terminated, signals_raise
from tlbench.planning.supervised import Message, end_with_parent

if TYPE_CHECKING:
    from tlbench.engine.draft import Draft
    from tlbench.engine.store import Store
    from tlbench.planning.catalog import Catalog
    from tlbench.planning.plan import Pairing
    from tlbench.planning.settings import Settings

TOGETHER = 0.1
"""Seconds after which training steps are reported: a message for each would cost more than some steps."""
MEMORY = (
    "MemoryError", "allocate memory", "Unable to allocate", "out of memory", "bad_alloc", "map segment",
    "error return without exception set",
)  # fmt: skip
"""Words by which libraries say that memory is missing."""


def work(end: socket.socket, output: int) -> NoReturn:
    """Run the pairing that the first message describes. The process ends here, whatever a plugin left behind."""
    os.setsid()
    end_with_parent(signal.SIGKILL)
    here = os.getpid()
    _redirect(output)
    channel = Channel(end)
    reply: Message = {}
    try:
        with signals_raise():
            reply = run(channel, _first(channel))
    except Terminated:
        os._exit(128 + signal.SIGTERM)
    except BaseException as error:  # noqa: BLE001 - plugins may raise anything
        reply = {"problem": describe(error)}
    # A plugin may have forked: the copy is not the worker.
    if os.getpid() == here:
        channel.send(reply)
    os._exit(0)


def _redirect(output: int) -> None:
    """Send all that is printed to the output, and read from nothing."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((0, nothing), (1, output), (2, output)):
        os.dup2(place, descriptor)
    os.close(nothing)
    os.close(output)
    sys.stdout = os.fdopen(1, "w", buffering=1, errors="backslashreplace", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)


def _first(channel: Channel) -> Message:
    while channel.open:
        for message in channel.receive():
            return message
    os._exit(1)  # Nobody waits for a result.


def run(channel: Channel, message: Message) -> Message:
    """Return the draft of the pairing, and the stages that failed."""
    from tlbench.engine.job import unpacked
    from tlbench.engine.pairing import run_pairing
    from tlbench.engine.planned import catalog_of, unpacked_request
    from tlbench.engine.store import Store

    warnings.showwarning = _warning(channel)
    limit = message["memory"]
    limit_memory(limit)
    request = unpacked_request(message["request"])
    settings = dataclasses.replace(request.settings, accumulation_steps=message["parts"])
    catalog = catalog_of(request, only=message["plugins"])
    pairing = unpacked(message["code"], catalog)
    if pairing.key() != message["key"]:
        raise ContractError(
            "The plan names another pairing than its plugins make here: a plugin changes what it lists."
        )
    reporter = Reporter(channel)
    failures = _failures(message["failed"])
    store = Store(root=settings.cache, notify=reporter, on_wait=reporter.waits, failures={**failures})
    if message["survey"]:
        return {"survey": _survey(message, pairing, catalog, settings, store), "failed": _reported(store)}
    compute = _run_shared if message["shared"] else run_pairing
    draft = compute(pairing, catalog, settings, store)
    if draft.row.status == "failed" and store.lost_stages():
        # Somebody removed what the cache had: that is no fault of this pairing.
        store = dataclasses.replace(store, opened={}, failures=failures)
        draft = run_pairing(pairing, catalog, settings, store)
    reporter.flush()
    if draft.row.status == "failed" and limit and any(words in (draft.row.reason or "") for words in MEMORY):
        reason = f"{draft.row.reason} (the limit is {limit / 2**30:.1f} GiB: --memory-limit)"
        draft = dataclasses.replace(draft, row=dataclasses.replace(draft.row, reason=reason))
    return {"draft": draft.to_json(), "failed": _reported(store)}


def _survey(message: Message, pairing: Pairing, catalog: Catalog, settings: Settings, store: Store) -> dict[str, Any]:
    """Return what is to be known before the pairings of a task and a backbone run."""
    from tlbench.engine.job import unpacked
    from tlbench.engine.survey import survey

    others = [unpacked(code, catalog) for code in message["survey"]["others"]]
    return survey([pairing, *others], settings, store, measure=message["survey"]["measure"])


def _reported(store: Store) -> dict[str, list[Any]]:
    return {key: _described(error) for key, error in store.failures.items()}


def _warning(channel: Channel) -> Any:
    def show(text: Warning | str, *place: Any, **more: Any) -> None:
        channel.send({"warning": str(text)})

    return show


def _run_shared(pairing: Pairing, catalog: Catalog, settings: Settings, store: Store) -> Draft:
    """Bring the stages into the store that the pairings of a group share; the rest is skipped."""
    from tlbench.engine.job import job_of
    from tlbench.engine.pairing import without_score
    from tlbench.engine.pipeline import SCORED, SHARED, run_stages

    with suppress(TlbenchError):  # The store tells what failed.
        run_stages(pairing, settings, store, [stage for stage in SCORED if stage.name in SHARED])
    fields = job_of(pairing, catalog, settings).fields
    return without_score(fields, published=False, status="skipped", reason="only what others share was computed")


def _described(error: StageError) -> list[Any]:
    """Return an error as data: stage, reason, and whether the request is at fault."""
    cause = error.__cause__ or error
    return [error.stage, describe(cause), isinstance(cause, UsageError)]


def _failures(reported: Mapping[str, Any]) -> dict[str, StageError]:
    """Return what failed in another child as errors: it is not tried again."""
    return {
        key: StageError(stage, UsageError(reason) if bad else ContractError(reason))
        for key, (stage, reason, bad) in reported.items()
    }


def limit_memory(limit: int) -> None:
    """Limit what this process may allocate to so many bytes; 0 for no limit."""
    if limit and sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


class Reporter:
    """Sends events of the store, training steps a few at once."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._steps: list[dict[str, Any]] = []
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        self._steps.append({**vars(event), "values": dict(event.values)})
        if event.name != "step" or time.monotonic() - self._last > TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Send what there is."""
        if self._steps:
            self._channel.send({"events": self._steps})
        self._steps, self._last = [], time.monotonic()

    def waits(self, waiting: bool) -> None:
        """Say whether another process computes what this one needs."""
        self._channel.send({"waiting": waiting})
