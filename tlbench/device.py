"""Seeds, threads and the numerics of a device."""

from __future__ import annotations

import functools
import os

import torch
from threadpoolctl import threadpool_limits

from tlbench.files import digest


def set_up(threads: int) -> None:
    """Make torch deterministic and keep every numeric library to `threads` threads."""
    # cuBLAS reads this when its first handle is made; without it deterministic products raise.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The tokenizers library warns, and may hang, when a process that used its threads forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    torch.use_deterministic_algorithms(True)
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
    return int(digest([seed, *purpose])[:8], 16)


def seed_everything(seed: int, *purpose: str) -> torch.Generator:
    """Seed torch for one purpose and return a generator of the same seed on the CPU."""
    derived = derive_seed(seed, *purpose)
    torch.manual_seed(derived)
    return torch.Generator().manual_seed(derived)
