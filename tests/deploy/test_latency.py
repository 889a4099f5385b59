from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest
from support import run_python

from tlbench.deploy import latency
from tlbench.deploy.latency import CONTENDED_SPREAD, QUERIES, ROUNDS, summarise, warm_up

MS = 10**6


def rounds_of(*medians, cpu_share=1.0, reference=1.0, queries=100):
    """Rounds of equal queries: wall times in ms, CPU time as a part of them."""
    return [
        {
            "wall": [int(median * MS)] * queries,
            "cpu": [int(median * cpu_share * MS)] * queries,
            "reference": [int(reference * MS)] * queries,
        }
        for median in medians
    ]


def test_percentiles_are_those_of_all_queries_in_ms():
    wall = list(range(1 * MS, 1001 * MS, MS))
    found = summarise([{"wall": wall, "cpu": wall, "reference": [2 * MS] * 1000}])
    for name, percent in (("p50_ms", 50), ("p90_ms", 90), ("p99_ms", 99)):
        assert found[name] == pytest.approx(np.percentile(np.arange(1, 1001), percent))
    assert found["mean_ms"] == pytest.approx(500.5)
    assert found["queries"] == 1000
    assert found["raw_ms"] == [float(value) for value in range(1, 1001)]


def test_the_ratio_is_to_the_reference_model_s_median():
    found = summarise(rounds_of(3.0, reference=2.0))
    assert (found["reference_p50_ms"], found["p50_ratio"]) == (2.0, 1.5)


def test_a_quiet_machine_is_not_contended():
    found = summarise(rounds_of(1.0, 1.02, 0.99, 1.01, 1.0))
    assert found["round_spread"] == pytest.approx(0.03)
    assert found["contended"] is False


def test_rounds_that_differ_are_contended():
    found = summarise(rounds_of(1.0, 1.0, 1.0, 1.0, 1.0 + 1.1 * CONTENDED_SPREAD))
    assert found["round_spread"] == pytest.approx(0.11)
    assert found["contended"] is True


def test_waiting_for_the_processor_is_contended_though_the_rounds_agree():
    assert summarise(rounds_of(1.0, 1.0, cpu_share=0.95))["contended"] is False
    assert summarise(rounds_of(1.0, 1.0, cpu_share=0.85))["contended"] is True


def test_a_summary_is_json():
    json.dumps(summarise(rounds_of(1.0, 2.0)), allow_nan=False)


class Clock:
    """Stands for `_timed`: gives the wall times of a list, then repeats its last."""

    def __init__(self, times):
        self.times, self.calls = list(times), 0

    def __call__(self, call):
        self.calls += 1
        return (self.times.pop(0) if len(self.times) > 1 else self.times[0]), 0


def test_warm_up_ends_when_two_medians_agree(monkeypatch):
    clock = Clock([900] * 50 + [300] * 50 + [102] * 50 + [100] * 50 + [1])
    monkeypatch.setattr(latency, "_timed", clock)
    warm_up(lambda: None)
    assert clock.calls == 200


def test_warm_up_gives_up_on_a_machine_that_never_settles(monkeypatch):
    clock = Clock([2**exponent for exponent in range(40, 0, -1) for _ in range(50)])
    monkeypatch.setattr(latency, "_timed", clock)
    warm_up(lambda: None)
    assert clock.calls == latency.WARM_UP * latency.WARM_UP_LIMIT


class Addend(int):
    """A number that counts how often it is added."""

    added = 0

    def __radd__(self, other):
        Addend.added += 1
        return int(other) + int(self)


def test_the_cost_of_throughput_grows_with_the_number_of_calls_and_not_with_its_square(monkeypatch):
    clock = Clock([Addend(MS)])
    monkeypatch.setattr(latency, "_timed", clock)
    assert latency._throughput(lambda: None, 64) == 64_000
    assert clock.calls == 1000
    assert Addend.added == clock.calls


def test_neither_call_always_follows_the_other():
    order = []
    one, reference = lambda: order.append("A"), lambda: order.append("B")
    found = latency._alternate(one, reference, 4)
    assert "".join(order) == "BAABBAAB"
    assert [len(found[name]) for name in ("wall", "cpu", "reference")] == [4, 4, 4]


def test_the_reference_model_is_the_same_bytes_every_time(tmp_path):
    paths = []
    for name in "ab":
        (tmp_path / name).mkdir()
        paths.append(latency.reference_model(tmp_path / name))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    session = onnxruntime.InferenceSession(paths[0], providers=["CPUExecutionProvider"])
    assert session.run(None, {"image": np.ones((1, 1, 32, 32), np.float32)})[0].shape == (1, 10)


def test_a_model_is_measured_in_a_process_without_torch(tmp_path):
    model = latency.reference_model(tmp_path)
    one, many = np.ones((1, 1, 32, 32), np.float32), np.ones((16, 1, 32, 32), np.float32)
    np.savez(tmp_path / "inputs.npz", one_0=one, many_0=many)
    job = {"onnx": str(model), "inputs": str(tmp_path / "inputs.npz"), "device": "cpu", "threads": 1}
    (tmp_path / "job.json").write_text(json.dumps(job))
    (tmp_path / "out").mkdir()
    code = """
import sys
from pathlib import Path
from tlbench.deploy.latency import main

main(Path(sys.argv[1]), Path(sys.argv[2]))
print(sorted({"torch", "transformers", "sklearn"} & set(sys.modules)))
"""
    done = run_python(code, str(tmp_path / "job.json"), str(tmp_path / "out" / "result.json"))
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
    found = json.loads((tmp_path / "out" / "result.json").read_text())
    assert found["queries"] == len(found["raw_ms"]) == QUERIES // ROUNDS * ROUNDS >= 1000
    assert 0 < found["p50_ms"] <= found["p90_ms"] <= found["p99_ms"]
    assert found["throughput_per_s"] > 0
    assert (found["provider"], found["copies_inside_clock"]) == ("CPUExecutionProvider", False)
