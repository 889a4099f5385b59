"""The alternatives that one user may choose among: which do not differ significantly, and which costs least."""

from __future__ import annotations

import functools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.leaderboard import contests, questions, wording
from tlbench.leaderboard.advice.limits import Limits, barred, forgetting
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.flags import Peers, named
from tlbench.leaderboard.ranks import Difference, difference, significantly_better
from tlbench.results import baselines
from tlbench.results.baselines import ALL_LABELS, CLASSICAL, SCRATCH, SOURCE_ONLY

RIVALS = (CLASSICAL, SCRATCH, SOURCE_ONLY)
"""Baselines that anybody could use in place of a strategy; the others are bounds."""


@dataclass(frozen=True, eq=False)
class Case:
    """Strategies with the same access, label budget, data and version of the code, on any backbone of a task."""

    members: tuple[Entry, ...]
    """Those with a score, best first."""
    limits: Limits
    models: Mapping[str, Sequence[Entry]]
    """All entries of the board by the model that they start from, baselines among them."""
    labelled: bool
    """Whether some alternative of the task may use target labels."""
    failed: tuple[Entry, ...]
    """Strategies of the same task, access and label budget that have no score because they failed."""
    several: bool
    """Whether the task has several backbones, so that names need theirs."""

    @functools.cached_property
    def left_out(self) -> Mapping[str, str]:
        """Name of a member that is not recommended -> why."""
        reasons = {self.name(entry): barred(entry, self.limits) for entry in self.members}
        reasons |= {self.name(entry): wording.ending(entry) for entry in self.failed if self.name(entry) not in reasons}
        return {name: reason for name, reason in reasons.items() if reason}

    @functools.cached_property
    def eligible(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.members if not barred(entry, self.limits))

    @functools.cached_property
    def leaders(self) -> tuple[Entry, ...]:
        """Eligible strategies than which no other is significantly better, best first."""
        return _leaders(self.eligible)

    @functools.cached_property
    def contenders(self) -> tuple[Entry, ...]:
        """Leaders that may be recommended: no baseline that takes their place is significantly better.

        If some of them are significantly better than the source model as it is, only these. If a baseline is better
        than each leader, the best of those baselines.
        """
        kept = [entry for entry in self.leaders if not self.beaten_by(entry)]
        if kept:
            return tuple(entry for entry in kept if self.gains(entry)) or tuple(kept)
        above = {id(one): one for entry in self.leaders for one in self.beaten_by(entry)}
        return _leaders(sorted(above.values(), key=best_first))

    def beaten_by(self, entry: Entry) -> list[Entry]:
        """Return the baselines that could take the place of an entry and are significantly better."""
        return significantly_better(entry, self._baselines(entry))

    def gains(self, entry: Entry) -> bool:
        """Return whether an entry is significantly better than source-only, or there is none to compare it with."""
        other = None if entry.first.baseline else self.rival(SOURCE_ONLY, entry)
        return other is None or bool(significantly_better(other, [entry]))

    def _baselines(self, entry: Entry) -> list[Entry]:
        found = [self.rival(name, entry) for name in RIVALS]
        return [rival for rival in found if rival and not barred(rival, self.limits)]

    @functools.cached_property
    def use(self) -> Entry | None:
        """The entry that is recommended: of the contenders the one that costs least.

        With fewer than two common seeds, which compare nothing, it is the one with the highest score.
        """
        if any(difference(self.contenders[0], other).seeds < 2 for other in self.contenders[1:]):
            return self.contenders[0]
        left = self.contenders
        for place in range(len(ALIKE)):
            left = cheapest(left, place)
        return left[0] if left else None  # of those that cost about the same the one with the highest score

    @property
    def rivals(self) -> list[Entry]:
        """What does not differ significantly from the entry that is recommended."""
        alike = self.contenders if self.use and self.use.first.baseline else self.leaders
        return [entry for entry in alike if entry is not self.use]

    @property
    def beaten(self) -> list[Entry]:
        """Eligible strategies that are not among the leaders, best first."""
        leading = set(map(id, self.leaders))
        return [entry for entry in self.eligible if id(entry) not in leading]

    def peer(self, name: str, entry: Entry) -> Entry | None:
        """Return the baseline of a name that an entry is compared with, whatever its access; None without one."""
        return Peers(self.models[questions.model(entry.first)], 0).baseline(entry, name)

    def rival(self, name: str, entry: Entry) -> Entry | None:
        """Return the baseline of a name if it was given no more than an entry, so that it could take its place."""
        found = self.peer(name, entry)
        return found if found and set(found.access) <= set(entry.access) else None

    def over(self, name: str, entry: Entry) -> Difference | None:
        """Return how far an entry is above such a baseline; None without two common seeds, and for a baseline."""
        other = None if entry.first.baseline else self.rival(name, entry)
        gap = difference(entry, other) if other else None
        return gap if gap and gap.seeds > 1 else None

    def below_all_labels(self, entry: Entry) -> Difference | None:
        """Return how far all-labels is above an entry; None without two common seeds."""
        bound = self.peer(ALL_LABELS, entry)
        gap = difference(bound, entry) if bound else None
        return gap if gap and gap.seeds > 1 else None

    def name(self, entry: Entry) -> str:
        """Return the name of an entry: with its backbone if the task has several, and its machine if that tells."""
        return self._names.get(id(entry)) or named(entry, self.several)

    @functools.cached_property
    def _names(self) -> Mapping[int, str]:
        names = {id(entry): named(entry, self.several) for entry in self.members}
        again = Counter(names.values())
        return {
            id(entry): f"{name} on {wording.machine(entry.first)}" if again[name] > 1 else name
            for entry, name in zip(self.members, names.values(), strict=True)
        }


