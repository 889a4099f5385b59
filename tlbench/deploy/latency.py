"""Latency and throughput of ONNX files, measured in a process of its own that never imports torch.

    python -m tlbench.deploy.latency JOB.json RESULT.json

Single stream in the words of MLPerf (which this is not): the next query starts when the last has returned. Queries of
each file alternate with those of a small reference model, so that a machine that changes its speed changes both.
"""

from __future__ import annotations

import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench.results.files import write_json

PRECISION = 0.02
"""Calls are timed until the 95 % interval of their median is this near to it on both sides, as a part of it."""
QUERIES, PATIENCE = 500, 1.0
"""Queries that are timed at least, for five are then slower than p99; a slow graph stops after so many seconds."""
FEWEST, MOST, LIMIT = 50, 1000, 10.0
"""Queries without which no graph stops but at the limit in seconds; queries after which every graph stops."""
STEP = 10
"""Calls between two looks at the interval."""
BATCHES, BATCH_SECONDS, BATCH_LIMIT = 5, 0.1, 0.5
"""Large batches that are timed at least, and seconds of them: as settled as the queries, or up to the limit."""
WARM_UP, WARM_UP_SECONDS, WARM_UP_LIMIT = 5, 0.02, 1.0
PARTS = 5
CONTENDED_SPREAD = 0.10
CONTENDED_WAIT = 0.05
CONTENDED_SWITCHES = 50
"""Times a second that the process is taken off its processor: below 20 on an idle machine."""

Call = Callable[[], object]


def main(job: Path, result: Path) -> None:
    """Measure what a job file describes: the arguments of `measure` as JSON."""
    write_json(result, measure(**json.loads(job.read_text(encoding="utf-8")), scratch=result.parent))


def measure(onnx: str, inputs: str, device: str, threads: int, scratch: Path) -> dict[str, Any]:
    """Return the latencies of one ONNX file in ms, and its throughput in examples a second.

    `inputs` is an npz file with the model's inputs `one_0`, ... at batch 1, and `many_0`, ... in a large batch.
    """
    import onnxruntime

    from tlbench.deploy.reference import reference_model
    from tlbench.deploy.session import open_session

    if device == "cuda":
        # The libraries of CUDA lie in packages that torch would load; this process never imports torch.
        onnxruntime.preload_dlls()
    arrays = np.load(inputs, allow_pickle=False)
    session = open_session(Path(onnx), device, threads)
    one = _bind(session, device, [arrays[f"one_{i}"] for i in range(len(session.get_inputs()))])
    many = [arrays[f"many_{i}"] for i in range(len(session.get_inputs()))]
    # Always on the CPU, also beside a model on CUDA: it stands for the speed of the host at that moment.
    reference_session = open_session(reference_model(scratch), "cpu", threads)
    reference = _bind(reference_session, "cpu", [np.ones((1, 1, 32, 32), np.float32)])
    warm_up(one)
    warm_up(reference)
    return {
        **summarise(time_queries(one, reference), wait_counts=device == "cpu" and threads == 1),
        "throughput_per_s": _throughput(_bind(session, device, many), len(many[0])),
        "provider": session.get_providers()[0],
        "optimisation": "ORT_ENABLE_ALL",
        "copies_inside_clock": False,
    }


def _bind(session: Any, device: str, arrays: Sequence[Any]) -> Call:
    """Return a call that runs the session on inputs that lie on the device before the clock starts, as outputs do."""
    from onnxruntime import OrtValue

    binding = session.io_binding()
    inputs = [OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), device, 0) for array in arrays]
    for argument, value in zip(session.get_inputs(), inputs, strict=True):
        binding.bind_ortvalue_input(argument.name, value)
    for output in session.get_outputs():
        binding.bind_output(output.name, device)

    # The inputs are held too: on a CPU they are read where they lie.
    held = (binding, inputs)
    return lambda: session.run_with_iobinding(held[0])


def warm_up(call: Call) -> None:
    """Call until the median of 5 calls differs by at most 5 % from that of the 5 before, for 0.02 to 1 s."""
    last, total = float("inf"), 0
    while total < WARM_UP_LIMIT * 1e9:
        taken = [_timed(call) for _ in range(WARM_UP)]
        now, total = statistics.median(taken), total + sum(taken)
        if abs(now - last) <= 0.05 * now and total >= WARM_UP_SECONDS * 1e9:
            return
        last = now


