"""An audit: a strategy adapts its model to data in which what it must not see is changed; the model must not change.

This process loads no plugin: processes of its own prepare and adapt, and it compares the weights that they leave.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tlbench.engine.auditor import BUDGET, CONDITIONS, MODEL, PREPARED, SOURCE
from tlbench.engine.planned import PlanRequest, error_of
from tlbench.errors import ContractError, TlbenchError
from tlbench.planning import fingerprints
from tlbench.planning.supervised import Message, Supervised, printed_to
from tlbench.results.audits import Audit
from tlbench.results.files import file_sha256

SAME, OTHER = "the same model, bit for bit", "another model"
CHANGED = ("permuted", "replaced")
"""Conditions with prepared data of their own."""
HELD = ("row", "code", "withheld")


def audit(request: PlanRequest, folder: Path, say: Callable[[str], None]) -> Audit:
    """Return the certificate of the strategy of a request; `folder` is empty, and removed by the caller.

    Raises `UsageError` if nothing of the request can be audited.
    """
    own = dataclasses.replace(request, settings=dataclasses.replace(request.settings, cache=folder / "cache"))
    started = _ask({"step": "begin", "request": own.packed(), "folder": str(folder)}, say)
    row: Mapping[str, Any] = started["row"]
    say(f"{row['task']} {row['backbone']} {row['strategy']} seed {row['seed']}")
    checks: dict[str, str] = {}
    hashes: dict[str, str] = {}
    opened: set[str] = set()
    for condition in CONDITIONS:
        found, files = _adapted(condition, request, started["code"], folder, say)
        hashes[condition] = found
        opened |= files
        checks[condition] = _said(condition, hashes)
        say(f"{condition}: {checks[condition]}")
        if len(hashes) == 2 and not _is_settled(hashes):
            break  # A model that is another each time says nothing of what it depends on.
    if opened:
        checks["files opened"] = ", ".join(sorted(opened))
    return Audit(
        strategy=row["strategy"],
        plugin=row["plugins"]["strategy"],
        code=row["strategy_code"],
        task=row["task"],
        backbone=row["backbone"],
        seed=row["seed"],
        device=request.settings.device,
        options=row["strategy_options"],
        access=tuple(row["access"]),
        outcome=_outcome(hashes, bool(opened)),  # type: ignore[arg-type]
        withheld=started["withheld"],
        checks=checks,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        processor_class=fingerprints.processor_class(),
        versions=fingerprints.versions(),
    )


def _is_settled(hashes: Mapping[str, str]) -> bool:
    """Return whether two adaptations to the same data gave the same model."""
    first, second = hashes["as it is"], hashes["again"]
    return first == second and not first.startswith("!")


def _outcome(hashes: Mapping[str, str], opened: bool) -> str:
    if opened:
        return "caught"
    if not _is_settled(hashes):
        return "undecided"
    return "clean" if len(set(hashes.values())) == 1 else "caught"


def _said(condition: str, hashes: Mapping[str, str]) -> str:
    found = hashes[condition]
    if found.startswith("!"):
        return f"failed: {found[1:]}"
    return "adapted" if condition == "as it is" else SAME if found == hashes["as it is"] else OTHER


def _adapted(
    condition: str, request: PlanRequest, code: str, folder: Path, say: Callable[[str], None]
) -> tuple[str, set[str]]:
    """Return the hash of the model that a strategy makes under a condition, `!` and the reason if it fails, and the
    names of files of data that it opened."""
    hidden = condition == "hidden"
    # A folder of its own: nothing of what was there before the change lies beside it.
    with tempfile.TemporaryDirectory(prefix="tlbench-adapt-") as place, _places(Path(place), hidden):
        own = Path(place)
        shutil.copytree(folder / (condition if condition in CHANGED else PREPARED), own / PREPARED)
        shutil.copytree(folder / SOURCE, own / SOURCE)
        shutil.copyfile(folder / BUDGET, own / BUDGET)
        root = None if hidden else request.settings.data_root
        settings = dataclasses.replace(request.settings, cache=own / "cache", data_root=root)
        packed = dataclasses.replace(request, settings=settings).packed()
        message = {"step": "adapt", "request": packed, "code": code, "folder": place, "hidden": hidden}
        try:
            answer = _ask(message, say)
            return file_sha256(own / MODEL), set(answer["opened"])
        except (TlbenchError, OSError) as error:
            return f"!{error}", set()


@contextlib.contextmanager
def _places(folder: Path, hidden: bool) -> Iterator[None]:
    """If `hidden`, processes that start meanwhile are told of no data folder, and of an empty cache."""
    if not hidden:
        yield
        return
    before = {name: os.environ.get(name) for name in ("TLBENCH_DATA", "TLBENCH_CACHE")}
    os.environ.pop("TLBENCH_DATA", None)
    os.environ["TLBENCH_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _ask(message: Message, say: Callable[[str], None]) -> Message:
    """Return the answer of a process that loads plugins. Raises what it raised."""
    answers: list[Message] = []

    def take(one: Message) -> None:
        if "warning" in one:
            say(f"Warning: {one['warning']}")
        elif not one.keys().isdisjoint(("opened", "error", *HELD)):  # Code of a plugin may write to the connection.
            answers.append(one)

    options = {"stdin": subprocess.DEVNULL, "stdout": printed_to(), "start_new_session": True}
    ending = Supervised("tlbench.engine.auditor", on_message=take, options=options).run(message)
    if not answers:
        raise ContractError(f"Code of a plugin {ending.words}")
    if "error" in answers[0]:
        raise error_of(**answers[0]["error"])
    return answers[0]
