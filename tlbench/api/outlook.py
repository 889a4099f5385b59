"""A plan in words, for people: what will run on which data, and what it will take. Shown before anything is trained."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tlbench.api.data_facts import data_lines
from tlbench.engine.contents import facts
from tlbench.engine.forecast import Forecast, earlier_rows, from_rows, from_survey, source_steps_of, steps_of, trials_of
from tlbench.engine.job import Job
from tlbench.engine.surveyed import Question, Survey
from tlbench.errors import StoreError
from tlbench.planning.settings import Settings
from tlbench.planning.tuned import FOLDS
from tlbench.results.row import Row

DETAILED = 4
"""Tasks with a backbone up to which a plan describes data; a longer one has a line for each task."""
LONGEST = 40
"""Tasks with a backbone up to which a plan says what it takes."""
WORTH = 100
"""Training steps from which on a few are timed before a run: those take a few per cent of it."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """The runs of a task with a backbone."""

    jobs: Sequence[Job]
    board: Path

    @cached_property
    def open(self) -> list[Job]:
        """Those that are to be computed."""
        return [job for job in self.jobs if job.draft is None and not job.skip]

    @cached_property
    def rows(self) -> list[Row]:
        """Earlier results."""
        return earlier_rows(self.jobs, self.board)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What the cache knows of the data, nothing unless it was prepared."""
        for folder in dict.fromkeys(job.prepared for job in self.jobs if job.prepared):
            try:
                return facts(Path(folder))
            except StoreError:
                continue
        return {}

    @property
    def backbone(self) -> str:
        return str(self.jobs[0].fields["backbone"])

    @property
    def name(self) -> str:
        return f"{self.jobs[0].fields['task']} with {self.backbone}"

    @cached_property
    def short(self) -> bool:
        """Whether too few training steps follow to time some; without any, a pass over a few examples is timed.

        A step of a pre-trained model may take a minute, so that a few are never too few.
        """
        steps = sum(steps_of(job) + source_steps_of(job) for job in self.open)
        return 0 < steps < WORTH and all(_random(job) for job in self.open)

    def question(self, asked: bool) -> Question | None:
        """Return what is to be found out before it runs; steps are timed if it is `asked` for, or worth it."""
        if not self.open:
            return None
        measure = from_rows(self.open, self.rows) is None and (asked or not self.short)
        if self.facts and not measure:
            return None
        kinds = {job.training: job for job in reversed(self.open) if steps_of(job)}
        return Question(jobs=list(kinds.values()) or self.open[:1], measure=measure)


