"""Small checkpoints of transformers, read as backbones."""

from __future__ import annotations

import json
import random

import numpy as np

from fakes.checkpoints import WORDS
from tlbench import BuildRequest, FitRequest, PrepareRequest, SaveRequest
from tlbench_hf.find import find

MANY = [" ".join(random.Random(number).choices(WORDS, k=8)) for number in range(80)]
TEXTS = ["the plot is good", "a dull ending", "it was not very sharp but the hero is moving", "bad"]


def clips(seed=0):
    draw = np.random.default_rng(seed)
    return [(0.1 * draw.standard_normal(size)).astype(np.float32) for size in (900, 4000, 2500, 30)]


class Made:
    """A backbone on the way from raw examples to an encoder."""

    def __init__(self, name, inputs, layout="pooled", rate=None, **options):
        self.spec = find(str(name))
        self.options = {option.name: option.default for option in self.spec.options} | options
        self.files = self.spec.checkpoint(self.options).files
        fitting = FitRequest(inputs=inputs, options=self.options, sample_rate=rate, layout=layout, files=self.files)
        self.fitted = json.loads(json.dumps(self.spec.fit(fitting)))
        self.layout = layout
        self.columns = self.prepare(inputs)

    def prepare(self, inputs):
        asked = PrepareRequest(
            inputs=inputs, fitted=self.fitted, layout=self.layout, options=self.options, files=self.files
        )
        return self.spec.prepare(asked)

    @property
    def request(self):
        return BuildRequest(fitted=self.fitted, layout=self.layout, options=self.options, files=self.files)

    def model(self, outputs=3):
        """A model with a new head."""
        import torch

        from tlbench.learning.model import TransferModel

        torch.manual_seed(0)
        encoder = self.spec.build(self.request)
        return TransferModel(encoder, {"target": torch.nn.Linear(encoder.feature_dim, outputs)}).eval()

    def save(self, folder):
        """Write a model to a folder, as `tlbench pretrain` does."""
        model = self.model()
        self.spec.save(
            SaveRequest(
                encoder=model.encoder,
                head=model.heads["target"],
                fitted=self.fitted,
                layout=self.layout,
                options=self.options,
                files=self.files,
                folder=folder,
            )
        )

    def inputs(self):
        from tlbench.learning.data import Inputs

        return Inputs(self.columns[:-1] if self.layout.endswith("-token") else self.columns)

    def features(self):
        from tlbench.learning.model import encode

        return encode(self.model(), self.inputs())


def the_library_s(folder, auto="AutoModel"):
    import transformers

    return getattr(transformers, auto).from_pretrained(folder).eval()


def pieces(ragged):
    """Token ids of each text."""
    return [[int(one) - 1 for one in part] for part in ragged.split()]
