"""What only a CUDA device can show; skipped elsewhere."""

from __future__ import annotations

import dataclasses

import pytest
from support import comparable, plan_only

from tlbench.engine.runner import run
from tlbench.planning import fingerprints

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("task", ["toy/blobs", "toy/names", "vision/digits"])
def test_a_pairing_runs_on_the_gpu_and_is_served_there(catalog, settings, task):
    settings = dataclasses.replace(settings, device="cuda")
    outcome = run(plan_only(catalog, settings, tasks=[task], quick=True), catalog, settings)
    assert {row.status for row in outcome.rows} <= {"ok", "skipped"}, [row.reason for row in outcome.rows]
    for row in outcome.rows:
        if row.status == "ok":
            assert (row.device, row.device_name) == ("cuda", fingerprints.graphics())
            assert row.provider == "CUDAExecutionProvider"
            assert row.parity is not None
            assert row.parity <= 1e-4
            assert row.copies_inside_clock is True


def test_the_gpu_and_the_processor_train_alike(catalog, settings, tmp_path):
    scores = []
    for device in ("cpu", "cuda"):
        here = dataclasses.replace(settings, device=device, board=tmp_path / device)
        outcome = run(plan_only(catalog, here, tasks=["toy/blobs"], strategies=["finetune"]), catalog, here)
        scores.append(outcome.rows[0].score)
    assert scores[0] == pytest.approx(scores[1], abs=0.05)


def test_another_cache_gives_the_same_bits(catalog, settings, tmp_path):
    rows = []
    for name in ("one", "other"):
        here = dataclasses.replace(settings, device="cuda", cache=tmp_path / name)
        outcome = run(plan_only(catalog, here, tasks=["toy/blobs"], strategies=["finetune"]), catalog, here)
        rows.append([comparable(row.to_json()) for row in outcome.rows])
    assert rows[0] == rows[1]
