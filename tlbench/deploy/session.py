"""ONNX Runtime sessions that run where they were asked to. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlbench.errors import TlbenchError
from tlbench.results.files import text_of

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class ProviderError(TlbenchError):
    """The execution provider that was asked for does not run here."""


def open_session(path: Path, device: str, threads: int) -> Any:
    """Return a session on the CPU or CUDA provider, TF32 off. Raises `ProviderError`.

    A CUDA provider that cannot load falls back to the CPU silently by default; here that is an error.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # TF32 rounds inputs to 10 bits: outputs would miss the parity with fp32.
    settings = {"use_tf32": "0"} if device == "cuda" else {}
    provider = PROVIDERS[device]
    model = path if text_of(path) == str(path) else path.read_bytes()  # ONNX Runtime opens paths of UTF-8 text alone.
    session = onnxruntime.InferenceSession(model, options, providers=[(provider, settings)], enable_fallback=0)
    if session.get_providers()[0] != provider:
        raise ProviderError(f"ONNX Runtime cannot load {provider}: it would run on {session.get_providers()[0]}.")
    return session
