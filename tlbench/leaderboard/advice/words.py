"""The sentences of the advice on one case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tlbench.leaderboard import wording
from tlbench.leaderboard.advice.case import Case, adaptation_seconds, cheapest, costs
from tlbench.leaderboard.advice.limits import forgetting, not_measured
from tlbench.leaderboard.advice.rules import names_of, size
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.ranks import difference
from tlbench.leaderboard.wording import number
from tlbench.results.baselines import SCRATCH, SOURCE_ONLY


def verdict(case: Case) -> str:
    """Return what to use and, in the same breath, whether it is better than no adaptation."""
    use = case.use
    if use is None:
        return f"No strategy can be recommended. {listed(case.left_out)}"
    name, no_gain = case.name(use), _no_gain(case, use)
    if use.first.baseline:
        best = next(entry for entry in case.leaders if use in case.beaten_by(entry))
        gained = size(difference(use, best))
        return f"Use {name}, a baseline: it is significantly better than {case.name(best)} ({gained})."
    also = f" But it is {no_gain}." if no_gain and case.over(SOURCE_ONLY, use) else ""
    if case.rivals:
        return f"{_undecided(case, use)}{also}"
    if case.beaten:
        gap, more = difference(use, case.beaten[0]), len(case.beaten) - 1
        others = f" and {more} more" if more else ""
        return f"Use {name}: it is significantly better than {case.name(case.beaten[0])} ({size(gap)}){others}.{also}"
    which = f"the only strategy with this access{' that can be recommended' if case.left_out else ''}"
    return f"Undecided: {name}, {which}, is {no_gain}." if no_gain else f"Use {name}, {which}."


def _no_gain(case: Case, use: Entry) -> str:
    """Return that an entry is not significantly better than the source model as it is; empty if it is."""
    if case.gains(use):
        return ""
    gap = case.over(SOURCE_ONLY, use)
    why = "fewer than two common seeds decide nothing" if gap is None else size(gap)
    return f"not significantly better than {SOURCE_ONLY}, the model without adaptation, which forgets nothing ({why})"


def _undecided(case: Case, use: Entry) -> str:
    """Return which do not differ significantly, and by what one of them is chosen."""
    name, rivals = case.name(use), names_of(case, case.rivals)
    gaps = [difference(use, other) for other in case.rivals]
    if any(gap.seeds < 2 for gap in gaps):
        why = "it has the highest score, which may be luck" if use is case.leaders[0] else _why(case, use)
        said = f"Undecided between {name} and {rivals}: fewer than two common seeds decide nothing."
    else:
        sizes, why = ", ".join(size(gap) for gap in gaps[:3]), _why(case, use)
        said = f"Undecided: {name} is not significantly different from {rivals} ({sizes})."
    return f"{said} {_chosen(case, use, why)}"


def _chosen(case: Case, use: Entry, why: str) -> str:
    """Return what to use and why, with the highest score if that of another strategy is higher."""
    first = case.eligible[0]
    score, own = number(first.mean("score")), number(use.mean("score"))
    also = "" if score == own else f"; highest score: {case.name(first)} {score}"
    return f"Use {case.name(use)}: {why}{also}."


def _why(case: Case, use: Entry) -> str:
    """Return by what an entry was chosen: the cost by which it is alone, or else its score."""
    left = case.contenders
    if len(left) == 1:
        return _why_alone(case)
    if any(difference(left[0], other).seeds < 2 for other in left[1:]):
        return "of those that may be recommended it has the highest score, which may be luck"
    for place, (word, value) in enumerate(COSTS.items()):
        kept = cheapest(left, place)
        if len(kept) == 1 < len(left):
            least = min((entry for entry in left if entry is not use), key=lambda entry: costs(entry)[place])
            return f"{word} ({value(use)} against {value(least)})"
        left = kept
    return "of those that cost about the least it has the highest score"


def _why_alone(case: Case) -> str:
    """Return why there is one contender of several leaders."""
    beaten = [entry for entry in case.rivals if case.beaten_by(entry)]
    if beaten:
        baseline = case.beaten_by(beaten[0])[0]
        gap = difference(beaten[0], baseline)
        return f"{case.name(beaten[0])} is significantly below {case.name(baseline)}, a baseline ({size(gap)})"
    return f"it is significantly better than {SOURCE_ONLY}, the model without adaptation, and no other is"


COSTS: Mapping[str, Callable[[Entry], str]] = {
    "it is cheaper to train": lambda entry: seconds(entry),
    "it forgets less": lambda entry: number(forgetting(entry)),
    "it is faster": lambda entry: _latency(entry),
}
"""What decides among contenders, in the order of `costs`: in words, and its value."""


def _latency(entry: Entry) -> str:
    latency = entry.mean("p50_ms")
    return wording.PENDING if latency is None else f"{number(latency)} ms"


def seconds(entry: Entry) -> str:
    """Return the time of adaptation, with what was timed."""
    unit = "CPU s" if entry.mean("device_seconds") is None else "s on the GPU"
    return f"{number(adaptation_seconds(entry), 2)} {unit}"


def evidence(case: Case, use: Entry) -> str:
    """Return the score with its interval, what it was measured on, and how far it is above baselines."""
    row, spread = use.first, use.spread("score")
    examples = "" if row.test_size is None else f" on {row.test_size} test examples"
    seeds = wording.seeds(use.rows) + ("" if spread is None else f" (sd {number(spread)})")
    said = f"{row.metric} {number(use.mean('score'))}{_interval(use)}{examples}; {seeds}"
    gains = [f"{size(gap)} over {name}" for name in (SOURCE_ONLY, SCRATCH) if (gap := case.over(name, use)) is not None]
    return f"{'; '.join([said, *gains])}."


def cost(use: Entry) -> str:
    """Return what an entry costs in forgetting, latency and adaptation."""
    lost, latency = forgetting(use), use.mean("p50_ms")
    head = "source head" if use.mean("forgetting_head") is not None else "probe"
    parts = [
        not_measured(use) if lost is None else f"forgetting {number(lost)} ({head})",
        f"latency {wording.PENDING}" if latency is None else f"{number(latency)} ms for each example at batch 1",
        f"{seconds(use)} of adaptation",
    ]
    return f"{', '.join(parts)}."


def listed(left_out: Mapping[str, str]) -> str:
    """Return why each of some strategies is not recommended; empty if there are none."""
    return "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) + "." if left_out else ""


def without_adaptation(case: Case) -> str:
    """Return what there is without a strategy: the source model as it is."""
    found = case.peer(SOURCE_ONLY, case.members[0])
    if found is None:
        return "Every strategy needs other data."
    score = f"{found.first.metric} {number(found.mean('score'))}{_interval(found)}"
    return f"Every strategy needs other data. Left is {SOURCE_ONLY}, the model without adaptation: {score}."


def _interval(entry: Entry) -> str:
    low, high = entry.mean("score_low"), entry.mean("score_high")
    return "" if low is None else f" (95 % interval {number(low)} to {number(high)})"


def access(parts: Sequence[str], labels: str = "") -> str:
    """Return what a strategy is given, as a user would say it; `labels` is the label budget."""
    names = {
        "source": "source data",
        "target-inputs": "unlabelled target inputs",
        "target-labels": f"target labels{labels}",
        "target-all-labels": "all target labels",
    }
    return " and ".join(names[part] for part in parts) or "no target data"


def given(entry: Entry) -> str:
    """Return the same as the beginning of a sentence, with whether there is no source data."""
    row = entry.first
    without = "" if "source" in entry.access or row.setting == "target-only" else ", without source data"
    return f"With {access(entry.access, f' ({row.budget_rule or row.label_budget} {row.budget_unit})')}{without}"
