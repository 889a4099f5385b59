"""The data of a plan in words: labels, examples, and sizes before and after the backbone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tlbench.engine.job import Job

CHANNELS = 4
"""Of an image at most."""
Known = tuple[Sequence[Job], Mapping[str, Any]]
"""The runs of a task with a backbone, and the facts on its data."""


def data_lines(known: Sequence[Known]) -> Iterator[tuple[str, str]]:
    """Yield name and text of each line on a task's data, nothing if none is known."""
    if not known:
        return
    jobs, facts = known[0]
    splits = facts["splits"]
    yield (
        "labels",
        labels_line(
            jobs[0].fields["budget_unit"],
            [job.budget for job in jobs],
            int(splits["target-train"]["examples"]),
            int(facts["classes"]),
        ),
    )
    yield "examples", "; ".join(_examples(side, splits) for side in ("source", "target") if f"{side}-train" in splits)
    for these, one in known:
        if text := _inputs(str(these[0].fields["backbone"]), one):
            yield "input", text


def labels_line(unit: str, budgets: Sequence[str], there: int, classes: int) -> str:
    """Return how many of the target's labels are used: `50 of 162 labels; use all: --label-budget all`."""
    used = [_used(budget, there, classes) for budget in dict.fromkeys(budgets)]
    more = "" if "all" in used else "; use all: --label-budget all"
    return f"{', '.join(used)} of {there} {unit}{more}"


def _used(budget: str, there: int, classes: int) -> str:
    number, slash, _ = budget.partition("/")
    if budget == "all" or (not slash and int(number) >= there):
        return "all"
    return f"{budget} (at most {min(there, int(number) * classes)})" if slash else number


def _examples(side: str, splits: Mapping[str, Any]) -> str:
    train, test = (splits[f"{side}-{part}"]["examples"] for part in ("train", "test"))
    return f"{side} {train} training, {test} test"


def _inputs(backbone: str, facts: Mapping[str, Any]) -> str:
    """Return the sizes of examples before and after the backbone, over all splits."""
    splits = list(facts["splits"].values())
    before, after = (_joined([split[name] for split in splits]) for name in ("raw", "input"))
    if rate := facts["sample_rate"]:
        return f"clips of {_seconds(before, rate)} s at {rate} Hz -> {_shape(after)} values by {backbone}"
    limited = [split for split in splits if "limit" in split]
    if limited:
        count, of, limit = sum(s["at_limit"] for s in limited), sum(s["examples"] for s in limited), limited[0]["limit"]
        if "answers_at_limit" in limited[0]:
            answers = sum(split["answers_at_limit"] for split in limited)
            cut = f"of {of} prompts {count} reach the limit of {limit}, of answers {answers}: longer ones are cut"
            return f"{_shape(after)} tokens a prompt and answer by {backbone}; {cut}"
        cut = (
            f"{count} of {of} texts reach the limit of {limit}, where longer ones are cut"
            if count
            else "no text is cut"
        )
        return f"{_shape(after)} tokens a text by {backbone}; {cut}{_answers_cut(splits)}"
    if not before or not after:
        return ""
    original = _joined([split["original"] for split in splits])
    return f"{loaded_line(original, before)} -> {_shape(after)} by {backbone}"


def loaded_line(original: list[list[int]] | None, loaded: list[list[int]]) -> str:
    """Return the sizes of images in their files and as a task loads them: `400-640x480 -> 32x32 by the task`."""
    if not original or _shape(original) == _shape(loaded):
        return _shape(loaded)
    return f"{_shape(original)} -> {_shape(loaded)} by the task"


def _answers_cut(splits: Sequence[Mapping[str, Any]]) -> str:
    """Return how many answers are in a part of their context that is cut off, and what to do."""
    cut, of = (sum(split.get(name, 0) for split in splits) for name in ("answers_cut", "answers"))
    if not cut:
        return ""
    more = 2 * int(splits[0]["limit"])
    return f"; {cut} of {of} answers are behind the cut: --set backbone.max_length={more}"


def _joined(ranges: Sequence[Any]) -> list[list[int]] | None:
    """Return the smallest and the largest number of each axis over all splits; None unless all have the same axes."""
    if not all(ranges) or len({len(one[0]) for one in ranges}) != 1:
        return None
    return [
        [min(axis) for axis in zip(*(one[0] for one in ranges), strict=True)],
        [max(axis) for axis in zip(*(one[1] for one in ranges), strict=True)],
    ]


def _shape(sizes: list[list[int]] | None) -> str:
    """Return sizes as `8-12` or, of images, as width x height."""
    if sizes is None:
        return "different sizes"
    low, high = sizes
    if len(low) == 3 and high[2] <= CHANNELS:  # (H, W, C)
        low, high = ([one[1], one[0]] for one in sizes)
    elif len(low) == 3 and high[0] <= CHANNELS:  # (C, H, W)
        low, high = ([one[2], one[1]] for one in sizes)
    return "x".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(low, high, strict=True))


def _seconds(sizes: list[list[int]] | None, rate: int) -> str:
    if sizes is None:
        return "different lengths"
    low, high = (f"{one[0] / rate:.1f}" for one in sizes)
    return low if low == high else f"{low}-{high}"
