"""The display of a run: a live table on a terminal and in a notebook, else a line for each run that is computed."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec

from tlbench.api.display import Display
from tlbench.api.live import TerminalProgress


def progress(level: int = logging.INFO) -> Display:
    """Return the display of a command, on standard error; `level` is that of `Display`."""
    if level <= logging.INFO and sys.stderr is not None and sys.stderr.isatty():
        return TerminalProgress(level)
    return Display(level)


def session_progress() -> Display:
    """Return the display of a Python session: bars in a terminal and in a notebook; in a script's log only warnings."""
    if _in_notebook():
        # rich draws in a notebook with ipywidgets, and complains with each refresh if they are missing.
        return TerminalProgress() if find_spec("ipywidgets") else Display()
    return progress() if sys.stderr is not None and sys.stderr.isatty() else Display(logging.WARNING)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from rich.console import Console

    return Console().is_jupyter
