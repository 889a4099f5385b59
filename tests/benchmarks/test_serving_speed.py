"""Goal 8: latency beside a loop written by hand."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
from contest import Line, compared, compete

from tlbench.deploy import latency

QUERIES = 1000


def by_hand(model: Path, reference: Path, inputs: Path, queries: int, seconds: float = 1.0) -> float:
    """Time a model at batch 1 in turn with the reference, then 64 at once for `seconds`; return its median in ms."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    arrays = np.load(inputs)
    one, other = (
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for path in (model, reference)
    )
    feeds = {"input_0": arrays["one_0"]}, {"image": np.ones((1, 1, 32, 32), np.float32)}
    for _ in range(100):
        one.run(None, feeds[0])
        other.run(None, feeds[1])
    taken = []
    for _ in range(queries):
        started = time.perf_counter_ns()
        one.run(None, feeds[0])
        taken.append(time.perf_counter_ns() - started)
        other.run(None, feeds[1])
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        one.run(None, {"input_0": arrays["many_0"]})
    return statistics.median(taken) / 1e6


def measurements(folder, scratch, queries):
    model, inputs = folder / "model.onnx", folder / "latency.npz"

    def ours(number):
        return {"p50": latency.measure(str(model), str(inputs), "cpu", 1, scratch)["p50_ms"]}

    def hand(number):
        return {"p50": by_hand(model, scratch / "reference.onnx", inputs, queries)}

    return {"tlbench": ours, "hand": hand}


def test_latency(benchmark, track, tmp_path, say):
    track.run("source-only", 0)
    found = compete(benchmark, measurements(track.exported("source-only", 0), tmp_path, QUERIES))
    own, hand = found["tlbench"], found["hand"]
    ratio = own["p50"] / hand["p50"]
    say(
        Line(
            goal=8,
            what="p50 of ResNet-18 at batch 1, beside a loop by hand",
            measured=f"{own['p50']:.3f} ms",
            limit=ratio,
            wanted="within 3 %",
            reached=abs(ratio - 1) <= 0.03,
        )
    )
    say(compared(8, "the whole measurement", own["seconds"], limit=(hand["seconds"], 1.20)))