def _timed(call: Call) -> int:
    """Return the wall time of one call, in ns."""
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def is_settled(taken: Sequence[int]) -> bool:
    """Say whether the median of times is known to `PRECISION`, by its 95 % interval.

    The ends of the interval are order statistics, so that it holds for any distribution (David & Nagaraja 2003, 7.1);
    their ranks are those of the normal approximation to the binomial. Fewer than 6 values have no such interval.
    """
    size = len(taken)
    if size < 6:
        return False
    half = 0.98 * math.sqrt(size)
    ordered, median = sorted(taken), statistics.median(taken)
    low, high = ordered[max(0, math.floor(size / 2 - half))], ordered[min(size - 1, math.ceil(size / 2 + half))]
    return max(high - median, median - low) <= PRECISION * median


@dataclass(frozen=True)
class Timings:
    """Queries of a graph and of the reference model in turn, and what else happened to the process meanwhile."""

    wall: Sequence[int]
    """Of each query of the graph, in ns."""
    reference: Sequence[int]
    """Of each query of the reference model, in ns."""
    seconds: float
    cpu_seconds: float
    """Of all threads of the process."""
    switches: int
    """Times that the process lost its processor to another."""


def time_queries(one: Call, reference: Call) -> Timings:
    """Time both calls in turn until the median of `one` is settled; p99 needs more queries than that.

    A graph so slow that `QUERIES` take longer than `PATIENCE` is timed less often, and its p99 is less certain.
    """
    start, cpu, switches = time.perf_counter(), time.process_time(), _switches()
    wall: list[int] = []
    other: list[int] = []
    while not _enough(wall, (sum(wall) + sum(other)) / 1e9):
        more, beside = _alternate(one, reference, STEP)
        wall += more
        other += beside
    return Timings(wall, other, time.perf_counter() - start, time.process_time() - cpu, _switches() - switches)


def _enough(wall: Sequence[int], seconds: float) -> bool:
    if len(wall) >= MOST or seconds >= LIMIT:
        return True
    return (len(wall) >= QUERIES or (len(wall) >= FEWEST and seconds >= PATIENCE)) and is_settled(wall)


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _alternate(one: Call, reference: Call, queries: int) -> tuple[list[int], list[int]]:
    """Time both calls in turn, A B B A, so that neither always follows the other."""
    wall, other = [], []
    for query in range(queries):
        if query % 2:
            wall.append(_timed(one))
            other.append(_timed(reference))
        else:
            other.append(_timed(reference))
            wall.append(_timed(one))
    return wall, other


def summarise(timings: Timings, wait_counts: bool = True) -> dict[str, Any]:
    """Return percentiles in ms, and whether the machine was busy with something else meanwhile.

    `wait_counts`: the process needs its processor all the time, as one thread does that waits for no device.
    """
    wall, reference = (np.array(taken) / 1e6 for taken in (timings.wall, timings.reference))
    p50, p90, p99 = (float(value) for value in np.percentile(wall, [50, 90, 99]))
    spread = _spread(wall)
    # A machine that changes its speed changes both; a graph of some microseconds has a spread of its own.
    unsteady = min(spread, _spread(reference)) > CONTENDED_SPREAD
    # Medians do not see the rare query, nor the time between two, in which another process has the processor.
    waits = wait_counts and timings.seconds - timings.cpu_seconds > CONTENDED_WAIT * timings.seconds
    displaced = timings.switches > CONTENDED_SWITCHES * timings.seconds
    return {
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "mean_ms": float(wall.mean()),
        "queries": len(wall),
        "round_spread": spread,
        "reference_p50_ms": float(np.median(reference)),
        "p50_ratio": p50 / float(np.median(reference)),
        "contended": bool(unsteady or waits or displaced),
        "raw_ms": [round(float(value), 6) for value in wall],
    }


def _spread(taken: NDArray[np.float64]) -> float:
    """Return (largest - smallest) / median of the medians of five parts, one after the other."""
    medians = [float(np.median(part)) for part in np.array_split(taken, PARTS)]
    return (max(medians) - min(medians)) / float(np.median(medians))


def _throughput(call: Call, size: int) -> float:
    """Return examples per second of a large batch, by the median of its calls."""
    for _ in range(2):
        call()
    taken: list[int] = []
    total, look = 0, BATCHES
    while total < BATCH_LIMIT * 1e9 or len(taken) < BATCHES:
        taken.append(_timed(call))
        total += taken[-1]
        if len(taken) < look or total < BATCH_SECONDS * 1e9:
            continue
        if is_settled(taken):
            break
        # Ever later, so that the cost of looking stays in proportion to the number of calls.
        look = len(taken) * 5 // 4 + 1
    return size / (statistics.median(taken) / 1e9)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
