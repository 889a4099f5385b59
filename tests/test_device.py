from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from tlbench.device import derive_seed, seed_everything, set_up


def test_a_seed_is_derived_from_its_purpose():
    seeds = {derive_seed(0, "source"), derive_seed(0, "adapt"), derive_seed(1, "source"), derive_seed(0, "a", "b")}
    assert len(seeds) == 4
    assert derive_seed(0, "source") == derive_seed(0, "source")
    np.random.default_rng(derive_seed(0, "source"))


def test_seeding_decides_torch_and_the_generator():
    draws = []
    for _ in range(2):
        generator = seed_everything(3, "adapt")
        draws.append((torch.rand(2).tolist(), torch.rand(2, generator=generator).tolist()))
    assert draws[0] == draws[1]


@pytest.fixture
def restored():
    deterministic = torch.are_deterministic_algorithms_enabled()
    yield
    set_up(1)
    torch.use_deterministic_algorithms(deterministic)


@pytest.mark.usefixtures("restored")
def test_set_up_makes_torch_deterministic_and_keeps_to_its_threads():
    set_up(2)
    assert torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cuda.matmul.allow_tf32
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
