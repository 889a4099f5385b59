"""Detection without anchors: a heat map of centres and a box at every cell, after CenterNet (Zhou et al. 2019)."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlbench import BackboneSpec, BadInputError, DomainSpec, KindSpec, Side, Split, TaskData, TaskSpec, hookimpl
from tlbench.learning import Encoder, Numbers, Targets, from_positions

SIDES = 4
MOST = 5
THRESHOLD = 0.3


class Peaks(Numbers):
    """The cells whose heat is above a threshold and all neighbours': class, probability, left, top, right, bottom."""

    outputs = "For each cell the log-odds of each class's centres, then the distances of a box's sides from the cell."

    def predict(self, outputs, targets=None):
        return [_peaks(example[..., :-SIDES], example[..., -SIDES:]) for example in outputs.values]

    def decide(self, outputs):
        return [boxes[:, 0] for boxes in self.predict(outputs)]

    def describe(self, prediction, example, labels):
        return "  ".join(f"{labels[int(box[0])]} {np.round(box[-SIDES:], 2)}" for box in prediction) or "nothing"

    def name(self, targets, labels):
        return [self.describe(np.reshape(targets, (-1, 1 + SIDES)), None, labels)]


def _peaks(heat, sides):
    heat = 1 / (1 + np.exp(-np.clip(heat, -50, 50)))
    around = np.pad(heat, ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3), (0, 1))
    rows, columns, classes = np.nonzero((heat >= windows.max((-2, -1))) & (heat > THRESHOLD))
    best = np.argsort(-heat[rows, columns, classes], kind="stable")[:MOST]
    rows, columns, classes = rows[best], columns[best], classes[best]
    centre = (np.stack([columns, rows], 1) + 0.5) / [heat.shape[1], heat.shape[0]]
    corners = np.tile(centre, 2) + sides[rows, columns] * [-1, -1, 1, 1]
    return np.column_stack([classes, heat[rows, columns, classes], corners])


class Detection:
    """Boxes `(k, 5)` of an image: class, left, top, right, bottom, as parts of its width and height."""

    postprocess = Peaks()
    has_classes = True

    def head(self, features, labels):
        return nn.Linear(features, len(labels) + SIDES)

    def targets(self, labels, names):
        boxes = [np.reshape(np.asarray(label, np.float32), (-1, 1 + SIDES)) for label in labels]
        values = np.concatenate(boxes)
        if not ((values[:, 0] < len(names)) & (values[:, 1:3] < values[:, 3:]).all(1)).all():
            raise BadInputError("a box has a class without a name, or no area")
        return Targets(values, np.array([len(box) for box in boxes], np.int64))

    def classes(self, label):
        return np.reshape(label, (-1, 1 + SIDES))[:, 0].astype(np.int64)

    def strata(self, targets):
        return targets.counts

    def loss(self, outputs, targets):
        values, boxes = outputs.values, targets.values
        heat, sides = values[..., :-SIDES], values[..., -SIDES:]
        size = boxes.new_tensor([heat.shape[2], heat.shape[1]])
        cells = ((boxes[:, 1:3] + boxes[:, 3:]) / 2 * size).long().minimum(size.long() - 1)
        images = torch.repeat_interleave(torch.arange(len(targets), device=boxes.device), targets.counts)
        columns, rows = cells.T
        wanted = torch.zeros_like(heat).index_put((images, rows, columns, boxes[:, 0].long()), boxes.new_tensor(1.0))
        centre = (cells + 0.5) / size
        distances = torch.cat([centre - boxes[:, 1:3], boxes[:, 3:] - centre], 1)
        errors = functional.l1_loss(sides[images, rows, columns], distances, reduction="sum")
        return (_focal(heat, wanted) + 5 * errors) / max(1, len(boxes))

    def constant(self, targets, outputs):
        """Return a heat of no box anywhere."""
        return np.array([-5.0] * (outputs - SIDES) + [0.0] * SIDES)

    def metrics(self, labels):
        return {"map-50": lambda *both: mean_average_precision(*both, len(labels))}


def _focal(heat, wanted):
    error = functional.binary_cross_entropy_with_logits(heat, wanted, reduction="none")
    return (error * (heat.sigmoid() - wanted).square()).sum()


