"""A backbone that has vectors of label names, the same without them, and a task whose texts name their labels."""

import zlib

import numpy as np
import torch
from torch import nn

from tlbench import CLASSIFICATION, BackboneSpec, DomainSpec, Side, Split, TaskData, TaskSpec, hookimpl
from tlbench.learning import Encoder, Ragged

BUCKETS = 500


class Bag(Encoder):
    """Ids of words `(N, T)` -> the mean of their embeddings, of unit length, `(N, 24)`."""

    feature_dim = 24

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(BUCKETS, self.feature_dim, padding_idx=0)

    def forward(self, ids):
        return nn.functional.normalize(self.embedding(ids.long()).sum(1), dim=1)


def prepare(request):
    return (_ids(request.inputs),)


def _ids(texts):
    return Ragged.of([[1 + zlib.crc32(word.encode()) % (BUCKETS - 1) for word in text.split()] for text in texts])


def encode_names(request):
    with torch.no_grad():
        return request.encoder(torch.from_numpy(_ids(request.names).take(np.arange(len(request.names))))).numpy()


def load(request):
    random = np.random.default_rng(0)
    sides = [_side(random, names) for names in (("sport", "money"), ("music", "science", "travel", "cooking"))]
    return TaskData(source=sides[0], target=sides[1])


def _side(random, names):
    def split(size):
        labels = random.integers(len(names), size=size)
        words = [random.choice(FILLING, 6).tolist() + [names[label]] * int(random.integers(1, 3)) for label in labels]
        return Split(inputs=[" ".join(random.permutation(text)) for text in words], labels=labels)

    return Side(labels=names, train=split(200), test=split(100))


FILLING = [f"word{number}" for number in range(60)]


@hookimpl
def tlbench_domains():
    return [DomainSpec(name="topics", title="Topics", summary="Short generated texts.")]


@hookimpl
def tlbench_tasks():
    return [
        TaskSpec(
            name="topics/others",
            title="Other topics",
            summary="Texts that name their topic among other words, generated.",
            source="200 texts of two topics for training, 100 for the test.",
            target="As many of four other topics.",
            shift="Other labels.",
            modality="text",
            backbone="text/bag",
            kind=CLASSIFICATION,
            metric="accuracy",
            setting="inductive",
            label_budget=20,
            licence="generated",
            load=load,
        )
    ]


@hookimpl
def tlbench_backbones():
    parts = {
        "modality": "text",
        "summary": "The mean of embeddings of hashed words.",
        "recipe": {"steps": 100, "learning_rate": 1e-2, "source.steps": 30},
        "prepare": prepare,
        "build": lambda request: Bag(),
    }
    return [
        BackboneSpec(name="text/bag", title="Bag of words", encode_labels=encode_names, **parts),
        BackboneSpec(name="text/nameless", title="Bag of words without names", **parts),
    ]
