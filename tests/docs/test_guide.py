"""The plugin guide, followed from top to bottom."""

from __future__ import annotations

import re

import pytest
from support import HERE, only

from tlbench.results.row_files import read_rows

GUIDE = HERE.parent / "docs" / "plugin-guide.md"
BLOCK = re.compile(
    r"`(?P<file>\S+\.py)`:\n\n```python\n(?P<python>.*?)```"  # the file's name stands at the end of the sentence before
    r"|```bash\n(?P<bash>.*?)```",
    re.DOTALL,
)


def script(page: str) -> str:
    """Return the page as a script: commands as they are, and each Python block written to the file named before it."""
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
    return place / "tlbench-l2sp", done.stdout


@pytest.fixture(scope="module")
def rows(followed):
    return list(read_rows(followed[0] / "leaderboards" / "local"))


def test_every_block_of_the_guide_is_followed():
    page = GUIDE.read_text()
    assert page.count("```python") + page.count("```bash") == len(list(BLOCK.finditer(page)))
    assert len(re.findall("^cat > ", script(page), re.MULTILINE)) == page.count("```python") == 4


def test_the_strategy_ends_as_rows_on_the_board(rows, followed):
    row = only(rows, task="anomaly/flows", strategy="l2sp")
    assert (row.status, row.reason) == ("ok", None)
    assert row.plugins["strategy"] == "l2sp (tlbench-l2sp 0.1.0)"
    assert (row.access, row.strategy_options["alpha"]) == (("target-labels",), 0.1)
    assert row.trained_parameters == row.parameters
    assert row.score > only(rows, task="anomaly/flows", strategy="constant").score
    assert "l2sp" in (followed[0] / "leaderboards" / "local" / "anomaly.md").read_text()


def test_the_task_with_a_kind_of_its_own_ends_as_a_row(rows):
    row = only(rows, task="ratings/stars", strategy="l2sp")
    assert (row.status, row.reason) == ("ok", None)
    assert (row.metric, row.scores.keys()) == ("near", {"near", "accuracy"})
    assert row.plugins["task"].startswith("stars.py (file ")


def test_what_watches_sees_every_row_of_its_run(rows, followed):
    lines = (followed[0] / "diary.txt").read_text().splitlines()
    assert sorted(lines) == sorted(
        f"{row.task} {row.strategy} {row.seed} {row.score}" for row in rows if row.task == "ratings/stars"
    )
