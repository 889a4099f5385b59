"""The tasks of verification, as light specs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import LoadRequest, Option, TaskSpec, deferred
from tlbench_speech.verification.kind_spec import VERIFICATION


def _published_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench_speech.verification.published import files

    return files(request)


def _speaker_pairs() -> TaskSpec:
    where = "folder with utterances.csv and audio/ (default: TLBENCH_DATA/speaker_id)"
    return TaskSpec(
        name="speech/speaker-pairs",
        title="Pairs of speakers, clean to telephone",
        summary="Whether two clips of two seconds are of one speaker, of whom no clip was trained on; real voices.",
        source="Clean recordings: 60 of six speakers for training, 40 of four others for testing (780 pairs).",
        target="Simulated telephone with babble: 48 clips of the six for training, 32 of the four to test (496 pairs).",
        shift="Narrow band, companding and noise; the question stays the same, with the same speakers held out.",
        mirrors="VoxCeleb1 (Nagrani et al. 2017), verification across channels",
        modality="audio",
        kind=VERIFICATION,
        metric="equal-accuracy",
        backbone="audio/logmel-cnn",
        label_budget=24,
        augment=("noise", "time-mask", "frequency-mask"),
        augment_strength="none",
        licence="speechocean762: free for commercial and non-commercial use (dataset card: Apache-2.0)",
        data_from="data-root",
        requires=("soundfile",),
        extra="speech",
        options=(
            Option(name="source", default="", summary=f"{where}, clean recordings"),
            Option(name="target", default="", summary=f"{where}, recordings by telephone"),
        ),
        files=_published_files,
        load=deferred("tlbench_speech.verification.published", "load"),
        reader=deferred("tlbench.assets", "sound_reader"),
    )


def _speaker_folder() -> TaskSpec:
    return TaskSpec(
        name="speech/speaker-folder",
        title="Your own recordings of speakers, in pairs",
        summary="A folder of sound files with one subfolder for each speaker: are two clips of one speaker?",
        source="The folder in task.source, if there is one.",
        target="The folder in task.target.",
        shift="Any difference between the two; the question stays the same.",
        modality="audio",
        kind=VERIFICATION,
        metric="equal-accuracy",
        backbone="audio/logmel-cnn",
        label_budget=40,
        augment=("noise", "time-mask", "frequency-mask"),
        augment_strength="none",
        data_from="user",
        requires=("soundfile",),
        extra="speech",
        options=(
            Option(name="source", default="", summary="the same as target. Empty: no source domain"),
            Option(
                name="target",
                default="",
                summary="folder ROOT/SPEAKER/FILE.wav, or FLAC, Ogg, MP3 or AIFF; its splits are train/ and test/ with "
                "other speakers, else a fifth of the speakers is held out; or table with the columns file and label",
            ),
            Option(
                name="trials",
                default="",
                summary="list of the pairs that are compared: table with the columns first, second (files) and same "
                "(0 or 1), or .txt as VoxCeleb has it. Empty: all pairs of test clips",
            ),
            Option(
                name="time",
                default="",
                summary="column of times in a table, numbers or ISO dates; the latest speakers, with about a fifth of "
                "the clips, are the test split (optional)",
            ),
        ),
        files=deferred("tlbench_speech.verification.own", "files"),
        load=deferred("tlbench_speech.verification.own", "load"),
        labels=deferred("tlbench_speech.verification.own", "labels"),
        reader=deferred("tlbench.assets", "sound_reader"),
    )


def verification_tasks() -> list[TaskSpec]:
    """Return the tasks that compare pairs of clips."""
    return [_speaker_pairs(), _speaker_folder()]
