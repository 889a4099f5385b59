"""Results under another key: what decides the key tells whether they contradict each other."""

from __future__ import annotations

import pytest

from tlbench.results.merging import merge
from tlbench.results.row import write_row


@pytest.mark.parametrize(
    ("changes", "contradicts"),
    [
        ({"score": 0.5}, True),
        ({"score": 0.9}, False),
        ({"score": 0.5, "seed": 1}, False),
        ({"score": 0.5, "commit": "0" * 40}, False),
        ({"score": 0.5, "dirty": True}, False),
        ({"score": 0.5, "strategy_options": {"steps": 7}}, False),
        ({"score": 0.5, "versions": {"torch": "1.0"}}, False),
    ],
)
def test_another_score_under_another_key_contradicts_if_all_that_decides_it_is_equal(
    row, tmp_path, changes, contradicts
):
    code = {"commit": "1" * 40, "dirty": False}
    known = row("finetune", 0, 0.9, **code)
    write_row(tmp_path / "mine", known)
    of = {"strategy": "finetune", "seed": 0, "score": 0.9, "key": "another-key", **code, **changes}
    write_row(tmp_path / "theirs", row(**of))
    merged = merge([tmp_path / "theirs"], tmp_path / "mine")
    found = [(one.differing, one.known) for one in merged.contradictions]
    assert found == ([(("key", "score"), known.file_name)] if contradicts else [])
    assert (len(merged.copied), merged.left_out) == (int(not contradicts), [])


def test_a_copy_that_is_not_committed_or_failed_hides_no_contradiction(row, tmp_path):
    code = {"commit": "1" * 40, "dirty": False}
    known = row("finetune", 0, 0.9, **code)
    for one in (known, row("finetune", 0, 0.8, key="edited", commit="1" * 40, dirty=True)):
        write_row(tmp_path / "mine", one)
    write_row(tmp_path / "theirs", row("finetune", 0, 0.5, key="forged", **code))
    merged = merge([tmp_path / "theirs"], tmp_path / "mine")
    assert [one.known for one in merged.contradictions] == [known.file_name]
