"""Seeds, threads, layouts and the numerics of a device."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from types import TracebackType
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits
from torch import nn

M = TypeVar("M", bound=nn.Module)
FEW = 16
"""Channels that fit a vector of AVX-512: oneDNN takes that many at a time."""


def set_up(threads: int) -> None:
    """Make torch deterministic and keep every numeric library to `threads` threads."""
    # cuBLAS reads this when its first handle is made; without it deterministic products raise.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The tokenizers library warns, and may hang, when a process that used its threads forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    torch.use_deterministic_algorithms(True)
    # Else each new tensor is filled with NaN before it is written: up to 8 % of a training step on a CPU.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    _import_early()


@functools.cache
def _import_early() -> None:
    """Load what the first stage of a process would otherwise be charged with: seconds stand on rows."""
    import sklearn.linear_model  # noqa: F401

    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], fused=True).step()


def derive_seed(seed: int, *purpose: str) -> int:
    """Return a seed for one purpose, so that one draw more or less elsewhere does not move it."""
    named = json.dumps([seed, *purpose], separators=(",", ":"), ensure_ascii=False)
    return int(hashlib.sha256(named.encode()).hexdigest()[:8], 16)


def seed_everything(seed: int, *purpose: str) -> torch.Generator:
    """Seed torch for one purpose and return a generator of the same seed on the CPU."""
    derived = derive_seed(seed, *purpose)
    torch.manual_seed(derived)
    return torch.Generator().manual_seed(derived)


def move(model: M, device: str) -> M:
    """Return the model on its device with the channels last, which trains faster: on a CPU by up to a third.

    A model with a strided 1 x 1 convolution of few channels keeps them first: with them last, oneDNN's gradient of its
    weights writes beyond its memory, https://github.com/uxlfoundation/oneDNN/issues/6035
    """
    model.to(device)
    if any(_samples_few(part) for part in model.modules()):
        return model
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class DeviceClock:
    """Times what a CUDA device does within a block, and notes its largest allocation from there on."""

    seconds: float | None = None
    """Seconds from start to end on the device; None on the CPU."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __enter__(self) -> DeviceClock:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            self.start, self.end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            self.start.record()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.device.type == "cuda" and error is None:
            self.end.record()
            self.end.synchronize()
            self.seconds = self.start.elapsed_time(self.end) / 1000  # The events count milliseconds.


def _samples_few(part: nn.Module) -> bool:
    if not isinstance(part, nn.Conv2d) or part.in_channels >= FEW:
        return False
    return part.kernel_size == (1, 1) and part.stride != (1, 1)
