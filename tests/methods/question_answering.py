"""Extractive question answering: the span of a context that answers a question."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlbench import BackboneSpec, DomainSpec, KindSpec, Side, Split, TaskData, TaskSpec, hookimpl
from tlbench.learning import Encoder, Numbers, Ragged, Targets, from_statistics

LONGEST = 4
COLOURS = ("red", "blue", "green", "grey", "white", "black")


class BestSpan(Numbers):
    """The span with the largest sum of both scores, among those that end where they start or behind."""

    outputs = "Two numbers for each word: scores of a start and of an end of the answer."
    parts = "words"

    def predict(self, outputs, targets=None):
        return [_best(start, end) for start, end in (example.T for example in outputs.split())]

    def decide(self, outputs):
        return self.predict(outputs)

    def parse(self, text):
        return text.split()

    def describe(self, prediction, example, labels):
        return "from {} to {}".format(*prediction[0])

    def name(self, targets, labels):
        return [self.describe(np.atleast_2d(targets), None, labels)]


def _best(start, end):
    sums = np.add.outer(start, end)
    legal = np.triu(np.ones_like(sums)) * np.tril(np.ones_like(sums), LONGEST - 1) > 0
    return np.stack(np.unravel_index(np.where(legal, sums, -np.inf).argmax(), sums.shape))[None]


class Span:
    """Start and end of the answer, in words; references are the context and the accepted answers."""

    postprocess = BestSpan()
    has_classes = False

    def head(self, features, labels):
        return nn.Linear(features, 2)

    def targets(self, labels, names):
        return Targets(np.array(list(labels), np.int64), np.ones(len(labels), np.int64))

    def classes(self, label):
        return np.zeros(0, np.int64)

    def strata(self, targets):
        return np.zeros(len(targets), np.int64)

    def loss(self, outputs, targets):
        scores = outputs.values.masked_fill(~outputs.mask[..., None], -torch.inf)
        return functional.cross_entropy(scores, targets.values)

    def constant(self, targets, outputs):
        return np.zeros(2)

    def metrics(self, labels):
        return {"token-f1": lambda *both: _answers(*both, 1), "exact-match": lambda *both: _answers(*both, 0)}


def _answers(predictions, targets, column):
    texts = zip(predictions.values, targets.references, strict=True)
    rows = [
        max(_compare(known["words"][start : end + 1], answer.split()) for answer in known["answers"])
        for (start, end), known in texts
    ]
    return from_statistics(np.array([[row[column], 1] for row in rows]), lambda sums: sums[0] / sums[1])


def _compare(found, answer):
    common = sum(min(found.count(word), answer.count(word)) for word in set(found))
    return found == answer, 2 * common / (len(found) + len(answer))


class Reader(Encoder):
    """Word ids `(N, T)`, the first of them the question -> features of each word, of its neighbours and of matches."""

    feature_dim = 32

    def __init__(self, words):
        super().__init__()
        self.embedding = nn.Embedding(words + 2, 8, padding_idx=0)
        self.window = nn.Conv1d(9, self.feature_dim, 5, padding=2)

    def forward(self, ids):
        ids = ids.long()
        match = (ids == ids[:, :1])[..., None].float()
        seen = torch.cat([self.embedding(ids), match], -1).transpose(1, 2)
        return torch.relu(self.window(seen)).transpose(1, 2)

    def units(self, ids):
        return ids > 0


def fit(request):
    return {"words": sorted({word for example in request.inputs for word in example})}


def prepare(request):
    known = {word: place + 2 for place, word in enumerate(request.fitted["words"])}
    return (Ragged.of([[known.get(word, 1) for word in example] for example in request.inputs]),)


def load(request):
    random = np.random.default_rng(0)
    source, target = ((_split(random, 400, names), _split(random, 200, names)) for names in ("abcd", "cdef"))
    return TaskData(source=_side(*source), target=_side(*target))


def _side(train, test):
    return Side(labels=(), train=train, test=test)


def _split(random, size, names):
    """Contexts such as `a: red dark . c: blue .` behind the question `a:`; without its shade an answer is right too."""
    inputs, labels, references = [], [], []
    for _ in range(size):
        keys = random.permutation(list(names))
        asked, words = f"{random.choice(keys)}:", []
        for key in keys:
            value = random.choice(COLOURS, 1).tolist() + ["dark"] * int(random.integers(2))
            if f"{key}:" == asked:
                span = len(words) + 2, len(words) + 1 + len(value)
            words += [f"{key}:", *value, "."]
        words = [asked, *words]
        answer = words[span[0] : span[1] + 1]
        inputs.append(words)
        labels.append(span)
        references.append({"words": words, "answers": [" ".join(answer), answer[0]]})
    return Split(inputs=inputs, labels=labels, references=references)


SPAN = KindSpec(
    name="span",
    summary="The words of a context that answer a question.",
    unit="questions",
    metric="token-f1",
    layout="sequence",
    create=Span,
    traits=(),
)


@hookimpl
def tlbench_domains():
    return [DomainSpec(name="answers", title="Answers", summary="Questions about short generated texts.")]


@hookimpl
def tlbench_tasks():
    return [
        TaskSpec(
            name="answers/colours",
            title="Colours of other things",
            summary="The colour of a named thing, from a list of things, generated.",
            source="400 questions about four things for training, 200 for the test.",
            target="As many about four things, of which two are new.",
            shift="Other things.",
            modality="text",
            backbone="text/reader",
            kind=SPAN,
            metric="token-f1",
            label_budget=24,
            licence="generated",
            load=load,
        )
    ]


@hookimpl
def tlbench_backbones():
    return [
        BackboneSpec(
            name="text/reader",
            modality="text",
            title="Reader",
            summary="One convolution over words and where they repeat the question.",
            layouts=("sequence",),
            recipe={"steps": 60, "learning_rate": 1e-2, "source.steps": 150},
            fit=fit,
            prepare=prepare,
            build=lambda request: Reader(len(request.fitted["words"])),
        )
    ]
