"""The rules of the advice: what the data cannot tell, and what is worth trying.

docs/advice.md has each with its reason. A rule takes a case with a recommended entry and returns a sentence, or nothing
if it does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from tlbench.leaderboard.advice.case import Case
from tlbench.leaderboard.advice.limits import Limits, barred, forgetting
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.flags import ENOUGH_EXAMPLES
from tlbench.leaderboard.ranks import Difference, difference
from tlbench.leaderboard.wording import number
from tlbench.results.baselines import CLASSICAL, CONSTANT, SCRATCH, SOURCE_ONLY, requested_budget
from tlbench.results.values import ANY, RANGES, SHARE

Rule = Callable[[Case, Entry], str]
"""Case and its recommended entry -> a sentence; empty if there is nothing to say."""
WIDE = 0.1
"""Width of an interval, of a score between 0 and 1, from which on more test examples are worth their labels."""
MANY_SEEDS = 30
"""Seeds from which on a difference is too small for anybody to care."""
MUCH = 0.05
"""Forgetting from which on it is worth naming what forgets less."""


def names_of(case: Case, entries: Sequence[Entry], most: int = 3) -> str:
    """Return the names of entries: `a, b and 4 more`."""
    names = [case.name(entry) for entry in entries]
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def size(gap: Difference) -> str:
    """Return a difference with its 95 % interval: `+0.068 ± 0.041`."""
    return f"{gap.mean:+.3f} ± {number(half_width(gap))}"


def apart(gap: Difference) -> str:
    """Return the same in words: `0.068 ± 0.041 lower`."""
    return f"{abs(gap.mean):.3f} ± {number(half_width(gap))} {'lower' if gap.mean < 0 else 'higher'}"


def half_width(gap: Difference) -> float | None:
    """Return the half-width of the 95 % interval; None if a score has no interval."""
    return gap.error() if math.isfinite(gap.error()) else None


def _undecided(case: Case, use: Entry) -> list[tuple[Entry, Difference]]:
    """Return what does not differ significantly from the recommended entry, source-only among it, with differences."""
    source_only = None if case.gains(use) else case.rival(SOURCE_ONLY, use)
    others = [*case.rivals, *([source_only] if source_only else [])]
    gaps = [(other, difference(use, other)) for other in others]
    return [(other, gap) for other, gap in gaps if not gap.decided]


def _relation(gap: Difference) -> str:
    """Return how a difference that is not significantly positive is called."""
    return "significantly below" if gap.decided else "not significantly above"


def _one_seed(case: Case, use: Entry) -> str:
    if len(use.rows) > 1:
        return ""
    return "One seed: how much another seed would change the score is unknown, so no difference is significant."


def _wide_interval(case: Case, use: Entry) -> str:
    low, high, examples = use.mean("score_low"), use.mean("score_high"), use.first.test_size
    if low is None or high is None or examples is None or not _few_or_wide(use, high - low):
        return ""
    score = use.mean("score")
    ends = f"at least {low:.2f}" if score == high else f"{low:.2f} to {high:.2f}"
    return f"{examples} test examples: a score of {number(score, 2)} means {ends}."


def _few_or_wide(use: Entry, width: float) -> bool:
    bounded = RANGES.get(use.first.metric) == SHARE
    return (use.first.test_size or 0) < ENOUGH_EXAMPLES or (bounded and width > WIDE)


def _unpaired(case: Case, use: Entry) -> str:
    if not any(gap.seeds > 1 and not gap.paired for _, gap in _undecided(case, use)):
        return ""
    return "Differences could not be paired by test example, so that their intervals are upper bounds."


def _no_constant(case: Case, use: Entry) -> str:
    if case.peer(CONSTANT, use):
        return ""
    return "Without the baseline constant it is unknown whether anything was learnt: add --references constant."


def _flag(name: str) -> Rule:
    """Return the rule that repeats a flag of the recommended entry."""
    return lambda case, use: dict(use.flags).get(name, "")


DOUBTS: Mapping[str, Rule] = {
    "one-seed": _one_seed,
    "wide-interval": _wide_interval,
    "unpaired": _unpaired,
    "no-constant": _no_constant,
    "few-groups": _flag("few-groups"),
    "test-copies": _flag("test-copies"),
    "source-test-copies": _flag("source-test-copies"),
    "partial-checkpoint": _flag("partial-checkpoint"),
    "contended-latency": _flag("contended-latency"),
}
"""Name of a rule -> what the data cannot tell, in the order in which it is said."""


def _first_seeds(case: Case, use: Entry) -> str:
    """Return how to get the seeds without which nothing is compared."""
    if len(use.rows) < 2:
        return f"More seeds: --seeds {_seeds(use, 3) or 3} is the least that tells a difference from luck."
    strangers = [other for other, gap in _undecided(case, use) if gap.seeds < 2]
    if not strangers:
        return ""
    return f"The same seeds for {names_of(case, [use, *strangers])}: they have fewer than two in common."


def _more_seeds(case: Case, use: Entry) -> str:
    """Return how many seeds would decide between the recommended entry and what takes the fewest."""
    needed = [(gap.seeds_to_decide() or MANY_SEEDS + 1, other) for other, gap in _undecided(case, use)]
    seeds, other = min(needed, key=lambda one: one[0], default=(MANY_SEEDS + 1, use))
    if seeds > MANY_SEEDS:
        return ""
    option = _seeds(use, seeds)
    how = f" (--seeds {option})" if option else ""
    return f"More seeds: about {seeds} in all{how} would decide between {case.name(use)} and {case.name(other)}."


def _more_test_data(case: Case, use: Entry) -> str:
    """Return what no practical number of seeds would tell from the recommended entry, or that the interval is wide."""
    gaps = [(other, gap) for other, gap in _undecided(case, use) if gap.seeds > 1]
    never = [other for other, gap in gaps if (gap.seeds_to_decide() or math.inf) > MANY_SEEDS]
    if never:
        names = names_of(case, [use, *never])
        return f"More test examples: no practical number of seeds would decide between {names}."
    return "More test examples: the interval of the score is wide." if _wide_interval(case, use) else ""


def _more_labels(case: Case, use: Entry) -> str:
    """Return what all target labels would bring, if that is significant and labels can be used."""
    gap = case.below_all_labels(use)
    if gap is None or not gap.decided or gap.mean < 0 or requested_budget(use.first) == "all":
        return ""
    if "target-labels" in use.first.access:
        return f"More labels (--label-budget all): with all target labels, the score of all-labels is {apart(gap)}."
    return "" if case.labelled else f"Target labels: with all of them, the score of all-labels is {apart(gap)}."


def _checkpoint(case: Case, use: Entry) -> str:
    """Return that pre-training brings nothing, if the entry is not significantly above training from scratch."""
    gap, score = case.over(SCRATCH, use), use.mean("score") or 0
    if gap is None or (gap.decided and gap.mean > 0) or score >= RANGES.get(use.first.metric, ANY)[1]:
        return ""
    other = "A pre-trained checkpoint" if use.first.weights == "random" else "Another checkpoint"
    return (
        f"{other} (--backbone; tlbench list shows them): {case.name(use)} is {_relation(gap)} training from scratch "
        f"({size(gap)})."
    )


def _classical(case: Case, use: Entry) -> str:
    gap = case.over(CLASSICAL, use)
    if gap is None or (gap.decided and gap.mean > 0):
        return ""
    return f"classical, which needs no pre-training: {case.name(use)} is {_relation(gap)} it ({size(gap)})."


def _keep_source(case: Case, use: Entry) -> str:
    """Return the best strategy that forgets half as much or less, if the recommended entry forgets much."""
    lost = forgetting(use)
    if lost is None or lost < MUCH:
        return ""
    keeps = [entry for entry in case.eligible if (left := forgetting(entry)) is not None and left <= lost / 2]
    if not keeps:
        return ""
    gap = difference(keeps[0], use)
    other = f"its score is {apart(gap)}" if gap.seeds > 1 else f"scores {number(keeps[0].mean('score'))}"
    return (
        f"To forget less: {case.name(keeps[0])} forgets {number(forgetting(keeps[0]))} in place of {number(lost)}, and "
        f"{other}."
    )


WORTH_TRYING: Mapping[str, Rule] = {
    "first-seeds": _first_seeds,
    "more-seeds": _more_seeds,
    "more-test-data": _more_test_data,
    "more-labels": _more_labels,
    "checkpoint": _checkpoint,
    "classical": _classical,
    "keep-source": _keep_source,
}
"""Name of a rule -> what else would be worth trying, in the order in which it is said."""


def _learn_more(case: Case, best: Entry) -> str:
    wrong = {"not-above-constant", "constant-predictions"}
    if not all(wrong & dict(entry.flags).keys() for entry in case.members):
        return ""
    return "More labels, more training steps or a pre-trained checkpoint: nothing with this access has learnt the task."


def _repeat(case: Case, best: Entry) -> str:
    if not any("failed-runs" in dict(entry.flags) for entry in case.members):
        return ""
    return "The failed runs: the same command repeats them, and the board has their reasons."


def _loosen(case: Case, best: Entry) -> str:
    kept = [entry for entry in case.members if not barred(entry, Limits())]
    if not kept:
        return ""
    return f"Other limits: without them {names_of(case, kept)} could be recommended."


WITHOUT: Mapping[str, Rule] = {"learn-more": _learn_more, "repeat": _repeat, "loosen": _loosen}
"""The same if nothing can be recommended; the entry is that with the highest score."""


def said(rules: Mapping[str, Rule], case: Case, use: Entry) -> dict[str, str]:
    """Return the sentence of each rule that applies, by the rule's name."""
    sentences = {name: rule(case, use) for name, rule in rules.items()}
    return {name: sentence for name, sentence in sentences.items() if sentence}


def _seeds(use: Entry, count: int) -> str:
    """Return the value of `--seeds` that adds seeds to those that an entry has; empty if these have gaps."""
    seeds = [row.seed for row in use.rows]
    if seeds != list(range(seeds[0], seeds[0] + len(seeds))):
        return ""
    return str(count) if seeds[0] == 0 else f"{seeds[0]}-{seeds[0] + count - 1}"
