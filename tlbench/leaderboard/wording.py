"""Entries -> the words and rounded numbers that pages and tables share; each format escapes them for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.flags import named
from tlbench.leaderboard.ranks import Difference, undecided
from tlbench.results.columns import RESULTS, Column, columns
from tlbench.results.row import Row

USUAL_SCORES = frozenset(
    {
        *("accuracy", "balanced-accuracy", "macro-precision", "macro-recall", "macro-f1", "ece", "nll"),
        *("entity-precision", "entity-recall", "entity-f1", "average-precision", "auroc"),
    }
)
"""Metrics of the kinds that tlbench ships; any other, such as success in a closed loop, has a column on the page."""
NONE = "-"
PENDING = "pending"
MOST = 10
"""Strategies that are shown side by side; of more, a picture has those that lead their access, a table none."""
TIES = 5
"""Sentences on ties that a task has; beyond them only the best strategies have theirs."""
LONGEST = 600
"""Characters of a reason; `tlbench show` and the row itself have all of it."""
SETTINGS = {
    "transductive": "transductive (same labels in both domains)",
    "inductive": "inductive (different labels)",
    "target-only": "target-only (no source domain)",
}


def number(value: float | None, digits: int = 3, form: str = "") -> str:
    """Return a rounded number, or a dash; `form` is `+` for a difference, `,` for thousands."""
    return NONE if value is None else f"{value:{form}.{digits}f}"


def access(parts: Sequence[str]) -> str:
    """Return what a strategy was given, in words."""
    said = [part.replace("target-all", "all-target").replace("-", " ") for part in parts]
    return " and ".join(said) or "no target data"


def seeds(rows: Sequence[Row]) -> str:
    """Return `seed 7`, `seeds 1000-1004`, or seeds one by one if some between are missing."""
    numbers = [row.seed for row in rows]
    if len(numbers) == 1:
        return f"seed {numbers[0]}"
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"seeds {numbers[0]}-{numbers[-1]}"
    return f"seeds {', '.join(map(str, numbers))}"


def ending(entry: Entry) -> str:
    """Return how an entry without a score ended: `skipped`, or `failed in adapt`."""
    row = entry.first
    return f"{row.status} in {row.stage}" if row.stage else row.status


def why(entry: Entry) -> str:
    """Return one line on an entry without a score: who, which seeds, how it ended, and why."""
    return f"{entry.strategy}, {seeds(entry.rows)}: {ending(entry)}. {entry.first.reason or ''}"


def skipped(entries: Sequence[Entry], several: bool = False) -> str:
    """Return one line on the skipped entries of a task, by reason: `3 skipped: needs source data (adabn, coral, mmd)`.

    Each is named with its backbone if the task has several. The line is empty if none was skipped.
    """
    reasons: dict[str, list[str]] = {}
    for entry in (one for one in entries if one.first.status == "skipped"):
        reason = on_one_line(entry.first.reason or "").removeprefix(f'"{entry.first.strategy}" ')
        # The heading says what the task has.
        reason = reason.partition(f'; "{entry.first.task}" has ')[0].removesuffix(".")
        reasons.setdefault(reason, []).append(with_backbone(entry, several))
    count = sum(map(len, reasons.values()))
    said = "; ".join(f"{reason} ({', '.join(sorted(set(names)))})" for reason, names in reasons.items())
    return f"{count} skipped: {said}" if reasons else ""


def has_backbones(entries: Sequence[Entry]) -> bool:
    """Return whether entries have several backbones, so that names need theirs."""
    return len({entry.first.backbone for entry in entries}) > 1


def with_backbone(entry: Entry, several: bool) -> str:
    """Return the name of a strategy, with its backbone if the task has several."""
    return f"{entry.strategy} with {entry.first.backbone}" if several else entry.strategy


def on_one_line(text: str) -> str:
    """Return a reason on one line; a long one loses its middle, because what to do stands at its end."""
    line = " ".join(text.split())
    if len(line) <= LONGEST:
        return line
    return f"{line[: LONGEST // 2].rstrip()} ... {line[-LONGEST // 2 :].lstrip()}"


def further_scores(entries: Sequence[Entry]) -> list[str]:
    """Return the names of scores that some entry has beside the usual metrics and that of the task."""
    names = {name for entry in entries for name in entry.record["scores"]}
    return sorted(names - USUAL_SCORES - {entry.first.metric for entry in entries})


def result_columns(further: Sequence[str]) -> list[Column]:
    """Return the columns of a task's table, with one for each further score."""
    return [
        part
        for column in columns(RESULTS)
        for part in ([_further(column, name) for name in further] if column.field == "scores" else [column])
    ]


