"""Every metric beside scikit-learn, seqeval and torchmetrics, on small random test sets full of ties and gaps."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

pytest.importorskip("torchmetrics")
pytest.importorskip("seqeval")

import torch
from library_case import Case
from library_metrics import LIBRARIES, library_scores
from test_metric_vectors import our_score
from torchmetrics.functional.text import perplexity
from vector_cases import TAGS

FLOAT32 = 1e-6
"""torchmetrics divides counts of its classification and segmentation metrics in float32, whatever it is given."""


def one_label(case):
    return len(np.unique(case.targets)) < 2


def unpredicted(case):
    return set(case.decided.tolist()) - set(case.targets.tolist())


def absent(case):
    return case.classes > len({*case.decided.tolist(), *case.targets.tolist()})


def on_an_edge(case):
    places = case.predictions.max(1) * 15
    return (np.abs(places - places.round()) < 1e-9).any()


def invalid(case):
    """Whether an inside tag follows no tag of its type."""
    return any(
        tag[0] == "I" and before[1:] != tag[1:]
        for side in case.words()
        for words in side
        for before, tag in zip(["O", *words], words, strict=False)
    )


def unvaried(case):
    """Whether torchmetrics takes spread or error for none, which it does below 1e-4, or has too few examples."""
    spread, error = case.targets - case.targets.mean(0), case.predictions - case.targets
    return len(case.targets) < 2 or min(np.square(of).sum(0).min() for of in (spread, error)) < 1e-3


def background(case):
    return not (np.any(case.targets) or np.any(case.predictions))


def always(case):
    return True


DIFFER = {
    "scikit-learn precision_score(average='macro', labels=range(C))": absent,
    "scikit-learn recall_score(average='macro', labels=range(C))": absent,
    "scikit-learn f1_score(average='macro', labels=range(C))": absent,
    "torchmetrics multiclass_accuracy(average='macro')": unpredicted,
    "torchmetrics multiclass_calibration_error(n_bins=15)": on_an_edge,
    "scikit-learn log_loss": lambda case: (np.take_along_axis(case.predictions, case.targets[:, None], 1) == 0).any(),
    "torch nll_loss": lambda case: (np.take_along_axis(case.predictions, case.targets[:, None], 1) == 0).any(),
    "scikit-learn average_precision_score": one_label,
    "torchmetrics binary_average_precision": one_label,
    "scikit-learn auc(precision_recall_curve), by trapezoids": always,
    "scikit-learn roc_auc_score": one_label,
    "torchmetrics binary_auroc": one_label,
    "seqeval f1_score(mode='strict', scheme=IOB2)": invalid,
    "seqeval precision_score(mode='strict', scheme=IOB2)": invalid,
    "seqeval recall_score(mode='strict', scheme=IOB2)": invalid,
    "scikit-learn average_precision_score(average='macro')": lambda case: not case.targets.any(0).all(),
    "torchmetrics multilabel_average_precision": lambda case: not case.targets.any(0).all(),
    "torchmetrics multilabel_f1_score(average='micro')": lambda case: (case.predictions == 0.5).any(),
    "torchmetrics multilabel_f1_score(average='macro')": lambda case: (case.predictions == 0.5).any(),
    "scikit-learn r2_score": lambda case: (np.ptp(case.targets, axis=0) == 0).any(),
    "torchmetrics r2_score": unvaried,
    "torchmetrics mean_squared_error(squared=False), all numbers together": always,
    "torchmetrics segmentation.mean_iou, mean over images": always,
    "scikit-learn f1_score(average='macro', labels=1..C-1 that occur)": background,
    "torchmetrics segmentation.dice_score(aggregation_level='global')": background,
    "torchmetrics segmentation.dice_score(aggregation_level='samplewise'), mean over images": always,
}
"""Function -> the test sets on which it has another definition or convention; `docs/metrics.md` names each."""


def labelled(random, kind, classes):
    # Twentieths: some confidences lie on the edges of bins, and many tie.
    counts = random.integers(1, 4, random.integers(1, 7))
    parts = random.multinomial(20, np.full(classes, 1 / classes), counts.sum())
    targets = random.integers(random.integers(1, classes + 1), size=counts.sum())
    return Case(kind, parts / 20, targets, tuple("abcd"[:classes]), counts)


def classification(random):
    return labelled(random, "classification", random.integers(2, 5))


def one_class(random):
    """Its metrics are those that `anomaly` has beside those of labels."""
    case = labelled(random, "one-class", 2)
    return Case("one-class", np.round(case.predictions * [0, 40]), case.targets, case.labels, case.counts)


def token_classification(random):
    counts = random.integers(0, 7, random.integers(1, 6))
    sides = [[TAGS[one] for one in random.choice(5, counts.sum(), p=[0.3, 0.2, 0.2, 0.1, 0.2])] for _ in range(2)]
    return Case("token-classification", *sides, TAGS, counts)


def multi_label(random):
    size, labels = random.integers(1, 9), random.integers(2, 4)
    values, targets = random.integers(0, 11, (size, labels)) / 10, random.integers(0, 2, (size, labels))
    return Case("multi-label", values, targets, tuple("abc"[:labels]))


def regression(random):
    size, width = random.integers(1, 9), random.integers(1, 3)
    targets = random.integers(-2, 3, (size, width)) * 1.5
    return Case("regression", targets + random.normal(size=(size, width)).round(1), targets, tuple("ab"[:width]))


def segmentation(random):
    size, labels = random.integers(1, 5), random.integers(2, 5)
    values, targets = random.integers(random.integers(1, labels + 1, 2), size=(size * 6, 2)).T
    return Case("segmentation", values, targets, tuple("abcd"[:labels]), np.full(size, 6))


@pytest.mark.parametrize(
    "drawn",
    [classification, one_class, token_classification, multi_label, regression, segmentation],
    ids=lambda drawn: drawn.__name__,
)
@hypothesis.settings(max_examples=10)
@hypothesis.given(seed=st.integers(0, 2**32 - 1))
def test_metrics_equal_those_of_libraries_also_when_resampled(drawn, seed):
    random = np.random.default_rng(seed)
    case = drawn(random)
    size = len(case.targets) if case.counts is None else len(case.counts)
    weights = random.integers(0, 3, size)
    weights[0] = 1  # A test set has an example.
    case = Case(case.kind, case.predictions, case.targets, case.labels, case.counts, weights)
    vector = {key: value for key, value in vars(case).items() if value is not None}
    for metric in LIBRARIES[case.kind]:
        ours = our_score(vector, metric)
        for library, theirs in library_scores(case, metric).items():
            if not DIFFER.get(library, lambda case: False)(case.resampled()):
                exact = FLOAT32 if library.startswith("torchmetrics") else 1e-9
                assert theirs == pytest.approx(ours, rel=0, abs=exact), (metric, library)


def test_perplexity_equals_torchmetrics_s():
    logits = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    tokens = torch.randint(7, (3, 5), generator=torch.Generator().manual_seed(1))
    logs = logits.log_softmax(2).gather(2, tokens[..., None]).flatten().tolist()
    vector = {"kind": "language-modelling", "predictions": logs, "targets": tokens.flatten().tolist(), "labels": ()}
    theirs = float(perplexity(logits, tokens))
    assert our_score({**vector, "counts": [5, 5, 5]}, "perplexity") == pytest.approx(theirs, rel=1e-9)
    assert our_score({**vector, "counts": [5, 5, 5]}, "log-likelihood") == pytest.approx(-np.log(theirs), rel=1e-9)
