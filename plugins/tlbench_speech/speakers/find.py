"""`speaker/NAME`: encoders that were trained to tell speakers apart."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench import CHECKPOINT_KEY, PARTIAL, BackboneFamily, BackboneSpec, Checkpoint, Option, deferred

ORIGINS = Path(__file__).parent.parent / "origins"
WEIGHTS = ("model.safetensors", "pretrained.pt")
GENTLE: Mapping[str, Any] = {
    "batch_size": 32,
    "source.learning_rate": 3e-4,
    "full.learning_rate": 3e-4,
    "all-labels.learning_rate": 3e-4,
}
"""A pre-trained network is moved by small steps; nothing was tuned on any task."""
OPTIONS = (
    Option(name="weights", default="", summary="empty: those of the checkpoint; `random`: random weights"),
    CHECKPOINT_KEY,
    PARTIAL,
    Option(name="max_seconds", default=4.0, summary="maximum length; longer inputs are cut on both sides", unit="s"),
)


def speaker_family() -> BackboneFamily:
    """Return the family."""
    return BackboneFamily(
        name="speaker",
        modality="audio",
        title="Encoders of speakers",
        summary="speaker/resemblyzer (tlbench fetch), a name of `tlbench pretrain -o`, or a folder with "
        f"{' or '.join(WEIGHTS)}.",
        find=find_speaker,
        origins=(ORIGINS / "resemblyzer.toml",),
        requires=("torchaudio",),
        extra="speech",
    )


def find_speaker(name: str) -> BackboneSpec:
    """Return the encoder of a checkpoint. Raises `MissingDataError`."""
    from tlbench.assets import find_checkpoint, is_local_checkpoint

    weights = find_checkpoint(name, {"weights": WEIGHTS}).files["weights"]
    return BackboneSpec(
        name=f"speaker/{weights.parent.resolve().name if is_local_checkpoint(name) else name}",
        modality="audio",
        title="GE2E speaker encoder",
        summary="What an LSTM of three layers says of a mel spectrogram, averaged over parts of 1.6 s.",
        recipe=GENTLE,
        licence="Apache-2.0 (Resemblyzer)",
        options=OPTIONS,
        requires=("torchaudio",),
        extra="speech",
        checkpoint=functools.partial(_checkpoint, name),
        fit=deferred("tlbench_speech.speakers.encoder", "fit"),
        prepare=deferred("tlbench_speech.speakers.encoder", "prepare"),
        preprocess=deferred("tlbench_speech.preprocess"),
        build=deferred("tlbench_speech.speakers.encoder", "build"),
        save=deferred("tlbench_speech.speakers.encoder", "save"),
        augment=deferred("tlbench_speech.speakers.encoder", "augment"),
    )


def _checkpoint(name: str, options: Mapping[str, Any]) -> Checkpoint:
    from tlbench.assets import find_checkpoint

    if options["weights"] == "random":
        return Checkpoint(files={}, origin="random")
    return find_checkpoint(name, {"weights": WEIGHTS})