def _further(column: Column, name: str) -> Column:
    return Column(f"scores.{name}", name, column.group, latex=(name, ""))


def cell(entry: Entry, column: Column) -> str:
    """Return the text of an entry in a column: numbers are rounded, and a dash stands for what there is not."""
    if column.field in TEXTS:
        return TEXTS[column.field](entry)
    field, _, name = column.field.partition(".")
    if name:
        value = entry.record["scores"].get(name)
    else:
        value = entry.record[field] if field in entry.record else entry.value(field)
    return value if isinstance(value, str) else number(value, column.digits, column.form)


def _interval(entry: Entry, of: str = "score") -> str:
    low, high = entry.mean(f"{of}_low"), entry.mean(f"{of}_high")
    return NONE if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _worst_group(entry: Entry) -> str:
    """Return `0.512 (0.401 to 0.622): anna`; of many names, which differ by seed, their number."""
    score, names = entry.mean("worst_group_score"), entry.worst_groups()
    if score is None:
        return NONE
    named = " or ".join(names) if len(names) < 3 else f"{len(names)} groups"
    return f"{score:.3f} ({_interval(entry, 'worst_group')}): {named}"


def pending(entries: Sequence[Entry]) -> str:
    """Return a sentence on the results that still lack their latency; empty if there are none."""
    count = sum(row.pending for entry in entries for row in entry.rows)
    if not count:
        return ""
    return (
        f"Latency is {PENDING} for {count} of {sum(len(entry.rows) for entry in entries)} results: a run measures it "
        "last, when everything else is done. If the run was stopped, run the same command again."
    )


def _over_source(entry: Entry) -> str:
    """Return the mean difference from source-only and in how many seeds it is positive."""
    over = entry.over_source_only
    if not over or entry.first.strategy == "source-only":
        return NONE
    return f"{sum(over) / len(over):+.3f} ({sum(value > 0 for value in over)}/{len(over)})"


def _transfer_gain(entry: Entry) -> str:
    gain = None if entry.first.strategy == "scratch" else entry.mean("transfer_gain")
    return f"{number(gain, form='+')}{' ▼' if (gain or 0.0) < 0 else ''}"


def _p50(entry: Entry) -> str:
    return PENDING if entry.pending else number(entry.mean("p50_ms")) + (" †" if entry.first.contended else "")


TEXTS: Mapping[str, Callable[[Entry], str]] = {
    "rank": lambda entry: NONE if entry.rank is None else str(entry.rank),
    "test_interval": _interval,
    "worst_group_score": _worst_group,
    "gain_over_source_only": _over_source,
    "transfer_gain": _transfer_gain,
    "p50_ms": _p50,
    "shapes": lambda entry: shapes(entry.first),
    "machine": lambda entry: machine(entry.first),
    "provider": lambda entry: entry.first.provider or NONE,
}
"""Columns whose text is more than a number or a name."""


def is_best(entry: Entry) -> bool:
    """Return whether an entry is the best of a contest, or not significantly different from it."""
    return entry.rank == 1


