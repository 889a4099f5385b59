"""The Python API: run, load, and what both return. The command line uses the same functions."""

from tlbench.api.results import Results, load

__all__ = ["Results", "load"]
