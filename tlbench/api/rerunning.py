"""Results of a board that are run again: which can be, which are drawn, and what came of them."""

from __future__ import annotations

import dataclasses
import datetime
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.contract.kind_specs import CLASS_PROBABILITIES
from tlbench.contract.requests import SELF_LABELLED
from tlbench.errors import TlbenchError, UsageError
from tlbench.planning.catalog import Catalog, Spec
from tlbench.planning.selection import RunRequest
from tlbench.results.evidence import Rerun, evidence_digest
from tlbench.results.files import BOARD, digest
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.api.display import Display
    from tlbench.api.engines import Engine
    from tlbench.planning.settings import Settings

Machine = tuple[str, int, str, bool]
"""Device, threads, precision, compiled: runs that share them run together."""


@dataclass
class Reruns:
    """What came of running results of a board again, by file of the result below `rows`."""

    drawn: list[str] = field(default_factory=list)
    done: dict[str, Rerun] = field(default_factory=dict)
    places: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Why a rerun need not be equal bit for bit."""
    not_drawn: dict[str, str] = field(default_factory=dict)
    """Results that cannot be run again here, each with the reason."""
    not_run: dict[str, str] = field(default_factory=dict)
    """Drawn results that have no rerun, each with the reason."""


@dataclass(frozen=True)
class _Planned:
    row: Row
    request: RunRequest


def rerun(
    board: Path,
    rows: Sequence[Row],
    count: int,
    seed: int,
    catalog: Catalog,
    engine: Engine,
    display: Display,
    plugins: Sequence[Path] = (),
) -> Reruns:
    """Draw results by a seed and run them again, in a cache and on a board of their own, which are removed.

    Results are drawn until `count` of them can be planned, or none are left.
    """
    found, planned = Reruns(), list[_Planned]()
    for row in sorted(rows, key=lambda one: digest([seed, one.file_name])):
        if len(planned) == count:
            break
        try:
            planned.append(_Planned(row, _planned(row, catalog)))
        except TlbenchError as error:
            found.not_drawn[row.file_name] = str(error)
    found.drawn = [one.row.file_name for one in planned]
    with tempfile.TemporaryDirectory(prefix="tlbench-rerun-") as folder:
        for number, (machine, group) in enumerate(_by_machine(planned)):
            own = Path(folder) / str(number)
            anew = _run(group, machine, own, engine, display, plugins)
            _compare(found, group, anew, (board, own / "board"), catalog)
    return found


def _planned(row: Row, catalog: Catalog) -> RunRequest:
    """Return the request of a result's pairing. Raises `TlbenchError` that says why it cannot be run again here."""
    from tlbench.planning.expand import make_plan
    from tlbench.planning.repeat import repeat_request

    if reason := _unusable(row, catalog):
        raise UsageError(reason)
    request = repeat_request(row, catalog)
    pairings = make_plan([request], catalog, _settings(row)).pairings
    if len(pairings) != 1:
        raise UsageError(f"its command plans {len(pairings)} runs here, expected 1")
    (pairing,) = pairings
    if pairing.skip:
        raise UsageError(f"it would be skipped here: {pairing.skip}")
    if pairing.key() != row.key:
        raise UsageError(f"its options, data or checkpoint are others here: the plan has the key {pairing.key()}")
    return request


def _unusable(row: Row, catalog: Catalog) -> str:
    """Return why a result cannot be run again here, as far as it is seen without a plan; empty if it can be."""
    if row.status != "ok":
        return f"it {'was' if row.status == 'skipped' else 'has'} {row.status}"
    for role, names in (("task", catalog.tasks), ("strategy", catalog.strategies)):
        if (name := getattr(row, role)) not in names:
            return f"the {role} {name} is not installed"
    specs: tuple[Spec, ...] = (catalog.task(row.task), catalog.backbone(row.backbone), catalog.strategy(row.strategy))
    for role, spec in zip(("task", "backbone", "strategy"), specs, strict=True):
        origin, installed = row.plugins.get(role), str(catalog.origin(spec))
        if origin != installed:
            return f"its {role} is of {origin}, but {installed} is installed"
    return ""


def _settings(row: Row, folder: Path = BOARD) -> Settings:
    from tlbench.api.running import settings_for

    kept = {"precision": row.precision, "compiled": row.compiled}
    threads = min(row.threads, os.cpu_count() or 1)  # A result may name any number.
    return settings_for(row.device, threads, folder / "board", **kept, writes=False)  # type: ignore[arg-type]


def _by_machine(planned: Sequence[_Planned]) -> Iterator[tuple[Machine, list[_Planned]]]:
    groups: dict[Machine, list[_Planned]] = {}
    for one in planned:
        row = one.row
        groups.setdefault((row.device, row.threads, row.precision, row.compiled), []).append(one)
    yield from groups.items()


def _run(
    group: Sequence[_Planned],
    machine: Machine,
    folder: Path,
    engine: Engine,
    display: Display,
    plugins: Sequence[Path],
) -> dict[str, Row]:
    """Return the rows of reruns by their keys; all stages are computed, for nothing is in the cache."""
    from tlbench.api.carry_out import carry_out
    from tlbench.api.engines import opened
    from tlbench.engine.planned import PlanRequest

    settings = dataclasses.replace(_settings(group[0].row, folder), cache=folder / "cache")
    request = PlanRequest(runs=[one.request for one in group], settings=settings, plugins=plugins, find=False)
    with closing(display), opened(request, engine, display) as run:
        results = carry_out(dataclasses.replace(run, latency=False), settings)
    return {row.key: row for row in results.rows}


def _compare(
    found: Reruns, group: Sequence[_Planned], anew: Mapping[str, Row], boards: tuple[Path, Path], catalog: Catalog
) -> None:
    from tlbench.verification.reruns import differences, place_differences

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    for row in (one.row for one in group):
        again = anew.get(row.key)
        if again is None or again.status != "ok":
            said = "its run left no result" if again is None else f"its run {again.status}: {again.reason}"
            found.not_run[row.file_name] = said
            continue
        paths = boards[0] / "rows" / row.file_name, boards[1] / "rows" / again.file_name
        places, kind = place_differences(row, again), catalog.task(row.task).kind
        classes = CLASS_PROBABILITIES in kind.traits and kind.layout not in SELF_LABELLED
        in_bits = differences(row, again, *paths, exact=True)
        wrong = differences(row, again, *paths, exact=not places, classes=classes)
        found.places[row.file_name] = tuple(places)
        found.done[row.file_name] = Rerun(
            digest=evidence_digest(row),
            date=today,
            reproduced=not wrong,
            exact=not in_bits,
            differences=tuple(wrong),
            score_difference=None if row.score is None or again.score is None else abs(row.score - again.score),
            processor_class=again.processor_class or "",
            versions=again.versions,
            commit=again.commit,
        )
