"""The Python API: run, load, and what both return. The command line uses the same functions."""

from tlbench.api.results import Results, load
from tlbench.api.running import run

__all__ = ["Results", "load", "run"]