def _leaders(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if not significantly_better(entry, entries))


def adaptation_seconds(entry: Entry) -> float | None:
    """Return the mean seconds of adaptation: of the CUDA device if there was one, else of the CPU."""
    device = entry.mean("device_seconds")
    return entry.stage_seconds("adapt") if device is None else device


ALIKE: tuple[Callable[[float], float], ...] = (
    lambda seconds: max(2 * seconds, seconds + 1),
    lambda forgotten: forgotten + 0.01,
    lambda ms: 1.5 * ms,
)
"""How much may be spent, for each of `costs`, if this is the least: less is noise, or matters to nobody."""


def costs(entry: Entry) -> tuple[float, ...]:
    """Return what an entry costs, in the order in which it decides: adaptation in s, forgetting, latency in ms.

    Seconds and ms have three significant digits, forgetting three decimals. What was not measured counts as the most.
    """
    seconds, lost, latency = adaptation_seconds(entry), forgetting(entry), entry.mean("p50_ms")
    return _rough(seconds), math.inf if lost is None else round(lost, 3), _rough(latency)


def _rough(value: float | None) -> float:
    return math.inf if value is None else float(f"{value:.3g}")


def cheapest(entries: Sequence[Entry], place: int) -> tuple[Entry, ...]:
    """Return the entries that cost about the least, by one of `costs`."""
    if not entries:
        return ()
    most = ALIKE[place](min(costs(entry)[place] for entry in entries))
    return tuple(entry for entry in entries if costs(entry)[place] <= most)


def cases(entries: Iterable[Entry], left: Iterable[Entry], limits: Limits) -> list[list[Case]]:
    """Return the cases of each task, tasks by name and those with the least access first.

    `left` are the entries without a score.
    """
    models: dict[str, list[Entry]] = defaultdict(list)
    tasks: dict[str, dict[tuple[Any, ...], list[Entry]]] = defaultdict(lambda: defaultdict(list))
    failed: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        models[questions.model(entry.first)].append(entry)
        if not entry.first.baseline and entry.mean("score") is not None:
            tasks[entry.first.task][contests.alternatives(entry)].append(entry)
    for entry in left:
        if entry.first.status == "failed" and not entry.first.baseline:
            failed[_place(entry)].append(entry)
    return [_of_task(groups, failed, limits, models) for _, groups in sorted(tasks.items())]


def _of_task(
    groups: Mapping[tuple[Any, ...], Sequence[Entry]],
    failed: Mapping[tuple[Any, ...], Sequence[Entry]],
    limits: Limits,
    models: Mapping[str, Sequence[Entry]],
) -> list[Case]:
    ordered = sorted(groups.items(), key=lambda group: (len(group[1][0].places), group[0]))
    labelled = any("target-labels" in members[0].first.access for members in groups.values())
    several = len({entry.first.backbone for members in groups.values() for entry in members}) > 1
    return [
        Case(
            members=tuple(sorted(members, key=best_first)),
            limits=limits,
            models=models,
            labelled=labelled,
            failed=tuple(failed.get(_place(members[0]), ())),
            several=several,
        )
        for _, members in ordered
    ]


def _place(entry: Entry) -> tuple[Any, ...]:
    """Return what says that an entry without a score belongs to a case; its version is unknown."""
    row = entry.first
    return row.task, entry.places, baselines.requested_budget(row), row.files


def best_first(entry: Entry) -> tuple[float, str, str]:
    """Return what alternatives are sorted by: the highest score first."""
    return -(entry.mean("score") or 0), entry.strategy, entry.first.backbone
