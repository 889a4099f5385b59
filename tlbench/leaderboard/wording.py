"""Entries -> the words and rounded numbers that pages and tables share; each format escapes them for itself."""

from __future__ import annotations

from collections.abc import Sequence

from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.ranks import Difference, undecided
from tlbench.results.row import Row

USUAL_SCORES = frozenset(
    {
        *("accuracy", "balanced-accuracy", "macro-precision", "macro-recall", "macro-f1", "ece", "nll"),
        *("entity-precision", "entity-recall", "entity-f1", "average-precision", "auroc"),
    }
)
"""Metrics of the kinds that tlbench ships; any other, such as success in a closed loop, has a column on the page."""
NONE = "-"


def number(value: float | None, digits: int = 3, form: str = "") -> str:
    """Return a rounded number, or a dash; `form` is `+` for a difference, `,` for thousands."""
    return NONE if value is None else f"{value:{form}.{digits}f}"


def seen(access: Sequence[str]) -> str:
    """Return what a strategy saw, in words."""
    said = [part.replace("target-all", "all-target").replace("-", " ") for part in access]
    return " and ".join(said) or "nothing of the target"


def seeds(rows: Sequence[Row]) -> str:
    """Return `seed 7`, `seeds 1000-1004`, or seeds one by one where some between are missing."""
    found = [row.seed for row in rows]
    if len(found) == 1:
        return f"seed {found[0]}"
    if len(found) > 2 and found == list(range(found[0], found[-1] + 1)):
        return f"seeds {found[0]}-{found[-1]}"
    return f"seeds {', '.join(map(str, found))}"


def ending(entry: Entry) -> str:
    """Return how an entry without a score ended: `skipped`, or `failed in adapt`."""
    row = entry.first
    return f"{row.status} in {row.stage}" if row.stage else row.status


def why(entry: Entry) -> str:
    """Return one line on an entry without a score: who, which seeds, how it ended, and why."""
    return f"{entry.strategy}, {seeds(entry.rows)}: {ending(entry)}. {entry.first.reason or ''}"


def further_scores(entries: Sequence[Entry]) -> list[str]:
    """Return the names of scores that some entry has beside the usual metrics and the one that is sorted by."""
    names = {name for entry in entries for name in entry.scores()}
    return sorted(names - USUAL_SCORES - {entry.first.metric for entry in entries})


def cells(entry: Entry, further: Sequence[str] = ()) -> dict[str, str]:
    """Return the numbers of one entry under short column names, in the order of the page."""
    scores = entry.scores()
    low, high = entry.mean("score_low"), entry.mean("score_high")
    return {
        "rank": NONE if entry.rank is None else str(entry.rank),
        "strategy": entry.strategy,
        "score": number(entry.mean("score")),
        "seed sd": number(entry.spread("score")),
        "test 95 %": NONE if low is None or high is None else f"{low:.3f} to {high:.3f}",
        **{name: number(scores.get(name)) for name in further},
        "over source": _over_source(entry),
        "gain": NONE if entry.first.strategy == "scratch" else number(entry.mean("transfer_gain"), form="+"),
        "gap closed": number(entry.mean("gap_closed"), 2),
        "forgets (head)": number(entry.mean("forgetting_head")),
        "forgets (probe)": number(entry.mean("forgetting_probe")),
        "adapt CPU s": number(entry.stage_seconds("adapt"), 2),
    }


def _over_source(entry: Entry) -> str:
    """Return the mean difference from source-only and in how many seeds it is positive."""
    over = entry.over_source_only
    if not over or entry.first.strategy == "source-only":
        return NONE
    return f"{sum(over) / len(over):+.3f} ({sum(value > 0 for value in over)}/{len(over)})"


def is_best(entry: Entry) -> bool:
    """True for the best of a contest and whatever cannot be told apart from it."""
    return entry.rank == 1


def task_facts(entries: Sequence[Entry]) -> str:
    """Return one sentence on what a task's numbers are: metric, test size, label budget, seeds."""
    row = entries[0].first
    drawn = [entry for entry in entries if "target-labels" in entry.first.access] or entries
    ordered = sorted(drawn, key=lambda entry: entry.budget_place)
    budgets = " or ".join(dict.fromkeys(one.first.budget_rule or str(one.first.label_budget) for one in ordered))
    sizes = " or ".join(str(size) for size in sorted({entry.first.test_size or 0 for entry in entries}))
    runs = sorted({seeds(entry.rows) for entry in entries})
    return (
        f"Score: {row.metric} on {sizes} target test examples; {row.setting}; label budget {budgets} "
        f"{row.budget_unit}; {' or '.join(runs)}."
    )


def ties(entries: Sequence[Entry]) -> list[str]:
    """Return one sentence on each two strategies that cannot be told apart."""
    several = len({entry.first.backbone for entry in entries}) > 1
    return [_tie(*found, several) for found in undecided(entries)]


def _tie(above: Entry, below: Entry, gap: Difference, several: bool) -> str:
    first, second = (
        f"{entry.strategy} on {entry.first.backbone}" if several else entry.strategy for entry in (above, below)
    )
    said = f"{first} and {second} cannot be told apart:"
    if gap.seeds < 2:
        return f"{said} that takes two common seeds, and they have {gap.seeds}."
    needed = gap.seeds_to_decide()
    more = f"about {needed} seeds would decide it" if needed else "the test split is too small for any number of seeds"
    return f"{said} they differ by {gap.mean:.3f} ± {gap.error():.3f}; {more}."


def shapes(row: Row) -> str:
    """Return the shapes of a graph's inputs at batch 1, such as `1x3x32x32`."""
    return ", ".join("x".join(map(str, shape)) for shape in row.shapes or ())


def backbone(row: Row) -> str:
    """Return a backbone's name, and where its weights come from and what was done with them."""
    done = {"finetune": "fine-tuned on the source", "probe": "probed", "own-head": "with its own head"}
    if row.source_mode not in done:
        return row.backbone
    part = "" if row.weights_loaded is None else f" ({row.weights_loaded} of {row.weights_expected} weights)"
    return f"{row.backbone} from {row.weights}{part}, {done[row.source_mode]}"


def block(entry: Entry) -> str:
    """Return the heading that an entry stands under: what it sees; references stand together."""
    return "references" if entry.first.baseline else f"sees {seen(entry.access)}"


def machine(row: Row) -> str:
    """Return where a row was measured."""
    threads = "1 thread" if row.threads == 1 else f"{row.threads} threads"
    return f"{row.machine} ({row.device}, {threads})"
