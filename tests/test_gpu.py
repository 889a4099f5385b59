"""What changes where a CUDA device computes: the provider, the copies inside the clock, and no decision."""

from __future__ import annotations

import dataclasses

import pytest
from support import comparable

from tlbench.identity import graphics
from tlbench.planning import Wish, make_plan
from tlbench.runner import run

pytestmark = pytest.mark.gpu


def rows_of(catalog, settings):
    wish = Wish(tasks=["toy/blobs", "toy/names"], strategies=["frozen", "finetune"])
    return run(make_plan(wish, catalog, settings), catalog, settings).rows


def test_pairings_on_cuda_are_ok_serve_on_cuda_and_give_the_same_bits_again(catalog, settings, tmp_path):
    cuda = dataclasses.replace(settings, device="cuda")
    rows = rows_of(catalog, cuda)
    assert [(row.status, row.reason) for row in rows] == [("ok", None)] * 4
    assert {(row.provider, row.device_name) for row in rows} == {("CUDAExecutionProvider", graphics())}
    assert all(row.copies_inside_clock for row in rows)
    again = rows_of(catalog, dataclasses.replace(cuda, cache=tmp_path / "other"))
    assert [comparable(row.to_json()) for row in again] == [comparable(row.to_json()) for row in rows]