def _random(job: Job) -> bool:
    return "random" in (job.fields["weights"], job.fields["backbone_options"].get("weights"))


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a plan will do."""

    jobs: Sequence[Job]
    settings: Settings
    at_once: int
    """Runs at a time."""
    finds: bool = True
    """Whether finished runs were looked up: what is left to compute is known."""
    surveys: Mapping[int, Survey] = field(default_factory=dict)
    """Number of a group -> what was found out about it."""

    @cached_property
    def groups(self) -> list[Group]:
        """The runs by task and backbone."""
        by_name: dict[tuple[str, str], list[Job]] = {}
        for job in self.jobs:
            by_name.setdefault((job.fields["task"], job.fields["backbone"]), []).append(job)
        return [Group(jobs=jobs, board=self.settings.board) for jobs in by_name.values()]

    @property
    def detailed(self) -> bool:
        """Whether it says all of each task."""
        return len(self.groups) <= DETAILED

    def questions(self, asked: bool = False) -> dict[int, Question]:
        """Return what is to be found out before it runs: number of a group -> question."""
        if not self.finds or len(self.groups) > LONGEST:
            return {}
        found = ((index, group.question(asked)) for index, group in enumerate(self.groups))
        # A long plan does not describe data.
        return {index: question for index, question in found if question and (question.measure or self.detailed)}

    def answered(self, questions: Mapping[int, Question], answers: Sequence[Survey | None]) -> Outlook:
        """Return the outlook with what was found out."""
        found = {index: one for index, one in zip(questions, answers, strict=True) if one is not None}
        return replace(self, surveys=found)

    def sections(self, reasons: bool = False) -> Iterator[tuple[str, list[str]]]:
        """Yield title and lines for each task, with `reasons` also why runs are skipped."""
        tasks: dict[str, list[int]] = {}
        for index, group in enumerate(self.groups):
            tasks.setdefault(str(group.jobs[0].fields["task"]), []).append(index)
        if self.detailed:
            for task, numbers in tasks.items():
                skips = dict.fromkeys(job.skip for i in numbers for job in self.groups[i].jobs if job.skip)
                why = [_line("skipped", reason) for reason in skips] if reasons else []
                yield f"plan of {task}", [*self._lines(numbers), *why]
        else:
            lines = [f"{task}: {_runs([self.groups[i] for i in numbers])}" for task, numbers in tasks.items()]
            lines += _tuning([job for group in self.groups for job in group.open])
            left = [index for index, group in enumerate(self.groups) if group.open]
            yield "plan", [*lines, *(self._costs(left) if self.finds and left and len(self.groups) <= LONGEST else ())]

    def _lines(self, numbers: Sequence[int]) -> Iterator[str]:
        groups = [self.groups[index] for index in numbers]
        yield _line("runs", _runs(groups))
        yield from _tuning([job for group in groups for job in group.open])
        if not self.finds or not any(group.open for group in groups):
            return
        known = {index: self._facts(index) for index in numbers}
        for name, text in data_lines([(self.groups[index].jobs, one) for index, one in known.items() if one]):
            yield _line(name, text)
        yield from self._costs([index for index in numbers if self.groups[index].open])

    def _facts(self, index: int) -> Mapping[str, Any]:
        survey = self.surveys.get(index)
        return survey.facts if survey and survey.facts else self.groups[index].facts

    @property
    def errors(self) -> list[str]:
        """Why runs of it will fail, as far as that was found out."""
        return [line for number in self.surveys for line in self._errors([number])]

    def _errors(self, numbers: Sequence[int]) -> list[str]:
        """Return why runs will fail, with the backbone if there are several."""
        found = [(self.groups[i], self.surveys[i].error) for i in numbers if i in self.surveys]
        named = len(numbers) > 1
        return [f"{one.name}: {error}" if named else error for one, error in found if error]

    def _forecast(self, index: int) -> Forecast | None:
        group = self.groups[index]
        found = from_rows(group.open, group.rows)
        return found or (from_survey(group.open, self.surveys[index]) if index in self.surveys else None)

    def _costs(self, numbers: Sequence[int]) -> Iterator[str]:
        yield from (_line("error", error) for error in self._errors(numbers))
        if numbers and all(i in self.surveys and self.surveys[i].error for i in numbers):
            return
        forecasts = [self._forecast(index) for index in numbers]
        known = [one for one in forecasts if one is not None]
        if not known:
            short = ", and it is too short to be timed" if all(self.groups[index].short for index in numbers) else ""
            yield _line("time", f"not known: nothing like it ran before{short}")
            return
        basis = " and ".join(sorted({one.basis for one in known}))
        part = f"; {len(forecasts) - len(known)} of {len(forecasts)} not counted" if None in forecasts else ""
        yield _line("time", f"{self._time(sum(one.seconds for one in known))} (from {basis}{part})")
        if memory := max(one.memory for one in known):
            yield _line("memory", f"about {size(memory)} for each of {self.at_once} at a time")
        if disk := sum(one.disk for one in known):
            yield _line("disk", self._disk(disk))

    def _time(self, seconds: float) -> str:
        if self.settings.device == "cuda":
            return f"{duration(seconds)} with the GPU to itself"
        shared = f", {duration(seconds / self.at_once)} with {self.at_once} at a time" if self.at_once > 1 else ""
        return f"{duration(seconds)} of CPU time{shared}"

    def _disk(self, needed: int) -> str:
        folder = next(path for path in (self.settings.cache, *self.settings.cache.parents) if path.exists())
        free = shutil.disk_usage(folder).free
        short = "" if needed < free else " This is too little: TLBENCH_CACHE names another folder."
        return f"about {size(needed)} more in the cache, {size(free)} free.{short}"


def _runs(groups: Sequence[Group]) -> str:
    """Return `2 strategies x 3 seeds on timm/resnet18: 6 runs, 2 in the cache`."""
    jobs = [job for group in groups for job in group.jobs]
    parts = [_count(jobs, "strategy", "strategies"), _count(jobs, "seed", "seeds")]
    budgets = len({job.budget for job in jobs})
    parts += [f"{budgets} label budgets"] if budgets > 1 else []
    strengths = len({job.fields["augmentation"] for job in jobs})
    parts += [f"{strengths} augmentations"] if strengths > 1 else []
    backbones = ", ".join(dict.fromkeys(group.backbone for group in groups))
    skipped = sum(bool(job.skip) for job in jobs)
    cached = sum(job.draft is not None for job in jobs)
    states = [f"{cached} in the cache"] if cached else []
    states += [f"{skipped} skipped"] if skipped else []
    left = len(jobs) - skipped - cached
    states += [f"{left} to compute"] if states and left else []
    return ", ".join([f"{' x '.join(parts)} on {backbones}: {len(jobs)} run{'s' * (len(jobs) != 1)}", *states])


def _tuning(jobs: Sequence[Job]) -> Iterator[str]:
    """Yield how many trainings tuning takes, for strategies with the same number of settings."""
    numbers: dict[int, list[str]] = {}
    for job in jobs:
        if trials := trials_of(job):
            numbers.setdefault(trials, []).append(str(job.fields["strategy"]))
    for trials, names in numbers.items():
        who = list(dict.fromkeys(names))
        what = f"{trials} setting{'s' * (trials != 1)} x up to {FOLDS} folds = at most {trials * FOLDS} trainings"
        shown = ", ".join(who) if len(who) <= DETAILED else f"{len(who)} strategies"
        yield _line("tuning", f"{what} for each strategy and seed ({shown})")


def _count(jobs: Sequence[Job], name: str, plural: str) -> str:
    values = list(dict.fromkeys(job.fields[name] for job in jobs))
    if len(values) == 1:
        return f"{name} {values[0]}" if name == "seed" else str(values[0])
    return f"{len(values)} {plural}"


def _line(name: str, text: str) -> str:
    return f"{name.ljust(10)}{text}"


def duration(seconds: float) -> str:
    """Return a duration as an estimate: one or two digits."""
    if seconds < 90:
        return f"about {max(10, round(seconds, -1)):.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"about {minutes:.0f} min"
    return f"about {minutes / 60:.1f} h" if minutes < 600 else f"about {minutes / 60:.0f} h"


def size(count: float) -> str:
    """Return a number of bytes with two digits: in GB from 0.1 GB on, else in MB."""
    unit, bytes_ = ("GB", 1e9) if count >= 1e8 else ("MB", 1e6)
    value = max(0.1, count / bytes_)
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
