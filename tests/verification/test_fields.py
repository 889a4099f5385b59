"""Which fields of a row are verified: each of them, but those that nothing on a board says again."""

from __future__ import annotations

import dataclasses

from tlbench.results.row_files import parsed, row_paths
from tlbench.verification.board import verify_board, verify_row

UNVERIFIED = {
    *("weights", "bad_input", "train_gap", "training_loss", "remembered_files", "fitted_on", "api_version"),
    *("device_name", "parity", "parity_flips", "onnx_bytes", "parameters", "trained_parameters", "seconds"),
    *("peak_memory_bytes", "processor_class", "strategy_code"),
}
"""Changed, they are not noticed: docs/verification.md says so."""
APART = {
    *("task", "strategy", "files", "plugins", "versions", "latency", "device", "threads", "precision"),
    *("accumulation_steps", "compiled", "commit", "dirty"),
}
"""Changed, they make another question of a row, without a baseline here, or name what is not there: not verifiable."""
NESTED = {"score_matrix", "shapes", "offline_shapes"}


def other(value):
    """Return another value of the same type; None if there is no simple one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.001 + 0.02
    if isinstance(value, str):
        return f"{value}0"
    if isinstance(value, dict) and value:
        return {name: other(part) for name, part in value.items()}
    return value[:-1] if isinstance(value, tuple) and value else None


def test_a_changed_field_is_found_or_documented(forger, speakers):
    # As in a checkout; what is installed from a package has no commit.
    row, statuses = dataclasses.replace(forger.row(), commit="a" * 40, dirty=False), {}
    for path in row_paths(forger.board):
        forger.write(dataclasses.replace(parsed(path), commit=row.commit, dirty=row.dirty))
    for name in sorted({field.name for field in dataclasses.fields(row)} - NESTED):
        if (value := other(getattr(row, name))) is not None:
            path = forger.write(dataclasses.replace(row, **{name: value}))
            statuses[name] = verify_row(path, speakers).status
            path.unlink()
            forger.write(row)
    assert len(statuses) > 60
    assert {name for name, status in statuses.items() if status == 0} == UNVERIFIED
    assert {name for name, status in statuses.items() if status == 3} == APART


def test_a_source_model_that_leaves_examples_out_is_no_copy_of_the_usual_one(run_pairings, catalog, shared_settings):
    run_pairings(
        catalog,
        tasks=["toy/blobs"],
        strategies=["coral", "finetune"],
        references=["source-only"],
        select="source-validation",
        overrides={"source.steps": 30, "strategy.steps": 20},
    )
    report = verify_board(shared_settings.board, catalog)
    assert [problem for problem in report.problems if problem.file.startswith("rows/")] == []
    assert report.counts()["verified"] == 3
