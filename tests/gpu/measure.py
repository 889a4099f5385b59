"""Everything that a GPU has to show, in one call and one table.

    python tests/gpu/measure.py [--case NAME ...] [--steps 50] [--without-tests]
    python tests/gpu/measure.py --small            # tiny networks on the CPU: that the script itself works

The tests that are marked `gpu`; then for each network fine-tuning beside a bare loop (bf16, compiled, channels last,
data on the device), and the latency of its ONNX file by the CUDA provider beside eager torch. Weights are random.
"""

from __future__ import annotations

import argparse
import collections
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from models import CASES, KIND, Case
from tabulate import tabulate
from torch import nn
from torch.nn import functional

from tlbench.deploy.onnx_graph import export_graph
from tlbench.deploy.session import PROVIDERS, open_session
from tlbench.learning.arithmetic import Arithmetic
from tlbench.learning.device import move, set_up
from tlbench.learning.trainer import Trainer

Line = dict[str, Any]
WARM_UP = 5
GIB = 2**30


def timed(device: str, work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of some work with all that it started on the device, and its largest allocation in GiB."""
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    peak = torch.cuda.max_memory_allocated() / GIB if device == "cuda" else 0.0
    return time.perf_counter() - started, peak


def ours(case: Case, device: str, small: bool, steps: int, parts: int = 1) -> tuple[float, float]:
    """Return examples a second and peak memory of `Trainer.fit`."""
    model = move(case.model(device, small), device)
    batch = 4 if small else case.batch
    examples = case.examples(4 * batch, small)

    def fit(count: int) -> None:
        trainer = Trainer(
            owner="measure",
            kinds={"target": KIND},
            options={"steps": count, "learning_rate": 1e-4, "weight_decay": 1e-4, "batch_size": batch},
            generator=torch.Generator().manual_seed(0),
            device=torch.device(device),
            arithmetic=Arithmetic(precision="bf16", accumulation_steps=parts),
        )
        trainer.fit(model, examples)

    fit(WARM_UP)
    seconds, peak = timed(device, lambda: fit(steps))
    return steps * batch / seconds, peak


def bare(case: Case, device: str, small: bool, steps: int) -> tuple[float, float]:
    """Return the same of a loop by hand; nothing of it is kept deterministic."""
    parts = case.model(device, small)
    network = nn.Sequential(parts.encoder, parts.heads["target"]).to(memory_format=torch.channels_last).train()
    batch = 4 if small else case.batch
    examples = case.examples(4 * batch, small)
    inputs = torch.from_numpy(examples.inputs.columns[0]).to(device)
    labels = torch.from_numpy(examples.targets.values).to(device).reshape(len(inputs), -1)
    forward = torch.compile(network, backend="eager" if small else "inductor")
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=1e-4, fused=True)
    parameters = list(network.parameters())

    def fit(count: int) -> None:
        for step in range(count):
            chosen = slice(step % 4 * batch, (step % 4 + 1) * batch)
            with torch.autocast(device, torch.bfloat16):
                outputs = forward(inputs[chosen])
                loss = functional.cross_entropy(outputs.flatten(0, -2).float(), labels[chosen].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 5.0, foreach=True)
            optimizer.step()

    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    try:
        fit(WARM_UP)
        seconds, peak = timed(device, lambda: fit(steps))
    finally:
        set_up(threads=1)
    return steps * batch / seconds, peak


def training(case: Case, device: str, small: bool, steps: int) -> Line:
    """Return what fine-tuning takes beside the loop by hand, and what half the batch at a time saves."""
    speed, memory = ours(case, device, small, steps)
    limit, least = bare(case, device, small, steps)
    line = {"examples/s": speed, "bare": limit, "/ bare": speed / limit, "GiB": memory, "bare GiB": least}
    if case.name != "ResNet-50":  # Batch normalisation: a batch cannot be split.
        line["GiB in halves"] = ours(case, device, small, WARM_UP, parts=2)[1]
    return line


def serving(case: Case, device: str, small: bool, queries: int) -> Line:
    """Return the latency at batch 1 of the ONNX file, inputs and outputs bound on the device, and of eager torch."""
    model, examples = case.model(device, small).eval(), case.examples(2, small)
    sample = examples.inputs.batch(np.arange(1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_graph(model, examples.inputs, path, optimize=True)
        session = open_session(path, device, threads=1)
        call, outputs = bound(session, sample[0], device)
        nodes = placement(path, device, sample[0].numpy())
    inputs = sample[0].to(device)
    with torch.no_grad():
        expected = model(inputs).units
        served = outputs().reshape(expected.shape)
        eager = median_ms(device, lambda: model(inputs), queries)
    gap = float(np.abs(served - expected.cpu().numpy()).max() / expected.abs().max())
    p50 = median_ms(device, call, queries)
    return {"p50 ms": p50, "eager ms": eager, "/ eager": p50 / eager, "parity": gap, "nodes": nodes}


def bound(session: Any, sample: torch.Tensor, device: str) -> tuple[Callable[[], object], Callable[[], np.ndarray]]:
    """Return a call whose inputs and outputs stay on the device, and what gives the outputs of the last one."""
    import onnxruntime

    binding = session.io_binding()
    value = onnxruntime.OrtValue.ortvalue_from_numpy(sample.numpy(), device, 0)
    binding.bind_ortvalue_input(session.get_inputs()[0].name, value)
    binding.bind_output(session.get_outputs()[0].name, device)

    def outputs() -> np.ndarray:
        session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()[0]

    return lambda: session.run_with_iobinding(binding), outputs


def placement(path: Path, device: str, sample: np.ndarray) -> str:
    """Return how many nodes each execution provider ran: nodes of shapes may well be on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(path.with_name("profile"))
    session = onnxruntime.InferenceSession(
        path, options, providers=list(dict.fromkeys([PROVIDERS[device], PROVIDERS["cpu"]]))
    )
    session.run(None, {session.get_inputs()[0].name: sample})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    nodes = {event["name"]: event["args"]["provider"] for event in events if "provider" in event.get("args", {})}
    counts = collections.Counter(provider.removesuffix("ExecutionProvider") for provider in nodes.values())
    return ", ".join(f"{provider} {count}" for provider, count in sorted(counts.items()))


def median_ms(device: str, call: Callable[[], object], queries: int) -> float:
    for _ in range(WARM_UP):
        call()
    return 1000 * statistics.median(timed(device, call)[0] for _ in range(queries))


def tests() -> str:
    """Run the tests that are marked `gpu`; return the last line of their report."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, encoding="utf-8", check=False)
    print(done.stdout[-4000:] if done.returncode else "", file=sys.stderr)
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-500:]


def attempt(measure: Callable[[], Line]) -> Line:
    """Return a line, or what went wrong: one network must not cost the others theirs."""
    try:
        return measure()
    except Exception as error:  # noqa: BLE001 - device time is scarce: every line that works is wanted
        return {"error": f"{type(error).__name__}: {error}"[:200]}


def show(title: str, lines: Mapping[str, Line]) -> None:
    print(f"\n{title}")
    rows = [{"network": name, **line} for name, line in lines.items()]
    print(tabulate(rows, headers="keys", tablefmt="github", floatfmt=".4g", missingval="-"), flush=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--small", action="store_true", help="tiny networks on the CPU")
    parser.add_argument("--without-tests", action="store_true")
    words = parser.parse_args(arguments)
    device = "cpu" if words.small else "cuda"
    set_up(threads=1)
    place = "CPU" if words.small else torch.cuda.get_device_name()
    print(f"{place}, torch {torch.__version__}; bf16, batch sizes {', '.join(f'{c.name} {c.batch}' for c in CASES)}")
    chosen = [case for case in CASES if case.name in (words.case or [case.name])]
    show("fine-tuning", {c.name: attempt(lambda c=c: training(c, device, words.small, words.steps)) for c in chosen})
    show("serving", {c.name: attempt(lambda c=c: serving(c, device, words.small, words.queries)) for c in chosen})
    if not words.without_tests:
        print(f"\ntests: {tests()}")


if __name__ == "__main__":
    main(sys.argv[1:])
