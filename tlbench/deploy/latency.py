"""Latency and throughput of ONNX files, measured in a process of its own that never imports torch.

    python -m tlbench.deploy.latency JOB.json RESULT.json

Single stream in the words of MLPerf (which this is not): the next query starts when the last has returned. Queries of
each file alternate with those of a small reference model, so that a machine that changes its speed changes both.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.results.files import write_json

QUERIES = 1000
ROUNDS = 5
OFFLINE_SECONDS = 1.0
WARM_UP = 50
WARM_UP_LIMIT = 40
CONTENDED_SPREAD = 0.10
CONTENDED_WAIT = 1.10

Call = Callable[[], object]


def main(job: Path, result: Path) -> None:
    """Measure what a job file describes: the arguments of `measure` as JSON."""
    write_json(result, measure(**json.loads(job.read_text(encoding="utf-8")), scratch=result.parent))


def measure(onnx: str, inputs: str, device: str, threads: int, scratch: Path) -> dict[str, Any]:
    """Return the latencies of one ONNX file in ms, and its throughput in examples a second.

    `inputs` is an npz file with the model's inputs `one_0`, ... at batch 1, and `many_0`, ... in a large batch.
    """
    import onnxruntime

    from tlbench.deploy.session import open_session

    if device == "cuda":
        # The libraries of CUDA lie in packages that torch would load; this process never imports torch.
        onnxruntime.preload_dlls()
    arrays = np.load(inputs, allow_pickle=False)
    session = open_session(Path(onnx), device, threads)
    one = _bind(session, [arrays[f"one_{i}"] for i in range(len(session.get_inputs()))])
    many = [arrays[f"many_{i}"] for i in range(len(session.get_inputs()))]
    # Always on the CPU, also beside a model on CUDA: it stands for the speed of the host at that moment.
    reference_session = open_session(reference_model(scratch), "cpu", threads)
    reference = _bind(reference_session, [np.ones((1, 1, 32, 32), np.float32)])
    warm_up(one)
    warm_up(reference)
    rounds = [_alternate(one, reference, QUERIES // ROUNDS) for _ in range(ROUNDS)]
    return {
        **summarise(rounds),
        "throughput_per_s": _throughput(_bind(session, many), len(many[0])),
        "provider": session.get_providers()[0],
        "optimisation": "ORT_ENABLE_ALL",
        "copies_inside_clock": device == "cuda",
    }


def _bind(session: Any, arrays: Sequence[Any]) -> Call:
    """Return a call that runs the session on inputs that are bound before the clock starts."""
    binding = session.io_binding()
    for argument, array in zip(session.get_inputs(), arrays, strict=True):
        binding.bind_cpu_input(argument.name, np.ascontiguousarray(array))
    for output in session.get_outputs():
        binding.bind_output(output.name)
    return lambda: session.run_with_iobinding(binding)


def warm_up(call: Call) -> None:
    """Call until the median of 50 calls differs by at most 5 % from that of the 50 before, at most 40 times 50."""
    last = float("inf")
    for _ in range(WARM_UP_LIMIT):
        now = statistics.median(_timed(call)[0] for _ in range(WARM_UP))
        if abs(now - last) <= 0.05 * now:
            return
        last = now


def _timed(call: Call) -> tuple[int, int]:
    """Return the wall time and the process's CPU time of one call, in ns."""
    # The wall clock is read last before the call and first after it: the other reading is not in it.
    cpu, start = time.process_time_ns(), time.perf_counter_ns()
    call()
    end = time.perf_counter_ns()
    return end - start, time.process_time_ns() - cpu


def _alternate(one: Call, reference: Call, queries: int) -> dict[str, list[int]]:
    """Time both calls in turn, A B B A, so that neither always follows the other."""
    wall, cpu, other = [], [], []
    for query in range(queries):
        for call in (one, reference) if query % 2 else (reference, one):
            taken, worked = _timed(call)
            if call is one:
                wall.append(taken)
                cpu.append(worked)
            else:
                other.append(taken)
    return {"wall": wall, "cpu": cpu, "reference": other}


def summarise(rounds: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, Any]:
    """Return percentiles in ms of all rounds, and whether the machine was busy with something else meanwhile."""
    wall = np.concatenate([part["wall"] for part in rounds]) / 1e6
    cpu = np.concatenate([part["cpu"] for part in rounds]) / 1e6
    reference = np.concatenate([part["reference"] for part in rounds]) / 1e6
    p50, p90, p99 = (float(value) for value in np.percentile(wall, [50, 90, 99]))
    medians = [float(np.median(part["wall"])) for part in rounds]
    spread = (max(medians) - min(medians)) / float(np.median(medians))
    # Wall time beyond CPU time is waiting for a processor that somebody else has.
    wait = float(np.median(wall) / max(float(np.median(cpu)), 1e-9))
    return {
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "mean_ms": float(wall.mean()),
        "queries": len(wall),
        "round_spread": spread,
        "reference_p50_ms": float(np.median(reference)),
        "p50_ratio": p50 / float(np.median(reference)),
        "contended": bool(spread > CONTENDED_SPREAD or wait > CONTENDED_WAIT),
        "raw_ms": [round(float(value), 6) for value in wall],
    }


def _throughput(call: Call, size: int) -> float:
    """Return examples per second of a large batch, the median of at least 5 calls over about a second."""
    warm_up_calls = 3
    for _ in range(warm_up_calls):
        call()
    taken: list[int] = []
    total = 0
    while len(taken) < 5 or total < OFFLINE_SECONDS * 1e9:
        taken.append(_timed(call)[0])
        total += taken[-1]
    return size / (statistics.median(taken) / 1e9)


def reference_model(folder: Path) -> Path:
    """Write the reference model: three 3x3 convolutions on a 32 x 32 image and a linear layer, fixed weights."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    random = np.random.default_rng(0)
    channels = (1, 16, 32, 32)
    nodes, weights, last = [], [], "image"
    for layer in range(3):
        weight = random.normal(0, 0.1, (channels[layer + 1], channels[layer], 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(weight, f"weight_{layer}"))
        nodes.append(helper.make_node("Conv", [last, f"weight_{layer}"], [f"conv_{layer}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"conv_{layer}"], [f"relu_{layer}"]))
        last = f"relu_{layer}"
    weights.append(numpy_helper.from_array(random.normal(0, 0.1, (32, 10)).astype(np.float32), "weight_out"))
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "weight_out"], ["outputs"]))
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 32, 32])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["batch", 10])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    checker.check_model(model)
    path = folder / "reference.onnx"
    save(model, path)
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
