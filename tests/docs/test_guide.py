"""The plugin guide, followed from top to bottom."""

from __future__ import annotations

import dataclasses
import re
from typing import get_args

import pytest
from support import HERE, only

from tlbench.contract import editions
from tlbench.contract.specs import Selection
from tlbench.contract.training import TRAININGS
from tlbench.learning import AdaptRequest
from tlbench.results.row_files import read_rows

GUIDE = HERE.parent / "docs" / "plugin-guide.md"
INTERNAL = ("trainer", "label_vectors", "selection")
"""Fields of a request that its methods read, and no strategy."""
BLOCK = re.compile(
    r"`(?P<file>\S+\.py)`:\n\n```python\n(?P<python>.*?)```"  # the file's name stands at the end of the sentence before
    r"|```bash\n(?P<bash>.*?)```",
    re.DOTALL,
)


NAME = "l2sp"
"""The strategy of the page; the test gives it another name, for this one may be installed."""
OTHER = "l2spguide"


def script(page: str) -> str:
    """Return the page as a script: commands as they are, and each Python block written to the file named before it."""
    page = page.replace(NAME, OTHER)
    steps = []
    for block in BLOCK.finditer(page):
        write = f"cat > {block['file']} <<'END_OF_FILE'\n{block['python']}END_OF_FILE\n"
        steps.append(block["bash"] or write)
    return "".join(steps)


@pytest.fixture(scope="module")
def followed(environment, session_cache, tmp_path_factory):
    """The folder in which the guide was followed, and what was printed."""
    place = tmp_path_factory.mktemp("guide")
    done = environment.bash(script(GUIDE.read_text()), place)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return place / f"tlbench-{OTHER}", done.stdout


@pytest.fixture(scope="module")
def rows(followed):
    return list(read_rows(followed[0] / "leaderboards" / "local"))


def test_every_block_of_the_guide_is_followed():
    page = GUIDE.read_text()
    assert page.count("```python") + page.count("```bash") == len(list(BLOCK.finditer(page)))
    assert len(re.findall("^cat > ", script(page), re.MULTILINE)) == page.count("```python") == 8


def test_the_strategy_ends_as_rows_on_the_board(rows, followed):
    row = only(rows, task="anomaly/flows", strategy=OTHER)
    assert (row.status, row.reason) == ("ok", None)
    assert row.plugins["strategy"] == f"{OTHER} (tlbench-{OTHER} 0.1.0)"
    assert (row.access, row.strategy_options["alpha"]) == (("target-labels",), 0.1)
    assert row.trained_parameters == row.parameters
    assert row.score > only(rows, task="anomaly/flows", strategy="constant").score
    assert OTHER in (followed[0] / "leaderboards" / "local" / "anomaly.md").read_text()


def test_the_task_with_a_kind_of_its_own_ends_as_a_row(rows):
    row = only(rows, task="ratings/stars", strategy=OTHER)
    assert (row.status, row.reason) == ("ok", None)
    assert (row.metric, row.scores.keys()) == ("near", {"near", "accuracy"})
    assert row.plugins["task"].startswith("stars.py (file ")


def test_the_strategies_in_single_files_end_as_rows(rows):
    plain, aligned, extended = (only(rows, task="anomaly/flows", strategy=name) for name in ("plain", "ddc", "adapter"))
    assert [(row.status, row.reason) for row in (plain, aligned, extended)] == [("ok", None)] * 3
    assert (plain.access, plain.trained_parameters) == (("target-labels",), plain.parameters)
    assert aligned.access == ("source", "target-inputs")
    assert 0 < extended.trained_parameters < extended.parameters
    assert (extended.forgetting_head, extended.forgetting_probe) == (0, 0)


def test_the_page_says_what_a_plugin_of_the_first_edition_must_change():
    page = GUIDE.read_text().partition("## A plugin of the first edition")[2]
    lines = [f"| `{record}.{name}` | {advice} |" for (record, name), advice in editions.REMOVED.items()]
    lines += [f"| `request.{old}` | `{new}` |" for old, new in editions.MEMBERS.items()]
    lines += [f"| `inputs, targets = next(batches)` | `{editions.BATCH}` |"]
    assert [line for line in lines if line not in page] == []


def test_the_page_names_all_of_a_request_and_the_rules_of_selection():
    page = GUIDE.read_text()
    members = [field.name for field in dataclasses.fields(AdaptRequest) if field.name not in INTERNAL]
    members += [name for name, value in vars(AdaptRequest).items() if not name.startswith("_") and callable(value)]
    missing = [name for name in members if not re.search(rf"`(?:request\.)?{name}\b", page)]
    missing += [name for name in [*get_args(Selection), *TRAININGS] if f"`{name}`" not in page]
    assert missing == []


def test_what_watches_sees_every_row_of_its_run(rows, followed):
    lines = (followed[0] / "diary.txt").read_text().splitlines()
    assert sorted(lines) == sorted(
        f"{row.task} {row.strategy} {row.seed} {row.score}" for row in rows if row.task == "ratings/stars"
    )
