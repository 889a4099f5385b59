"""Row -> what it says, in groups and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlbench.results.row import Row

GROUPS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "outcome": {
        "status": ("status", ""),
        "stage": ("failed in", ""),
        "reason": ("because", ""),
        "bad_input": ("fault of the user's data", ""),
    },
    "what was asked": {
        "task": ("task", ""),
        "domain": ("domain", ""),
        "backbone": ("backbone", ""),
        "strategy": ("strategy", ""),
        "seed": ("seed", ""),
        "setting": ("setting", ""),
        "source_mode": ("source model", ""),
        "weights": ("weights from", ""),
        "weights_sha256": ("weights sha256", ""),
        "weights_loaded": ("weights loaded", ""),
        "weights_expected": ("weights of the encoder", ""),
        "access": ("the strategy saw", ""),
        "label_budget": ("label budget", ""),
        "budget_unit": ("counted in", ""),
        "budget_rule": ("budget asked for as", ""),
        "selection": ("model picked", ""),
        "baseline": ("a reference", ""),
        "task_options": ("task options", ""),
        "files": ("files of the user's, by content", ""),
        "backbone_options": ("backbone options", ""),
        "source_options": ("source training", ""),
        "strategy_options": ("strategy options", ""),
    },
    "target": {
        "metric": ("metric", ""),
        "score": ("score of the ONNX file", ""),
        "score_low": ("95 % interval from", ""),
        "score_high": ("95 % interval to", ""),
        "test_size": ("test split", "examples"),
        "eager_score": ("score before export", ""),
        "scores": ("all metrics", ""),
        "train_gap": ("score on seen labels, minus test", ""),
        "transfer_gain": ("gain over training from scratch", ""),
        "negative_transfer": ("negative transfer", ""),
        "gap_closed": ("gap to the oracle closed", ""),
        "a_distance": ("proxy A-distance of the sides", "of 2"),
    },
    "source": {
        "source_metric": ("metric", ""),
        "source_test_size": ("test split", "examples"),
        "score_matrix": ("[source, target] before, after", ""),
        "forgetting_head": ("forgetting, source head", ""),
        "forgetting_probe": ("forgetting, linear probe", ""),
        "probe_before": ("probe before", ""),
        "probe_after": ("probe after", ""),
    },
    "served file": {
        "onnx_sha256": ("SHA-256", ""),
        "onnx_bytes": ("size", "bytes"),
        "graph": ("graph", ""),
        "parity": ("relative difference to torch", ""),
        "parity_flips": ("decisions that differ", ""),
        "parameters": ("parameters", ""),
        "trained_parameters": ("changed by adaptation", ""),
    },
    "latency": {
        "p50_ms": ("p50 at batch 1", "ms"),
        "p90_ms": ("p90", "ms"),
        "p99_ms": ("p99", "ms"),
        "mean_ms": ("mean", "ms"),
        "queries": ("measured over", "queries"),
        "round_spread": ("spread of the rounds' p50", "of their median"),
        "reference_p50_ms": ("p50 of the reference model", "ms"),
        "p50_ratio": ("p50 in reference models", ""),
        "throughput_per_s": ("throughput in a large batch", "examples/s"),
        "shapes": ("inputs", ""),
        "offline_shapes": ("inputs of the large batch", ""),
        "provider": ("ran on", ""),
        "optimisation": ("optimisation", ""),
        "copies_inside_clock": ("copies to the device timed too", ""),
        "contended": ("machine was busy: an upper bound", ""),
        "latency": ("all values in latency/", ""),
    },
    "cost": {
        "device": ("device", ""),
        "device_name": ("its name", ""),
        "threads": ("threads", ""),
        "precision": ("precision", ""),
        "seconds": ("CPU seconds", ""),
        "peak_memory_bytes": ("peak memory", "bytes"),
    },
    "provenance": {
        "key": ("key", ""),
        "created": ("created (UTC)", ""),
        "machine": ("machine", ""),
        "plugins": ("plugins", ""),
        "versions": ("versions", ""),
        "commit": ("commit", ""),
        "dirty": ("code differed from it", ""),
        "data_sha256": ("prepared data", ""),
        "schema": ("row layout", ""),
    },
}
"""Group -> field of the row -> what it is called, and the unit of its value."""


def row_sections(row: Row) -> dict[str, dict[str, str]]:
    """Return group -> name -> value in words; what does not apply, or was not reached, is left out."""
    sections = {
        title: {
            name: f"{in_words(getattr(row, field), grouped=True)} {unit}" if unit else in_words(getattr(row, field))
            for field, (name, unit) in fields.items()
            if getattr(row, field) not in (None, (), {})
        }
        for title, fields in GROUPS.items()
    }
    return {title: facts for title, facts in sections.items() if facts}


def in_words(value: Any, grouped: bool = False) -> str:
    """Return a value of a row as a person would write it; `grouped` sets the thousands of whole numbers apart."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if grouped else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(part)}" for name, part in value.items())
    if isinstance(value, tuple):
        nested = any(isinstance(part, tuple) for part in value)
        return ", ".join(f"[{in_words(part)}]" if nested else in_words(part) for part in value)
    return "-" if value is None else str(value)
