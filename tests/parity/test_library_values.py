"""What libraries say of fixed inputs, stored: no dependency list has them, and ours must agree wherever it runs.

CONTRIBUTING.md says how the libraries are installed: then the stored values are compared with theirs, and

    PYTHONPATH=tests/parity python -P tests/parity/test_library_values.py

prints them, of each library that is there.
"""

from __future__ import annotations

import importlib.util
import types

import library_methods
import numpy as np
import pytest
import torch
from library_inputs import DOMAINS, LABELS, SOURCE, TARGET
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import log_loss

from tlbench.learning import unsupervised
from tlbench_alignment.coral import coral_loss
from tlbench_pretext.simclr import nt_xent

VALUES = {
    "coral": 0.048417536334818614,
    "importance-weighted": -0.5026426087971628,
    "deep-embedded-validation": -0.5650885183799457,
    "nt-xent": 4.232668876647949,
    "dann-loss": 1.7229415031196784,
    "dann-gradient": 0.7607378079408942,
    "mcd": 0.4293889788497,
    "lora-update": 0.2139816426135895,
    "lora-output": 2.4976582783264494,
    "ewc": 4.552714950013471,
    "lwf-gradient": 0.7699813913893095,
    "fixmatch": 0.7388101670640784,
    "prototypes": 0.7138127322203831,
}
"""By skada 0.6.0, lightly 1.6.0, pytorch-adapt 0.0.83, loralib 0.1.2, avalanche-lib 0.6.0 and easyfsl 1.5.0;
FixMatch written out in numpy."""


def probabilities(rows):
    """Two classes by the second column."""
    share = 1 / (1 + np.exp(-1.5 * rows[:, 1]))
    return np.stack([1 - share, share], 1)


def losses(rows, labels):
    return -np.log(probabilities(rows)[np.arange(len(rows)), labels])


class Model(ClassifierMixin, BaseEstimator):
    """A classifier that learns nothing."""

    def fit(self, rows, labels):
        self.classes_ = np.unique(labels)
        return self

    def predict_proba(self, rows, **more):
        return probabilities(rows)

    def score(self, rows, labels, sample_weight=None):
        return 0.0


class Deep(Model):
    """The same as skada takes networks, with the rows themselves as features."""

    module_ = types.SimpleNamespace(layer_name="last")

    def predict_features(self, rows):
        return rows


class Density(BaseEstimator):
    """The Gaussian of unit variance around the mean of the first column."""

    def fit(self, rows):
        self.mean_ = rows[:, 0].mean()
        return self

    def score_samples(self, rows):
        return norm(self.mean_).logpdf(rows[:, 0])


class Domain(BaseEstimator):
    """Says how likely a row is of the target by its first column, in the first of two columns."""

    def fit(self, rows, domains):
        return self

    def predict_proba(self, rows):
        share = 1 / (1 + np.exp(-rows[:, 0]))
        return np.stack([share, 1 - share], 1)


def coral_of_skada():
    from skada.deep.losses import deepcoral_loss

    return float(deepcoral_loss(torch.from_numpy(SOURCE), torch.from_numpy(TARGET)))


def importance_weighted_of_skada():
    from skada.metrics import ImportanceWeightedScorer

    def scoring(model, rows, labels, sample_weight, **more):
        return -log_loss(labels, model.predict_proba(rows), sample_weight=sample_weight)

    scorer = ImportanceWeightedScorer(weight_estimator=Density(), scoring=scoring)
    model = Model().fit(SOURCE, LABELS).set_score_request(sample_weight=True)
    return scorer._score(None, model, *everything())


def deep_embedded_validation_of_skada():
    from skada.metrics import DeepEmbeddedValidation

    scorer = DeepEmbeddedValidation(domain_classifier=Domain(), loss_func=column_of_losses, random_state=0)
    return float(scorer._score(None, Deep(), *everything()))


def column_of_losses(labels, found):
    return -np.log(found[np.arange(len(found)), labels])[:, None]


def everything():
    """Inputs, labels and domains of both; those of the target are not looked at."""
    return np.concatenate([SOURCE, TARGET]), np.concatenate([LABELS, np.zeros(45, int)]), DOMAINS


def nt_xent_of_lightly():
    from lightly.loss import NTXentLoss

    return float(NTXentLoss(temperature=0.5)(*views()))


def views():
    return torch.from_numpy(SOURCE[:20]).float(), torch.from_numpy(SOURCE[20:40]).float()


def our_importance_weighted():
    weights = norm(TARGET[:, 0].mean()).pdf(SOURCE[:, 0]) / norm(SOURCE[:, 0].mean()).pdf(SOURCE[:, 0])
    return unsupervised.importance_weighted(losses(SOURCE, LABELS), weights)


def our_deep_embedded_validation():
    """On the third of the source that skada draws, with the weights N_train / N_target * p / (1 - p)."""
    from sklearn.model_selection import train_test_split

    trained, held, _, labels = train_test_split(SOURCE, LABELS, test_size=0.33, random_state=0)
    weights = len(trained) / len(TARGET) * np.exp(held[:, 0])
    return unsupervised.deep_embedded_validation(losses(held, labels), weights)


OURS = {
    "coral": lambda: float(coral_loss(torch.from_numpy(SOURCE), torch.from_numpy(TARGET))),
    "importance-weighted": our_importance_weighted,
    "deep-embedded-validation": our_deep_embedded_validation,
    "nt-xent": lambda: float(nt_xent(*views(), 0.5)),
}
THEIRS = {
    "coral": ("skada.deep.losses", coral_of_skada),
    "importance-weighted": ("skada.metrics", importance_weighted_of_skada),
    "deep-embedded-validation": ("skada.metrics", deep_embedded_validation_of_skada),
    "nt-xent": ("lightly.loss", nt_xent_of_lightly),
    **library_methods.THEIRS,
}
TOLERANCE = 1e-6
"""Of a value: some libraries, and both of LoRA, compute in float32."""


def close(value):
    return pytest.approx(value, rel=TOLERANCE)


@pytest.mark.parametrize("name", OURS)
def test_ours_is_the_stored_value_of_the_library(name):
    assert OURS[name]() == close(VALUES[name])


@pytest.mark.parametrize("name", library_methods.OURS)
def test_a_step_of_ours_has_the_stored_values_of_the_library(name):
    found = library_methods.OURS[name]()
    assert found == {one: close(VALUES[one]) for one in found}


@pytest.mark.parametrize("name", THEIRS)
def test_the_stored_value_is_that_of_the_library(name):
    module, compute = THEIRS[name]
    for needed in ("skorch", module) if "skada" in module else (module,):
        pytest.importorskip(needed)
    found = as_values(name, compute())
    assert found == {one: close(VALUES[one]) for one in found}


def as_values(name, found):
    """Return values by their names: a function of a single one returns it alone."""
    return found if isinstance(found, dict) else {name: found}


def test_every_stored_value_is_compared():
    ours = {*OURS}.union(*(compute() for compute in library_methods.OURS.values()))
    assert ours == {*VALUES}


if __name__ == "__main__":
    for name, (module, compute) in THEIRS.items():
        if importlib.util.find_spec(module.partition(".")[0]):
            for one, value in as_values(name, compute()).items():
                print(f'    "{one}": {value!r},')