def mean_average_precision(predictions, targets, classes):
    """Return the mean over the classes of the area under precision by recall, at an overlap of a half."""
    images = list(zip(predictions.split(), targets.split(), strict=True))
    found = [[_matched(*image, label) for image in images] for label in range(classes)]
    totals = [[int((wanted[:, 0] == label).sum()) for _, wanted in images] for label in range(classes)]

    def score(positions):
        drawn = [
            _area(
                np.concatenate([found[label][place] for place in positions]), sum(totals[label][p] for p in positions)
            )
            for label in range(classes)
        ]
        return np.mean(drawn)

    return from_positions(score, len(images))


def _matched(boxes, wanted, label):
    """Return `(k, 2)`: probability of each box of a class, and whether it is the first on a true one."""
    boxes, wanted = boxes[boxes[:, 0] == label], wanted[wanted[:, 0] == label][:, 1:]
    rows, free = [], np.ones(len(wanted), bool)
    for box in boxes[np.argsort(-boxes[:, 1], kind="stable")]:
        overlap = np.where(free, _overlap(box[2:], wanted), 0)
        hit = overlap.max(initial=0) >= 0.5
        if hit:
            free[overlap.argmax()] = False
        rows.append([box[1], hit])
    return np.reshape(rows, (-1, 2))


def _overlap(box, others):
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = np.clip(sides, 0, None).prod(1)
    return common / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - common)


def _area(found, total):
    hits = found[np.argsort(-found[:, 0], kind="stable"), 1]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best_behind = np.maximum.accumulate(precision[::-1])[::-1]
    return (best_behind * hits).sum() / max(1, total)


class Strided(Encoder):
    """Images `(N, H, W, C)` uint8 -> features `(N, H/4, W/4, 32)` of cells of four by four pixels."""

    feature_dim = 32

    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, self.feature_dim, 3, padding=1),
            nn.ReLU(),
        )

    def forward(self, images):
        return self.layers(images.permute(0, 3, 1, 2) / 255).permute(0, 2, 3, 1)


def load(request):
    random = np.random.default_rng(0)
    source, target = ([_split(random, size, *light) for size in (240, 120)] for light in ((0, 200), (60, 150)))
    return TaskData(source=_side(*source), target=_side(*target))


def _side(train, test):
    return Side(labels=("wide", "tall"), train=train, test=test)


def _split(random, size, ground, light):
    """One or two rectangles in halves of an image of their own; every eighth image is empty."""
    images = ground + random.normal(20, 10, (size, 24, 24, 1)).clip(0)
    labels = []
    for number, image in enumerate(images):
        boxes = []
        for half in random.permutation(2)[: 0 if number % 8 == 0 else random.integers(1, 3)]:
            label = int(random.integers(2))
            width, height = ((8, 4), (4, 8))[label] + random.integers(0, 2, 2)
            left, top = random.integers(0, 24 - width), random.integers(0, 12 - height) + 12 * half
            image[top : top + height, left : left + width] += light
            boxes.append([label, left / 24, top / 24, (left + width) / 24, (top + height) / 24])
        labels.append(boxes)
    return Split(inputs=images.clip(0, 255).astype(np.uint8), labels=labels)


DETECTION = KindSpec(
    name="detection",
    summary="A class and a box for each thing in an image.",
    unit="images",
    metric="map-50",
    layout="cells",
    create=Detection,
    traits=(),
)


@hookimpl
def tlbench_domains():
    return [DomainSpec(name="shapes", title="Shapes", summary="Small generated images.")]


@hookimpl
def tlbench_tasks():
    return [
        TaskSpec(
            name="shapes/rectangles",
            title="Rectangles in the light",
            summary="Bright rectangles on a ground, wide or tall, generated.",
            source="240 images on a dark ground for training, 120 for the test.",
            target="As many on a lighter ground.",
            shift="The contrast.",
            modality="image",
            backbone="image/strided",
            kind=DETECTION,
            metric="map-50",
            label_budget=24,
            licence="generated",
            load=load,
        )
    ]


@hookimpl
def tlbench_backbones():
    return [
        BackboneSpec(
            name="image/strided",
            modality="image",
            title="Three convolutions",
            summary="A map of a quarter of the image's height and width.",
            layouts=("cells",),
            recipe={"steps": 120, "learning_rate": 5e-3, "source.steps": 250},
            fit=lambda request: {"channels": request.inputs[0].shape[2]},
            prepare=lambda request: (np.stack(list(request.inputs)),),
            build=lambda request: Strided(request.fitted["channels"]),
        )
    ]
