"""Goal 6: commands that need no torch."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from contest import Line, compete
from process import spend

ROOT = Path(__file__).parents[2]


def command_lines(folder):
    """The commands; `leaderboard` renders the committed rows into a folder of its own."""
    return {
        "--help": ["--help"],
        "list": ["list"],
        "leaderboard": ["leaderboard", "--board", str(folder)],
    }


def loads_torch(words):
    """True where `tlbench WORDS` imports torch."""
    command = [sys.executable, "-X", "importtime", "-m", "tlbench", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return any(line.rpartition("|")[2].strip() == "torch" for line in done.stderr.splitlines())


@pytest.mark.parametrize("name", ["--help", "list", "leaderboard"])
def test_light_command(benchmark, name, tmp_path, say):
    (tmp_path / "rows").symlink_to(ROOT / "leaderboards" / "rows")
    words = command_lines(tmp_path)[name]
    peaks = []

    def once(number):
        spent = spend("-m", "tlbench", *words)
        peaks.append(spent.peak_mib)
        return {"seconds": spent.cpu_seconds}

    seconds = compete(benchmark, {"tlbench": once})["tlbench"]["seconds"]
    peak, torch = statistics.median(peaks), loads_torch(words)
    say(
        Line(
            goal=6,
            what=f"tlbench {name}" + (", which imports torch" if torch else ""),
            measured=f"{seconds:.2f} s, {peak:.0f} MiB",
            wanted="0.25 s, 60 MB",
            reached=seconds <= 0.25 and peak <= 60e6 / 2**20 and not torch,
        )
    )
