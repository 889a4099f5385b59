"""How training computes. Weights, gradients, losses and the optimiser are float32 in any precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_BF16: ContextVar[bool] = ContextVar("bf16", default=False)


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """How a trainer computes."""

    precision: str = "fp32"
    """`fp32`; `tf32`, products of CUDA with 10 bits; `bf16`, encoder and linear head in bfloat16 autocast."""
    accumulation_steps: int = 1
    """Parts of a batch that are computed one after the other, their gradients added up."""


FP32 = Arithmetic()


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let models compute in a precision within the block, or within a function that is decorated so."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before, token = (matmul.allow_tf32, cudnn.allow_tf32), _BF16.set(precision == "bf16")
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
        _BF16.reset(token)


def call(module: nn.Module, *inputs: Tensor) -> Tensor:
    """Return a module's outputs in the precision of the block around the call, as float32."""
    if not _BF16.get():
        return module(*inputs)  # type: ignore[no-any-return]
    # One block for each call: weights that autocast keeps from a call without gradients would have none in the next.
    with torch.autocast(inputs[0].device.type, torch.bfloat16):
        return module(*inputs).float()  # type: ignore[no-any-return]
