from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from support import run_python

from tlbench.deploy import latency
from tlbench.deploy.latency import (
    CONTENDED_SPREAD,
    CONTENDED_SWITCHES,
    CONTENDED_WAIT,
    FEWEST,
    MOST,
    QUERIES,
    Timings,
    is_settled,
    summarise,
    time_queries,
    warm_up,
)
from tlbench.deploy.reference import reference_model

MS = 10**6


def timed(*medians, reference=(1.0,) * 5, waited=0.0, switches=0, queries=100):
    """Timings of parts of equal queries, in ms; `waited` is the part of the time in which the process did not run."""
    wall, other = ([int(median * MS) for median in part for _ in range(queries)] for part in (medians, reference))
    seconds = (sum(wall) + sum(other)) / 1e9
    return Timings(wall, other, seconds, seconds * (1 - waited), switches)


def test_percentiles_are_those_of_all_queries_in_ms():
    wall = list(range(1 * MS, 1001 * MS, MS))
    found = summarise(Timings(wall, [2 * MS] * 1000, 1.0, 1.0, 0))
    for name, percent in (("p50_ms", 50), ("p90_ms", 90), ("p99_ms", 99)):
        assert found[name] == pytest.approx(np.percentile(np.arange(1, 1001), percent))
    assert found["mean_ms"] == pytest.approx(500.5)
    assert found["queries"] == 1000
    assert found["raw_ms"] == [float(value) for value in range(1, 1001)]


def test_the_ratio_is_to_the_reference_model_s_median():
    found = summarise(timed(3.0, reference=[2.0]))
    assert (found["reference_p50_ms"], found["p50_ratio"]) == (2.0, 1.5)


def test_a_quiet_machine_is_not_contended():
    found = summarise(timed(1.0, 1.02, 0.99, 1.01, 1.0))
    assert found["round_spread"] == pytest.approx(0.03)
    assert found["contended"] is False


def test_a_machine_that_changes_its_speed_is_contended_and_a_graph_that_does_is_not():
    medians = (1.0, 1.0, 1.0, 1.0, 1.0 + 1.1 * CONTENDED_SPREAD)
    found = summarise(timed(*medians, reference=medians))
    assert found["round_spread"] == pytest.approx(0.11)
    assert found["contended"] is True
    assert summarise(timed(*medians))["contended"] is False


@pytest.mark.parametrize(("share", "contended"), [(0.5, False), (1.5, True)])
def test_waiting_for_the_processor_is_contended_though_no_query_is_slower(share, contended):
    timings = timed(1.0, 1.0, waited=share * CONTENDED_WAIT)
    assert summarise(timings)["contended"] is contended
    # Several threads, and a thread beside a device, wait for each other.
    assert summarise(timings, wait_counts=False)["contended"] is False


@pytest.mark.parametrize(("share", "contended"), [(0.5, False), (1.5, True)])
def test_losing_the_processor_often_is_contended_whatever_the_number_of_threads(share, contended):
    switches = int(share * CONTENDED_SWITCHES * timed(1.0).seconds)
    assert summarise(timed(1.0, switches=switches), wait_counts=False)["contended"] is contended


def test_a_process_that_shares_its_processor_is_contended():
    """A spinning process on the same processor takes half of the time, mostly between two queries."""
    processor = min(os.sched_getaffinity(0))
    spinner = subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, [{processor}])\nwhile 1: 0"])
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, [processor])
        timings = time_queries(lambda: sum(range(20_000)), lambda: sum(range(10_000)))
    finally:
        os.sched_setaffinity(0, before)
        spinner.kill()
        spinner.wait()
    assert summarise(timings)["contended"] is True


def test_a_summary_is_json():
    json.dumps(summarise(timed(1.0, 2.0)), allow_nan=False)


def test_the_interval_of_a_median_is_of_order_statistics():
    """Of 100 values the 41st and the 61st: P(40 < B < 61) = 0.95 for B of 100 coins."""
    near, far = [1000] * 20, [2000] * 40
    assert is_settled([1, *[0] * 39, *near, 1000, *far[:39]])
    assert not is_settled([1, *[0] * 40, *near, *far[:39]])
    assert not is_settled([1, *[0] * 39, *near, *far])
    assert not is_settled([1000] * 5)


class Clock:
    """Stands for `_timed`: gives the times of a list in ns, then repeats its last."""

    def __init__(self, times):
        self.times, self.calls = list(times), 0

    def __call__(self, call):
        self.calls += 1
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]


