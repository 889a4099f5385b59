"""docs/splits.md says which tasks on own data have groups and times."""

from __future__ import annotations

import re
from pathlib import Path

from tlbench.contract.options import SPLIT_OPTIONS

PAGE = Path(__file__).parents[2] / "docs" / "splits.md"


def test_the_tasks_without_groups_or_times_are_those_of_the_table(catalog):
    named = {option.name for option in SPLIT_OPTIONS}
    having = {
        task.name: {option.name for option in task.options} & named
        for task in catalog.tasks.values()
        if task.data_from == "user" and task.domain != "toy"
    }
    rows = re.findall(r"^\| `([a-z]+/[a-z-]+)` \| (yes|no) \| (yes|no) \|", PAGE.read_text(encoding="utf-8"), re.M)
    told = {
        task: {name for name, word in zip(("group", "time"), words, strict=True) if word == "yes"}
        for task, *words in rows
    }
    assert told == {task: names for task, names in having.items() if names != named}
