"""The process that has imported what every pairing needs, and forks a fresh child for each.

    python -P -m tlbench.engine.server THREADS MODULE ...

Modules are imported once for all children. Nothing is computed here: a thread pool of OpenMP, autograd or CUDA that
exists before the fork hangs the child. Code of plugins is not imported either: what it changes dies with the child.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
from collections.abc import Iterable

from tlbench.engine.keeper import keep
from tlbench.engine.pipeline import PIPELINE
from tlbench.engine.worker import work
from tlbench.planning.code import code_identity

MODULES = (
    "torch",
    "tlbench.engine.scoring",
    "tlbench.engine.serving",
    "tlbench.engine.source_model",
    "tlbench.engine.adaptation",
    "tlbench.engine.prepared",
    "tlbench.learning.device",
    "tlbench.deploy.onnx_graph",
    "torch.optim",
    "torch._dynamo",
    "torch.export",
    "torch.onnx._internal.exporter._core",
    "onnxscript",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.covariance",
    "sklearn.pipeline",
    "scipy.stats",
)
"""What stages import; a child that finds them in memory starts in a tenth of a second."""


def main() -> None:
    """Serve until the connection closes: each byte comes with a connection and an output for a new child."""
    end = socket.socket(fileno=int(os.environ.pop("TLBENCH_CHANNEL")))
    end.set_inheritable(False)
    threads, *requires = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it ends it.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = threads
    # Some imports ask whether there is a GPU: by this, torch answers without touching CUDA, which no fork survives.
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    preload((*MODULES, *requires))
    keepers: list[int] = []
    while descriptors := _next(end):
        keepers = [*_running(keepers), _start(end, *descriptors)]
    # A number that was not waited for is nobody else's yet.
    for keeper in _running(keepers):
        os.kill(keeper, signal.SIGTERM)
        os.kill(keeper, signal.SIGCONT)  # A plugin may have stopped it.


def _running(processes: Iterable[int]) -> list[int]:
    """Return the children that have not ended."""
    return [process for process in processes if os.waitpid(process, os.WNOHANG) == (0, 0)]


def _next(end: socket.socket) -> list[int]:
    """Return the descriptors of the next child; none once the connection is closed."""
    try:
        return socket.recv_fds(end, 1, 2)[1]
    except OSError:
        return []


def preload(modules: Iterable[str]) -> None:
    """Import modules; what fails here fails again where it is used, with a message."""
    for module in modules:
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(module)
    import torch

    # The first optimiser of a process imports a compiler.
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], fused=True)
    # Keys hold the code that stages reach: it is parsed once for all children.
    for stage in PIPELINE:
        code_identity(stage.compute)
    gc.collect()
    # Otherwise each collection of a child would copy all pages of the server.
    gc.freeze()


def _start(own: socket.socket, connection: int, output: int) -> int:
    """Fork a child; return its process number."""
    keeper = os.fork()
    if not keeper:
        own.close()
        end = socket.socket(fileno=connection)
        end.set_inheritable(False)  # A program that a plugin starts must not keep it open.
        keep(end, lambda: work(end, output))
    os.close(connection)
    os.close(output)
    return keeper


if __name__ == "__main__":
    main()
