"""Transcription of sounds by connectionist temporal classification (Graves et al. 2006)."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlbench import BackboneSpec, BadInputError, DomainSpec, KindSpec, Side, Split, TaskData, TaskSpec, hookimpl
from tlbench.learning import Encoder, Numbers, Ragged, Targets, from_statistics

CHARACTERS = ("a", "b", "c", "d")
FRAME = 4


class BestPath(Numbers):
    """The best output of each frame, repetitions taken together, without blanks (output 0)."""

    outputs = "For each frame a number for blank, then one for each character; their softmax gives the probabilities."

    def predict(self, outputs, targets=None):
        return [_collapse(frames.argmax(-1)) for frames in outputs.split()]

    def decide(self, outputs):
        return self.predict(outputs)

    def describe(self, prediction, example, labels):
        return '"' + "".join(labels[int(place)] for place in prediction) + '"'

    def name(self, targets, labels):
        return [self.describe(targets, None, labels)]


def _collapse(path):
    starts = np.diff(path, prepend=-1) != 0
    return path[starts & (path != 0)] - 1


class Transcription:
    """Characters in their order, fewer than frames; a transcript may be empty."""

    postprocess = BestPath()
    has_classes = False

    def head(self, features, labels):
        return nn.Linear(features, 1 + len(labels))

    def targets(self, labels, names):
        if unknown := set("".join(labels)) - set(names):
            raise BadInputError(f"a transcript contains {sorted(unknown)[0]!r}, which `labels` lacks")
        values = [names.index(character) for text in labels for character in text]
        return Targets(np.array(values, np.int64), np.array([len(text) for text in labels], np.int64))

    def classes(self, label):
        return np.zeros(0, np.int64)

    def strata(self, targets):
        return np.zeros(len(targets), np.int64)

    def loss(self, outputs, targets):
        log_probabilities = outputs.values.log_softmax(-1).transpose(0, 1)
        sizes = outputs.counts, targets.counts
        return functional.ctc_loss(log_probabilities, targets.values + 1, *sizes, zero_infinity=True)

    def constant(self, targets, outputs):
        """Return the outputs of the most frequent character: one for the whole sound."""
        return np.append(0, np.bincount(targets, minlength=outputs - 1))

    def metrics(self, labels):
        return {"character-accuracy": character_accuracy}


def character_accuracy(predictions, targets):
    """1 less the character error rate: edits over characters, both summed over the transcripts."""
    pairs = zip(predictions.split(), targets.split(), strict=True)
    counts = np.array([[edits(found.tolist(), wanted.tolist()), len(wanted)] for found, wanted in pairs])
    return from_statistics(counts, lambda sums: 1 - sums[0] / max(1, sums[1]))


def edits(found, wanted):
    row = np.arange(len(wanted) + 1)
    for character in found:
        cost = np.minimum(row[1:] + 1, row[:-1] + (np.array(wanted, int) != character))
        # An insertion costs one more than the cell before it: a running minimum.
        row = np.minimum.accumulate(np.append(row[0] + 1, cost) - np.arange(len(row))) + np.arange(len(row))
    return int(row[-1])


class Frames(Encoder):
    """Samples `(N, S)` -> features `(N, T, 32)` of frames of four samples and their neighbours."""

    feature_dim = 32

    def __init__(self):
        super().__init__()
        # Without a bias, so that padding stays 0.
        self.frames = nn.Conv1d(1, self.feature_dim, FRAME, stride=FRAME, bias=False)
        self.window = nn.Conv1d(self.feature_dim, self.feature_dim, 3, padding=1)

    def forward(self, sound):
        return torch.relu(self.window(torch.relu(self.frames(sound[:, None])))).transpose(1, 2)

    def units(self, sound):
        return functional.max_pool1d(sound.abs()[:, None], FRAME)[:, 0] > 0


def prepare(request):
    # Whole frames alone; a sample of exactly 0 would be taken for padding.
    sounds = [np.asarray(sound, np.float32)[: len(sound) // FRAME * FRAME] for sound in request.inputs]
    return (Ragged.of([np.where(sound == 0, np.float32(1e-6), sound) for sound in sounds], "float32"),)


def load(request):
    random = np.random.default_rng(0)
    tones = random.choice([-1.0, 1.0], (len(CHARACTERS), FRAME)) * np.array([[1.0], [1.5], [2.0], [2.5]])
    source, target = ([_split(random, size, tones * loud) for size in (300, 150)] for loud in (1.0, 0.6))
    return TaskData(source=_side(*source), target=_side(*target), sample_rate=100)


def _side(train, test):
    return Side(labels=CHARACTERS, train=train, test=test)


def _split(random, size, tones):
    """Characters of two or three frames, each behind one or two frames of noise; every tenth transcript is empty."""
    inputs, labels = [], []
    for number in range(size):
        text, frames = "", [np.zeros((2, FRAME))]
        for character in random.integers(len(CHARACTERS), size=0 if number % 10 == 0 else random.integers(1, 5)):
            text += CHARACTERS[character]
            frames += [np.tile(tones[character], (random.integers(2, 4), 1)), np.zeros((random.integers(1, 3), FRAME))]
        sound = np.concatenate(frames)
        inputs.append((sound + random.normal(0, 0.15, sound.shape)).ravel().astype(np.float32))
        labels.append(text)
    return Split(inputs=inputs, labels=labels)


def hear_silence(request, predict):
    """Return for how many of the silent sounds the transcript is empty."""
    test = load(request).target.test
    silent = [sound for sound, text in zip(test.inputs, test.labels, strict=True) if not text]
    return {"silence": float(np.mean([len(found) == 0 for found in predict(silent)]))}


TRANSCRIPTION = KindSpec(
    name="transcription",
    summary="The characters that are spoken, without their places.",
    unit="sounds",
    metric="character-accuracy",
    layout="sequence",
    create=Transcription,
    traits=(),
)


@hookimpl
def tlbench_domains():
    return [DomainSpec(name="beeps", title="Beeps", summary="Short generated sounds that stand for characters.")]


@hookimpl
def tlbench_tasks():
    return [
        TaskSpec(
            name="beeps/quiet",
            title="Loud beeps, then quiet ones",
            summary="Up to four characters in a sound, generated.",
            source="300 loud sounds for training, 150 for the test.",
            target="As many quiet ones.",
            shift="The volume.",
            modality="audio",
            backbone="audio/frames",
            kind=TRANSCRIPTION,
            metric="character-accuracy",
            label_budget=24,
            licence="generated",
            load=load,
            evaluate=hear_silence,
        )
    ]


@hookimpl
def tlbench_backbones():
    return [
        BackboneSpec(
            name="audio/frames",
            modality="audio",
            title="Frames",
            summary="Two convolutions over frames of four samples.",
            layouts=("sequence",),
            recipe={"steps": 60, "learning_rate": 1e-2, "source.steps": 100},
            prepare=prepare,
            build=lambda request: Frames(),
        )
    ]