def test_warm_up_ends_when_two_medians_agree(monkeypatch):
    clock = Clock([90 * MS] * 5 + [30 * MS] * 5 + [11 * MS] * 5 + [10.5 * MS] * 5 + [1])
    monkeypatch.setattr(latency, "_timed", clock)
    warm_up(lambda: None)
    assert clock.calls == 20


def test_warm_up_of_a_fast_graph_takes_its_time(monkeypatch):
    clock = Clock([int(latency.WARM_UP_SECONDS * 1e9 / 1000)])
    monkeypatch.setattr(latency, "_timed", clock)
    warm_up(lambda: None)
    assert clock.calls == 1000


def test_warm_up_gives_up_on_a_machine_that_never_settles(monkeypatch):
    clock = Clock([taken for _ in range(100) for median in (9, 11) for taken in [median * MS] * 5])
    monkeypatch.setattr(latency, "_timed", clock)
    warm_up(lambda: None)
    assert clock.calls == 100


@pytest.fixture
def query_times(monkeypatch):
    """Lets every query of the graph take the next of these times in ns, and of the reference 0; returns the timings."""

    def measured(times):
        clock, one = Clock(times), object()
        monkeypatch.setattr(latency, "_timed", lambda call: clock(call) if call is one else 0)
        return time_queries(one, None).wall

    return measured


def test_a_fast_graph_has_five_queries_beyond_its_p99(query_times):
    assert len(query_times([MS])) == QUERIES == 500


def test_a_slow_graph_stops_when_its_median_is_settled(query_times):
    assert len(query_times([10 * MS])) == 100
    assert len(query_times([100 * MS])) == FEWEST


def test_a_graph_of_seconds_stops_at_the_limit(query_times):
    assert len(query_times([2000 * MS])) == latency.STEP


def test_a_median_that_does_not_settle_has_more_queries(query_times):
    values = [MS, 2 * MS] * 1000
    assert len(query_times(values)) == MOST


def test_a_median_that_settles_late_has_the_queries_that_it_needs(query_times):
    random = np.random.default_rng(0)
    taken = query_times([int(value) for value in random.normal(MS, 0.22 * MS, 2000)])
    assert QUERIES < len(taken) < MOST
    assert not is_settled(taken[:QUERIES])
    assert is_settled(taken)


class Counted(int):
    """A number that counts how often it is added or compared."""

    used = 0

    def __radd__(self, other):
        Counted.used += 1
        return int(other) + int(self)

    def __lt__(self, other):
        Counted.used += 1
        return int(self) < int(other)


def test_throughput_ends_when_it_is_settled_and_takes_its_time_for_fast_batches(monkeypatch):
    for taken, calls in ((40 * MS, 6), (MS, 100), (MS // 10, 1000), (1000 * MS, 5)):
        clock = Clock([taken])
        monkeypatch.setattr(latency, "_timed", clock)
        assert latency._throughput(lambda: None, 64) == pytest.approx(64e9 / taken)
        assert clock.calls in (calls, calls + 1), taken


@pytest.mark.parametrize("calls", [4_000, 16_000])
def test_the_cost_of_throughput_that_never_settles_grows_with_its_calls_and_not_with_their_square(monkeypatch, calls):
    Counted.used = 0
    unit = latency.BATCH_LIMIT * 1e9 / calls
    clock = Clock([Counted(unit * share) for _ in range(calls) for share in (0.5, 1.5)])
    monkeypatch.setattr(latency, "_timed", clock)
    latency._throughput(lambda: None, 64)
    assert clock.calls == pytest.approx(calls, rel=0.01)
    assert Counted.used < 120 * calls


def test_neither_call_always_follows_the_other():
    order = []
    one, reference = lambda: order.append("A"), lambda: order.append("B")
    wall, other = latency._alternate(one, reference, 4)
    assert "".join(order) == "BAABBAAB"
    assert (len(wall), len(other)) == (4, 4)


def test_the_reference_model_is_the_same_bytes_every_time(tmp_path):
    paths = []
    for name in "ab":
        (tmp_path / name).mkdir()
        paths.append(reference_model(tmp_path / name))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    session = onnxruntime.InferenceSession(paths[0], providers=["CPUExecutionProvider"])
    assert session.run(None, {"image": np.ones((1, 1, 32, 32), np.float32)})[0].shape == (1, 10)


def test_a_model_is_measured_in_a_process_without_torch(tmp_path):
    model = reference_model(tmp_path)
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
    assert FEWEST <= found["queries"] == len(found["raw_ms"]) <= MOST
    assert 0 < found["p50_ms"] <= found["p90_ms"] <= found["p99_ms"]
    assert found["throughput_per_s"] > 0
    assert (found["provider"], found["copies_inside_clock"]) == ("CPUExecutionProvider", False)
