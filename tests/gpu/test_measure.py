"""The script that measures a GPU, with tiny networks on the CPU: scarce device time must not be spent on its faults."""

from __future__ import annotations

import measure


def test_the_script_trains_and_serves_a_network_beside_a_loop_by_hand(capsys):
    measure.main(["--small", "--steps", "2", "--queries", "2", "--case", "BERT-base", "--without-tests"])
    output = capsys.readouterr().out
    assert "error" not in output
    training, serving = (line.split("|") for line in output.splitlines() if line.startswith("| BERT-base"))
    assert float(training[2]) > 0
    assert float(training[3]) > 0
    assert float(serving[5]) < 1e-4
    assert "CPU" in serving[6]
