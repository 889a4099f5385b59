"""Ordinal classification: labels in an order, by the distance of cumulative probabilities (Hou et al. 2016)."""

import numpy as np
from torch.nn import functional

from tlbench import REGRESSION, KindSpec, Side, Split, TaskData, TaskSpec, hookimpl
from tlbench.learning import Classification, accuracy, from_statistics

STARS = ("1", "2", "3", "4", "5")


class Ordinal(Classification):
    """One of several labels in an order; a miss costs as much as it is far."""

    def loss(self, outputs, targets):
        """Return the squared distance of the cumulative distributions, summed over the labels."""
        wanted = functional.one_hot(targets.values, outputs.units.shape[-1])
        gaps = (outputs.units.softmax(-1) - wanted).cumsum(-1)
        return gaps.square().sum(-1).mean()

    def metrics(self, labels):
        return {"nearness": lambda *both: nearness(*both, len(labels) - 1), "accuracy": accuracy}


def nearness(predictions, targets, farthest):
    """Return 1 less the mean distance of the best label, as a part of the largest possible one."""
    distance = np.abs(predictions.values.argmax(-1) - targets.values) / farthest
    statistics = np.stack([distance, np.ones(len(distance))], 1)
    return from_statistics(statistics, lambda sums: 1 - sums[0] / sums[1])


def rated(request):
    """Return ratings as labels."""
    return _data(STARS, lambda liked: np.digitize(liked, [-2, -0.7, 0.7, 2]))


def liked(request):
    """Return the numbers behind the ratings."""
    return _data(("liked",), lambda liked: liked[:, None])


def _data(labels, answer):
    random = np.random.default_rng(0)
    taste = random.normal(size=6)

    def split(size, mood):
        traits = random.normal(mood, 1, (size, 6))
        liked = (traits - mood) @ taste + random.normal(0, 0.3, size)
        return Split(inputs=traits.astype(np.float32), labels=answer(liked))

    sides = [Side(labels=labels, train=split(400, mood), test=split(200, mood)) for mood in (0.0, 0.7)]
    return TaskData(source=sides[0], target=sides[1])


ORDINAL = KindSpec(
    name="ordinal",
    summary="One of several labels in an order.",
    unit="labels",
    metric="nearness",
    layout="pooled",
    create=Ordinal,
    traits=("probe", "class-probabilities"),
)


@hookimpl
def tlbench_tasks():
    common = {
        "summary": "One to five stars, or a number, from six traits of a text, generated.",
        "source": "400 ratings by grumpy people for training, 200 for the test.",
        "target": "As many by cheerful people.",
        "shift": "Cheerful people write differently of the same thing.",
        "modality": "tabular",
        "backbone": "tabular/mlp",
        "label_budget": 40,
        "licence": "generated",
    }
    stars = TaskSpec(name="tabular/stars", title="Stars", kind=ORDINAL, metric="nearness", load=rated, **common)
    number = TaskSpec(name="tabular/liking", title="Liking", kind=REGRESSION, metric="r2", load=liked, **common)
    return [stars, number]
