"""Whole self-supervised strategies: the weights of a few steps are those of plain loops written from the papers."""

from __future__ import annotations

import numpy as np
import torch
from plain_steps import assert_equal_weights, descend, error, fine_tune, labelled, small_request
from torch import nn

from tlbench.learning import Encoder, Inputs, TokenNumbers
from tlbench_pretext.masked_series import draw_mask
from tlbench_pretext.tapt import mask_tokens, tapt

STEPS, PRETEXT = 3, 6


def test_simclr(case):
    """Chen et al. 2020, algorithm 1: two views of each input, all others of the batch against them."""
    temperature, projection = 0.4, 5

    def plain(request):
        model = request.model
        batches = request.batches(request.target.unlabelled, views=2, augment="strong", aligned=False)
        width = model.encoder.feature_dim
        projector = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, projection))

        def loss(step):
            views = [projector(model.encoder(*view)) for view in next(batches).inputs]
            z = torch.cat(views)
            z = z / z.norm(dim=1, keepdim=True)
            count = len(views[0])
            losses = []
            for i in range(2 * count):
                likeness = torch.exp(z @ z[i] / temperature)
                losses.append(-torch.log(likeness[(i + count) % (2 * count)] / (likeness.sum() - likeness[i])))
            return torch.stack(losses).mean()

        descend([model.encoder, projector], loss, PRETEXT)
        fine_tune(request, model, STEPS)
        return model

    made = case(
        "simclr",
        backbone="toy/mlp",
        steps=STEPS,
        pretext_steps=PRETEXT,
        batch_size=16,
        temperature=temperature,
        projection=projection,
    )
    assert_equal_weights(made.adapted(), made.adapted(plain))


def test_masked_series(case):
    """Zerveas et al. 2021: the squared error of masked values alone, in units of a column's spread."""
    masked, segment = 0.3, 3.0

    def plain(request):
        model, values = request.model, request.target.unlabelled.columns[0].astype(np.float64)
        mean, std = (torch.from_numpy(part).float() for part in (values.mean(0), values.std(0)))
        decoder = nn.Linear(model.encoder.feature_dim, values.shape[1])
        batches = request.batches(request.target.unlabelled, augment="none")

        def loss(step):
            (rows,) = next(batches).inputs
            mask = draw_mask(rows.shape, masked, segment, request.generator)
            given = rows.clone()
            for row, column in mask.nonzero().tolist():
                given[row, column] = mean[column]
            guesses, wanted = decoder(model.encoder(given)), (rows - mean) / std
            return ((guesses[mask] - wanted[mask]) ** 2).mean()

        descend([model.encoder, decoder], loss, PRETEXT)
        fine_tune(request, model, STEPS)
        return model

    made = case(
        "masked-series", backbone="toy/mlp", steps=STEPS, pretext_steps=PRETEXT, masked=masked, segment=segment,
        batch_size=16,
    )  # fmt: skip
    assert_equal_weights(made.adapted(), made.adapted(plain))


class Words(Encoder):
    """States of tokens from themselves and their neighbours on the left; features are their mean."""

    feature_dim = 6
    token_numbers = TokenNumbers(mask=5, special=(0, 5), count=30)

    def __init__(self):
        super().__init__()
        self.embedding, self.layer = nn.Embedding(31, 6), nn.Linear(12, 6)

    def token_states(self, ids):
        rows = self.embedding(ids.long())
        return self.layer(torch.cat([rows, rows.roll(1, 1)], 2)).tanh()

    def forward(self, ids):
        return self.token_states(ids).mean(1)


def test_tapt():
    """Gururangan et al. 2020: masked tokens are told from the states at their places, with the output layer of BERT."""
    texts = Inputs((np.random.default_rng(0).integers(6, 31, (40, 9)).astype(np.int32),))
    parts = {"target.unlabelled": texts, "target.train": labelled(texts.select(np.arange(12)))}

    def request():
        return small_request("tapt", Words(), parts, steps=STEPS, pretext_steps=PRETEXT, masked=0.3)

    def plain(request):
        model = request.model
        output = nn.Sequential(nn.Linear(6, 6), nn.GELU(), nn.LayerNorm(6), nn.Linear(6, 30))
        batches = request.batches(request.target.unlabelled)

        def loss(step):
            ((ids,), *_) = next(batches)
            changed, chosen = mask_tokens(ids, Words.token_numbers, 0.3, request.generator)
            states = model.encoder.token_states(changed)
            places = chosen.nonzero().tolist()
            scores = torch.stack([output(states[text, place]) for text, place in places])
            return error(scores, torch.tensor([int(ids[text, place]) - 1 for text, place in places]))

        descend([model.encoder, output], loss, PRETEXT)
        fine_tune(request, model, STEPS)
        return model

    assert_equal_weights(tapt(request()), plain(request()))
