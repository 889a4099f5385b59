"""Compute `tlbench/learning/metrics/vectors.json` with other libraries, and by hand; with nothing of tlbench.

python tests/learning/make_vectors.py > vectors.json && mv vectors.json tlbench/learning/metrics/
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from typing import Any

import numpy as np
from library_case import Case
from library_metrics import LIBRARIES, library_scores
from vector_cases import CASES, HAND

SAME = 1e-6
"""torchmetrics counts in float32: what differs by less is the same definition."""


def expected(name: str, case: Case, metric: str) -> dict[str, Any]:
    """Return the value of a metric, who says so, which libraries agree, and what others that bear its name give."""
    found = library_scores(case, metric)
    if metric in HAND.get(name, {}):
        hand, how = HAND[name][metric]
        value, source = float(hand), f"by hand: {how}"
    else:
        source, value = next(iter(found.items()))
        del found[source]
        if value is None:
            raise SystemExit(f'"{name}": {source} has no {metric}; give it by hand.')
    agree = [library for library, other in found.items() if other is not None and abs(other - value) <= SAME]
    return {
        "value": value,
        "source": source,
        "agree": agree,
        "differ": {library: other for library, other in found.items() if library not in agree},
    }


def vector(name: str, case: Case) -> dict[str, Any]:
    """Return one vector: the test set in plain numbers, and every metric of its kind."""
    metrics = {metric: expected(name, case, metric) for metric in LIBRARIES[case.kind]}
    optional = {"counts": case.counts, "weights": case.weights}
    return {
        "name": name,
        "kind": case.kind,
        "labels": list(case.labels),
        "predictions": case.predictions,
        "targets": case.targets,
        **{key: value for key, value in optional.items() if value is not None},
        "expected": metrics,
    }


def text(vectors: list[dict[str, Any]], libraries: dict[str, str]) -> str:
    """Return JSON in which each field, and each metric, has a line."""
    parts = []
    for one in vectors:
        fields = [f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in one.items() if key != "expected"]
        metrics = [f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in one["expected"].items()]
        body = ",\n".join([*fields, '   "expected": {\n' + ",\n".join(metrics) + "\n   }"])
        parts.append("  {\n" + body + "\n  }")
    return f'{{\n "libraries": {json.dumps(libraries)},\n "vectors": [\n' + ",\n".join(parts) + "\n ]\n}\n"


def main() -> None:
    libraries = {
        name: importlib.metadata.version(name) for name in ("scikit-learn", "seqeval", "torchmetrics", "torch")
    }
    vectors = [vector(name, case) for name, case in CASES.items()]
    counts = [len(one["expected"]) for one in vectors]
    print(f"{len(vectors)} test sets, {np.sum(counts)} values", file=sys.stderr)
    sys.stdout.write(text(vectors, libraries))


if __name__ == "__main__":
    main()
