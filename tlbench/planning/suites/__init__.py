"""Suites: run requests in a TOML file, shipped under a name or written by the user."""

from tlbench.planning.suites.reading import Suite, read_suite, suite_names

__all__ = ["Suite", "read_suite", "suite_names"]
