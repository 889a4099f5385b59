from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from tlbench.assets.readers import cells, conll, embedded, folders, hub, labelled, listed, objects, series, tables
print(sorted({"numpy", "torch", "PIL", "soundfile", "pyarrow", "datasets"} & set(sys.modules)))
"""


def test_what_planning_reads_needs_no_library():
    """They run in `files`, before anything is imported."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_readers_need_no_torch():
    names = ("audio", "features", "idx", "images")
    code = f"import sys, {', '.join(f'tlbench.assets.readers.{name}' for name in names)}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
