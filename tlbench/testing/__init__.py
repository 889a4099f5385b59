"""Conformance suites for plugins, and the toy that they run on.

    from tlbench.testing import StrategySuite

    class TestL2SP(StrategySuite):
        name = "l2sp"

pytest collects such a class and runs one test for each check; `tlbench check` runs the same checks without pytest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlbench.testing.suites import (
        AnalysisSuite,
        BackboneSuite,
        DomainSuite,
        EstimatorSuite,
        FamilySuite,
        StrategySuite,
        TaskSuite,
    )

__all__ = [
    "AnalysisSuite",
    "BackboneSuite",
    "DomainSuite",
    "EstimatorSuite",
    "FamilySuite",
    "StrategySuite",
    "TaskSuite",
]


def __getattr__(name: str) -> Any:
    # The suites import torch, and the toy's light module, which lies below this package, must not.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("tlbench.testing.suites"), name)
