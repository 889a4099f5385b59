"""The session that a run is called from: its torch is set as it was before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def torch_as_it_was() -> Iterator[None]:
    """Restore what a run sets in torch: threads, determinism, number formats, the state of its generator.

    In a session that has not imported torch before, determinism and number formats become torch's defaults.
    """
    before: Any = sys.modules.get("torch")
    state = _state(before) if before else None
    try:
        yield
    finally:
        if torch := sys.modules.get("torch"):
            _restore(torch, state or {"deterministic": False, "filled": True, "cudnn_tf32": True})


def _state(torch: Any) -> dict[str, Any]:
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "filled": torch.utils.deterministic.fill_uninitialized_memory,
        "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_tf32": torch.backends.cudnn.allow_tf32,
        "benchmark": torch.backends.cudnn.benchmark,
        "generator": torch.get_rng_state(),
    }


def _restore(torch: Any, state: dict[str, Any]) -> None:
    set_to = {
        "threads": torch.set_num_threads,
        "deterministic": torch.use_deterministic_algorithms,
        "filled": lambda value: setattr(torch.utils.deterministic, "fill_uninitialized_memory", value),
        "matmul_tf32": lambda value: setattr(torch.backends.cuda.matmul, "allow_tf32", value),
        "cudnn_tf32": lambda value: setattr(torch.backends.cudnn, "allow_tf32", value),
        "benchmark": lambda value: setattr(torch.backends.cudnn, "benchmark", value),
        "generator": torch.set_rng_state,
    }
    for name, value in state.items():
        set_to[name](value)
