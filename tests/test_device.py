from __future__ import annotations

import copy
import os

import numpy as np
import pytest
import torch
from support import run_python
from torch import nn

from tlbench.device import derive_seed, move, seed_everything, set_up


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


def test_few_channels_last_are_convolved_as_they_are_first():
    images = torch.rand(3, 8, 9, 7)
    first = nn.Conv2d(8, 5, kernel_size=1, stride=(2, 3))
    last = move(copy.deepcopy(first), "cpu")
    assert last.weight.is_contiguous(memory_format=torch.channels_last)
    for layer in (first, last):
        layer(images).square().sum().backward()
    torch.testing.assert_close(last(images), first(images))
    torch.testing.assert_close(last.weight.grad, first.weight.grad)
    assert last.state_dict().keys() == first.state_dict().keys()


def test_a_small_network_learns_from_large_images():
    """oneDNN wrote beyond its memory here, which ends a process: hence one of its own."""
    code = """
import torch
from tlbench.device import move, set_up
set_up(1)
layer = move(torch.nn.Conv2d(8, 16, kernel_size=1, stride=2), "cpu")
images = torch.rand(64, 8, 64, 64).contiguous(memory_format=torch.channels_last)
for _ in range(3):
    layer(images).sum().backward()
print(layer.weight.grad.isfinite().all().item())
"""
    done = run_python(code)
    assert done.stdout == "True\n", done.stderr


def test_what_is_exported_is_the_usual_convolution():
    layer = move(nn.Conv2d(3, 4, kernel_size=1, stride=2), "cpu")
    program = torch.export.export(layer, (torch.rand(1, 3, 8, 8),))
    called = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert called == ["aten.conv2d.default"]
