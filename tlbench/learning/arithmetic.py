"""How training computes. Weights, gradients, losses and the optimiser are float32 in any precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_BF16: ContextVar[bool] = ContextVar("bf16", default=False)
_COMPILED: ContextVar[dict[nn.Module, Callable[..., Tensor]] | None] = ContextVar("compiled", default=None)
"""Modules -> what they were compiled to, in a block that compiles."""


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """How a trainer computes."""

    precision: str = "fp32"
    """`fp32`; `tf32`, products of CUDA with 10 bits; `bf16`, encoder and linear head in bfloat16 autocast."""
    accumulation_steps: int = 1
    """Parts of a batch that are computed one after the other, their gradients added up."""
    compiled: bool = False
    """Whether encoder and linear head are compiled by `torch.compile`; what is not trained never is."""


FP32 = Arithmetic()


@contextmanager
def computing_in(arithmetic: Arithmetic) -> Iterator[None]:
    """Let models compute so within the block, or within a function that is decorated so."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    bf16, compiled = _BF16.set(arithmetic.precision == "bf16"), _COMPILED.set({} if arithmetic.compiled else None)
    matmul.allow_tf32 = cudnn.allow_tf32 = arithmetic.precision == "tf32"
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
        _BF16.reset(bf16)
        _COMPILED.reset(compiled)


def call(module: nn.Module, *inputs: Tensor) -> Tensor:
    """Return a module's outputs, computed as the block around the call says, as float32."""
    function = _function(module)
    if not _BF16.get():
        return function(*inputs)
    # One block for each call: weights that autocast keeps from a call without gradients would have none in the next.
    with torch.autocast(inputs[0].device.type, torch.bfloat16):
        return function(*inputs).float()


def _function(module: nn.Module) -> Callable[..., Tensor]:
    known = _COMPILED.get()
    if known is None:
        return module
    if module not in known:
        known[module] = torch.compile(module)
    return known[module]
