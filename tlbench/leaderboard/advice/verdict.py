"""The advice on a task as a record, with its sentences."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tlbench.leaderboard import questions, versions, wording
from tlbench.leaderboard.advice import words
from tlbench.leaderboard.advice.case import Case, adaptation_seconds, cases
from tlbench.leaderboard.advice.limits import Limits, forgetting
from tlbench.leaderboard.advice.rules import DOUBTS, WITHOUT, WORTH_TRYING, half_width, said
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.ranks import difference
from tlbench.results.baselines import SOURCE_ONLY, requested_budget

Decision = Literal["best", "only", "undecided", "baseline", "none"]


MOST_NAMED = 2
"""Alternatives that a cell of a table names; of more it names the one with the highest score."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What to use with one access."""

    access: tuple[str, ...]
    """What the strategy is given."""
    label_budget: str | None
    """As it was asked for: `50`, `5/class`, `all`; None without access to target labels."""
    given: str
    """The same in words."""
    condition: str
    """What else tells this choice from others of the task with the same access, such as a commit."""
    decision: Decision
    """`best`: significantly better than all others; `only`: there is no other; `undecided`: not significantly different
    from some, or from source-only; `baseline`: a baseline that is significantly better than all strategies; `none`:
    nothing can be recommended."""
    verdict: str
    """What to use, and why."""
    left_out: Mapping[str, str]
    """Name of a strategy that is not recommended -> why."""
    worth_trying: Mapping[str, str]
    """Name of a rule -> what else would be worth trying."""
    strategy: str | None = None
    """What to use, a baseline if that is better. None, as all below, if nothing can be recommended."""
    backbone: str | None = None
    name: str = ""
    """Both as the sentences name them: with the backbone if the task has several."""
    score: float | None = None
    """Mean over the seeds."""
    score_low: float | None = None
    """Lower end of its 95 % interval over test examples."""
    score_high: float | None = None
    """Upper end of that interval."""
    test_size: int | None = None
    """Test examples."""
    seeds: tuple[int, ...] = ()
    not_different: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Name of what is not significantly different, also of source-only -> how far the recommended one is above it, and
    the half-width of the 95 % interval; None without two common seeds, or without an interval."""
    highest: str = ""
    """Of those strategies the one with the highest score, with that score; empty if there are none."""
    forgetting: float | None = None
    """Of the source head or, if there is none, of the probe."""
    p50_ms: float | None = None
    """Latency at batch 1, in ms."""
    adaptation_s: float | None = None
    """Seconds of the CUDA device if there was one, else of the CPU."""
    evidence: str = ""
    """The score and its differences from baselines, in words."""
    cost: str = ""
    """Forgetting, latency and adaptation, in words."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """Name of a rule -> what the data cannot tell."""

    @property
    def title(self) -> str:
        """What the strategy is given, with the condition."""
        return f"{self.given} ({self.condition})" if self.condition else self.given

    @property
    def brief(self) -> str:
        """What to use, in as few words as possible."""
        if self.strategy is None:
            return "none"
        baseline = ", a baseline" if self.decision == "baseline" else ""
        used = f"{self.name} ({wording.number(self.score)}{baseline})"
        if len(self.not_different) <= MOST_NAMED:
            return " or ".join([used, *self.not_different])
        return f"{used} or {self.highest} or {len(self.not_different) - 1} more"

    def reasons(self, shared: Container[str] = ()) -> list[tuple[int, str]]:
        """Return the lines below the verdict, each with its depth, without the sentences that all choices share."""
        lines = [(0, f"{name}: {text}") for name, text in (("Evidence", self.evidence), ("Cost", self.cost)) if text]
        for name, rules in (("Not certain", self.doubts), ("Worth trying", self.worth_trying)):
            lines += listed(name, [text for text in rules.values() if text not in shared])
        left_out = words.listed(self.left_out) if self.strategy else ""
        return [*lines, *([(0, f"Left out: {left_out}")] if left_out else [])]


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Which strategy to use for a task: a choice for each access, which are not compared with each other."""

    task: str
    domain: str
    metric: str
    backbones: tuple[str, ...]
    choices: tuple[Choice, ...]
    not_considered: tuple[str, ...]
    """Strategies that need data which cannot be given."""
    remark: str
    """What is left if there is no choice, because all strategies need other data."""

    @property
    def title(self) -> str:
        """The task, with its backbone if there is one alone."""
        return f"{self.task}, {self.backbones[0]}" if len(self.backbones) == 1 else self.task

    @property
    def shared(self) -> list[str]:
        """The sentences that several choices have in common, all of them: they are said once."""
        every = [[*choice.doubts.values(), *choice.worth_trying.values()] for choice in self.choices]
        return [text for text in every[0] if all(text in texts for texts in every)] if len(every) > 1 else []


