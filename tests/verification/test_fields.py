"""Which fields of a row are verified: each of them, but those that nothing on a board says again."""

from __future__ import annotations

import dataclasses

import pytest

from tlbench.results.row import Row
from tlbench.verification.board import verify_row

UNVERIFIED = {
    *("weights", "bad_input", "train_gap", "remembered_files", "fitted_on", "api_version", "device_name"),
    *("parity", "parity_flips", "onnx_bytes", "parameters", "trained_parameters", "seconds", "peak_memory_bytes"),
}
"""Changed, they are not noticed: docs/verification.md says so."""
APART = {
    *("task", "strategy", "files", "plugins", "versions", "latency", "device", "threads", "precision"),
    *("accumulation_steps", "compiled"),
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
        return value * 1.001 + 1e-6
    if isinstance(value, str):
        return f"{value}0"
    if isinstance(value, dict) and value:
        return {name: other(part) for name, part in value.items()}
    return value[:-1] if isinstance(value, tuple) and value else None


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Row) if field.name not in NESTED])
def test_a_changed_field_is_found_or_documented(forger, speakers, name):
    row = forger.row()
    if (value := other(getattr(row, name))) is None:
        pytest.skip("the field is empty")
    report = verify_row(forger.write(dataclasses.replace(row, **{name: value})), speakers)
    assert report.status == (0 if name in UNVERIFIED else 3 if name in APART else 1)
