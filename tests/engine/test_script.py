"""A plugin that runs itself: its specs are those of the module `__main__`."""

from __future__ import annotations

import os
import subprocess
import sys

PLUGIN = """
import sys

from tlbench import Access, StrategySpec, hookimpl


def adapt(request):
    return request.model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="keep", title="Keep", summary="", access=frozenset(), trains_encoder=False, adapt=adapt
        )
    ]


if __name__ == "__main__":
    from tlbench.engine.runner import run
    from tlbench.planning.catalog import load_catalog
    from tlbench.planning.discovery import PluginCandidate, PluginOrigin
    from tlbench.planning.expand import make_plan
    from tlbench.planning.selection import RunRequest
    from tlbench.planning.settings import Settings
    from tlbench.testing.toy import toy_candidate

    origin = PluginOrigin(entry_point="script", distribution="script", version="1")
    script = PluginCandidate(origin=origin, load=lambda: sys.modules["__main__"])
    catalog, settings = load_catalog(also=[toy_candidate(), script]), Settings()
    request = RunRequest(tasks=["toy/blobs"], strategies=["keep"], seeds=(0,), overrides={"source.steps": 2})
    for row in run(make_plan([request], catalog, settings), catalog, settings).rows:
        print(row.strategy, row.status, row.reason)
"""


def test_a_plugin_that_is_run_as_a_script_ends_as_a_row(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(PLUGIN)
    environment = {**os.environ, "TLBENCH_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "keep ok None" in done.stdout.splitlines()
