"""The kind of problem, as a light spec."""

from __future__ import annotations

from tlbench import KindSpec, deferred

TRANSCRIPTION = KindSpec(
    name="transcription",
    summary="What is said in a recording, as characters without their places.",
    unit="clips",
    metric="word-accuracy",
    layout="sequence",
    create=deferred("tlbench_speech.transcripts.kind", "Transcription"),
    requires=("jiwer",),
    extra="speech",
    traits=(),
)