def task_facts(entries: Sequence[Entry]) -> str:
    """Return one sentence on what a task's numbers are: metric, test size, setting, label budget, seeds."""
    row = entries[0].first
    drawn = [entry for entry in entries if "target-labels" in entry.first.access] or entries
    ordered = sorted(drawn, key=lambda entry: entry.budget_place)
    budgets = " or ".join(dict.fromkeys(one.first.budget_rule or str(one.first.label_budget) for one in ordered))
    sizes = " or ".join(str(size) for size in sorted({entry.first.test_size or 0 for entry in entries}))
    numbers = sorted({entry.first.groups for entry in entries if entry.first.groups is not None})
    grouped = f" in {' or '.join(map(str, numbers))} group{'s' * (numbers != [1])}" if numbers else ""
    runs = sorted({seeds(entry.rows) for entry in entries})
    settings = " or ".join(dict.fromkeys(SETTINGS.get(one.first.setting, one.first.setting) for one in entries))
    return (
        f"Score: {row.metric} on {sizes} target test examples{grouped}; {settings}; label budget {budgets} "
        f"{row.budget_unit}; "
        f"{' or '.join(runs)}."
    )


def ties(entries: Sequence[Entry]) -> list[str]:
    """Return a sentence on each two neighbours that are not significantly different; of many, on those of the best."""
    several = has_backbones(entries)
    pairs = list(undecided(entries))
    shown = pairs if len(pairs) <= TIES else [pair for pair in pairs if is_best(pair[0]) and is_best(pair[1])]
    said = [_tie(*pair, several) for pair in shown]
    if rest := len(pairs) - len(shown):
        said.append(
            f"{rest} {'more' if shown else 'pairs of'} neighbours in the ranking are not significantly different."
        )
    return said


def _tie(above: Entry, below: Entry, gap: Difference, several: bool) -> str:
    first, second = (named(entry, several) for entry in (above, below))
    said = f"{first} and {second} are not significantly different:"
    if gap.seeds < 2:
        return f"{said} a comparison needs at least 2 common seeds, and they have {gap.seeds}."
    needed = gap.seeds_to_decide()
    more = (
        f"about {needed} seeds would decide it"
        if needed
        else "the test split is too small to decide it with any number of seeds"
    )
    bound = "" if gap.paired else " (an upper bound: their errors are not compared by test example)"
    return f"{said} they differ by {gap.mean:.3f} ± {gap.error():.3f}{bound}; {more}."


def shapes(row: Row) -> str:
    """Return the shapes of a graph's inputs at batch 1, such as `1x3x32x32`."""
    return ", ".join("x".join(map(str, shape)) for shape in row.shapes or ())


def backbone(row: Row) -> str:
    """Return a backbone's name, and where its weights come from and what was done with them."""
    done = {"finetune": "fine-tuned on the source", "probe": "probed", "own-head": "with its own head"}
    if row.source_mode == "none" and row.weights != "random":
        return f"{row.backbone} from {row.weights}"
    if row.source_mode not in done:
        return row.backbone
    part = "" if row.weights_loaded is None else f" ({row.weights_loaded} of {row.weights_expected} weights)"
    return f"{row.backbone} from {row.weights}{part}, {done[row.source_mode]}"


def block(entry: Entry) -> str:
    """Return the heading of an entry's group: its access; baselines have one for all of them."""
    return "baselines" if entry.first.baseline else access_of(entry)


def access_of(entry: Entry) -> str:
    """Return the access of an entry as a heading or a remark."""
    return f"access: {access(entry.access)}"


def machine(row: Row) -> str:
    """Return where a row was measured."""
    threads = "1 thread" if row.threads == 1 else f"{row.threads} threads"
    return f"{row.machine} ({row.device}, {threads})"


def in_words(value: Any, grouped: bool = False) -> str:
    """Return a value of a row as a person would write it; `grouped` sets the thousands of whole numbers apart."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if grouped else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(part)}" for name, part in value.items())
    if isinstance(value, tuple):
        nested = any(isinstance(part, tuple) for part in value)
        return ", ".join(f"[{in_words(part)}]" if nested else in_words(part) for part in value)
    return "-" if value is None else str(value)
