"""The kind of problem, as a light spec."""

from __future__ import annotations

from tlbench import KindSpec, deferred

ANSWERS = ("different", "same")
"""What can be said of two clips: the labels of both domains, which have other speakers but the same question."""
VERIFICATION = KindSpec(
    name="verification",
    summary="Whether two clips are of one speaker, of whom no clip was trained on; each clip becomes an embedding.",
    unit="clips",
    metric="equal-accuracy",
    layout="pooled",
    create=deferred("tlbench_speech.verification.kind", "Verification"),
    traits=("probe", "embeddings"),
)
