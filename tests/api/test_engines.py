from __future__ import annotations

from types import SimpleNamespace

import pytest

from tlbench.api.engines import Engine, shard_of
from tlbench.engine.executors.local import MOST_PARTS, more_parts
from tlbench.errors import UsageError

CUDA = {"status": "failed", "device": "cuda", "reason": "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"name": "slurm"}, "slurm"),
        ({"jobs": -1}, "-1"),
        ({"timeout": 0}, "timeout"),
        ({"memory": 0.5}, "0.5"),
        ({"shard": "3/2"}, "I/N"),
        ({"name": "inline", "jobs": 2}, "--jobs"),
        ({"name": "inline", "timeout": 5.0}, "--timeout"),
        ({"name": "inline", "shard": "1/2"}, "--shard"),
        ({"address": "auto"}, "--engine ray"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(options, named):
    with pytest.raises(UsageError, match=named):
        Engine(**options)


def jobs(*groups: str) -> list[SimpleNamespace]:
    return [SimpleNamespace(group=group, number=number) for number, group in enumerate(groups)]


@pytest.mark.parametrize("groups", ["aabbccdd", "aaaaa", "ab", "a", "abcabcabc"])
@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_parts_hold_each_pairing_once(groups, parts):
    found = [job.number for part in range(1, parts + 1) for job in shard_of(jobs(*groups), f"{part}/{parts}")]
    assert sorted(found) == list(range(len(groups)))


def test_source_models_are_not_split_where_there_are_enough():
    assert {job.group for job in shard_of(jobs(*"aabbccdd"), "1/2")} == {"a", "c"}


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ({**CUDA, "accumulation_steps": 1}, 2),
        ({**CUDA, "accumulation_steps": 4}, 8),
        ({**CUDA, "accumulation_steps": MOST_PARTS}, 0),
        ({**CUDA, "accumulation_steps": 1, "device": "cpu"}, 0),
        ({**CUDA, "accumulation_steps": 1, "reason": "ValueError: no"}, 0),
        ({**CUDA, "accumulation_steps": 1, "status": "ok", "reason": None}, 0),
    ],
)
def test_a_batch_that_does_not_fit_on_a_gpu_is_split_in_two_again_and_again(row, parts):
    assert more_parts(SimpleNamespace(**row)) == parts
