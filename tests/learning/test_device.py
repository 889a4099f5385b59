from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from support import run_python
from torch import nn

from tlbench.learning.device import derive_seed, move, seed_everything, set_up


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


@pytest.mark.parametrize(("channels", "stride", "last"), [(8, 2, False), (16, 2, True), (8, 1, True)])
def test_channels_are_last_where_that_is_sound(channels, stride, last):
    model = nn.Sequential(nn.Conv2d(3, channels, kernel_size=3), nn.Conv2d(channels, 4, kernel_size=1, stride=stride))
    assert move(model, "cpu")[0].weight.is_contiguous(memory_format=torch.channels_last) == last


def test_a_small_network_learns_from_large_images():
    """oneDNN wrote beyond its memory here, which ends a process: hence one of its own."""
    code = """
import torch
from tlbench.learning.device import move, set_up
set_up(1)
first, second = torch.nn.Conv2d(3, 8, kernel_size=3), torch.nn.Conv2d(8, 16, kernel_size=1, stride=2)
model = move(torch.nn.Sequential(first, second), "cpu")
for _ in range(3):
    model(torch.rand(64, 3, 66, 66)).sum().backward()
print(second.weight.grad.isfinite().all().item())
"""
    done = run_python(code)
    assert done.stdout == "True\n", done.stderr