def listed(name: str, texts: Sequence[str]) -> list[tuple[int, str]]:
    """Return sentences below a name, each with its depth: in one line if there is one alone."""
    if len(texts) < 2:
        return [(0, f"{name}: {text}") for text in texts]
    return [(0, f"{name}:"), *((1, text) for text in texts)]


def advise(entries: Iterable[Entry], left: Iterable[Entry] = (), limits: Limits | None = None) -> list[Advice]:
    """Return the advice on each task of a board, tasks by name: `entries` have a score, those in `left` do not."""
    limits = limits or Limits()
    return [_advice(of_task, limits) for of_task in cases(entries, left, limits)]


def _advice(of_task: Sequence[Case], limits: Limits) -> Advice:
    allowed = [case for case in of_task if limits.allow(case.members[0])]
    others = [case.name(entry) for case in of_task if case not in allowed for entry in case.members]
    told, row = conditions(of_task), of_task[0].members[0].first
    return Advice(
        task=row.task,
        domain=row.domain,
        metric=row.metric,
        backbones=tuple(sorted({entry.first.backbone for case in of_task for entry in case.members})),
        choices=tuple(_choice(case, told[id(case)]) for case in allowed),
        not_considered=tuple(dict.fromkeys(others)),
        remark="" if allowed else words.without_adaptation(of_task[0]),
    )


def _choice(case: Case, condition: str) -> Choice:
    first, use = case.members[0], case.use
    return Choice(
        access=first.access,
        label_budget=requested_budget(first.first) if "target-labels" in first.access else None,
        given=words.given(first),
        condition=condition,
        decision=_decision(case),
        verdict=words.verdict(case),
        left_out=case.left_out,
        **(_used(case, use) if use else {"worth_trying": said(WITHOUT, case, first)}),
    )


def _used(case: Case, use: Entry) -> dict[str, Any]:
    """Return what is said of the recommended entry alone."""
    return {
        **{name: use.mean(name) for name in ("score", "score_low", "score_high", "p50_ms")},
        "strategy": use.strategy,
        "backbone": use.first.backbone,
        "name": case.name(use),
        "test_size": use.first.test_size,
        "seeds": tuple(row.seed for row in use.rows),
        "not_different": _not_different(case, use),
        "highest": next((f"{case.name(one)} ({wording.number(one.mean('score'))})" for one in case.rivals), ""),
        "forgetting": forgetting(use),
        "adaptation_s": adaptation_seconds(use),
        "evidence": words.evidence(case, use),
        "cost": words.cost(use),
        "doubts": said(DOUBTS, case, use),
        "worth_trying": said(WORTH_TRYING, case, use),
    }


def _not_different(case: Case, use: Entry) -> dict[str, tuple[float | None, float | None]]:
    gaps = {case.name(other): difference(use, other) for other in case.rivals}
    over = case.over(SOURCE_ONLY, use)
    if over and not case.gains(use):
        gaps[SOURCE_ONLY] = over
    return {name: (gap.mean, half_width(gap)) if gap.seeds > 1 else (None, None) for name, gap in gaps.items()}


def _decision(case: Case) -> Decision:
    if case.use is None:
        return "none"
    if case.use.first.baseline:
        return "baseline"
    if case.rivals or not case.gains(case.use):
        return "undecided"
    return "best" if case.beaten else "only"


def conditions(of_task: Sequence[Case]) -> Mapping[int, str]:
    """Return for each case what tells it from others with the same access; empty if there is nothing."""
    found = {}
    for case in of_task:
        alike = [_facts(other) for other in of_task if other.members[0].access == case.members[0].access]
        facts = _facts(case)
        found[id(case)] = ", ".join(facts[name] for name in questions.differing(alike) if facts.get(name))
    return found


def _facts(case: Case) -> dict[str, str]:
    """Return what alternatives share beside their access, in words by name."""
    first = case.members[0]
    row = first.first
    facts = {name: f"{name}={value}" for name, value in questions.options(row).items() if name.startswith("task.")}
    facts |= {"metric": row.metric, "test": f"{row.test_size} test examples", "variant": first.variant}
    facts |= {"budget": f"{requested_budget(row)} {row.budget_unit}"}
    facts |= {"augmentation": f"augmentation {row.augmentation}"} if row.augmentation else {}
    facts |= {"tuning": first.tuning and f"options of {first.tuning}"}
    code = versions.code(row)
    version = first.version if first.version.startswith(code) else ", ".join(filter(None, (code, first.version)))
    return {**facts, "version": version}
