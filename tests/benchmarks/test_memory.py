"""Goal 9: peak memory of a fine-tune cell in a process of its own."""

from __future__ import annotations

import statistics

import numpy as np
from contest import compared, compete
from process import alone

from tlbench.results.files import remove


def test_memory(benchmark, track, bench_site, tmp_path, say):
    train, test = track.split("target-train"), track.split("target-test")
    for name, part in zip(("train", "labels", "test", "truth"), (*train, *test), strict=True):
        np.save(tmp_path / f"{name}.npy", part.numpy())
    cache, board = str(track.settings.cache), str(track.settings.board)

    def ours(number):
        for stage in ("adapt", "score", "export"):
            remove(track.settings.cache / stage)
        return {"peak": alone(bench_site, "row", cache, board).peak_mib}

    def lean(number):
        return {"peak": alone(bench_site, "fine_tune", str(tmp_path), "full").peak_mib}

    found = compete(benchmark, {"tlbench": ours, "limit": lean}, rounds=3)
    own, best = found["tlbench"]["peak"], found["limit"]["peak"]
    say(compared(9, "peak memory of a fine-tune row", own, "MiB", limit=(best, 1.10)))
    imports = statistics.median(alone(bench_site, "imports").peak_mib for _ in range(3))
    say(compared(9, "of it: torch, ONNX Runtime, onnxscript, scikit-learn loaded", imports, "MiB", limit=(best, None)))
