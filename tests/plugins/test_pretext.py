"""Self-supervised training on target inputs: its losses and masks, and what is left without it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.hf_backbones import TEXTS, Made
from support import silent

from tlbench.engine.adaptation import adapt
from tlbench.errors import NotApplicable
from tlbench.learning import TokenNumbers
from tlbench.learning.model import state_hash
from tlbench_pretext.masked_series import draw_mask, statistics
from tlbench_pretext.simclr import nt_xent
from tlbench_pretext.tapt import mask_tokens

SMALL_BERT = {"backbone.vocabulary": 300, "backbone.hidden": 16, "backbone.layers": 1, "backbone.dropout": 0.0}
WHERE = {
    "simclr": {},
    "masked-series": {},
    "tapt": {"task": "toy/names", "backbones": ["text/bert"], "overrides": {**SMALL_BERT, "source.steps": 5}},
}
"""Strategy -> what it is tried on."""


def run_of(strategy: str, **options: int):
    """A run request of a strategy, or of fine-tuning in its place, with options of the strategy."""
    where = WHERE[strategy]
    named = {f"{strategy}.{name}": value for name, value in options.items()}
    return {**where, "overrides": {**where.get("overrides", {}), **named}}


@pytest.mark.parametrize("strategy", WHERE)
def test_without_steps_it_is_fine_tuning(adapted, strategy):
    *_, plain = adapted("finetune", **run_of(strategy))
    *_, same = adapted(strategy, **run_of(strategy, pretext_steps=0))
    assert state_hash(same) == state_hash(plain)


@pytest.mark.parametrize("strategy", WHERE)
def test_the_encoder_learns_from_inputs_alone(adapted, strategy):
    """Without steps of fine-tuning the heads stay as they are, and the encoder moves."""
    *_, source, model = adapted(strategy, **run_of(strategy, steps=0, pretext_steps=5))
    assert state_hash(model.heads["target"]) == state_hash(source.heads["source"])
    assert state_hash(model.encoder) != state_hash(source.encoder)


class TestNTXent:
    @staticmethod
    def views() -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        return [torch.randn(5, 4, generator=generator) for _ in range(2)]

    @pytest.mark.parametrize("temperature", [0.1, 0.5])
    def test_it_is_equation_1_of_the_paper(self, temperature):
        views = torch.cat(self.views()).double().numpy()
        views /= np.linalg.norm(views, axis=1, keepdims=True)
        losses = []
        for i in range(10):
            similar = np.exp(views @ views[i] / temperature)
            losses.append(-np.log(similar[(i + 5) % 10] / (similar.sum() - similar[i])))
        assert float(nt_xent(*self.views(), temperature)) == pytest.approx(np.mean(losses), rel=1e-5)

    def test_it_is_that_of_lightly(self):
        loss = pytest.importorskip("lightly.loss")
        expected = loss.NTXentLoss(temperature=0.5)(*self.views())
        torch.testing.assert_close(nt_xent(*self.views(), 0.5), expected)

    def test_equal_views_of_opposite_inputs_are_told_apart(self):
        """Two inputs at similarity -1: exp(1/T) against exp(1/T) + 2 exp(-1/T)."""
        views = torch.tensor([[1.0, 0.0], [-3.0, 0.0]])
        expected = np.log1p(2 * np.exp(-2 / 0.5))
        assert float(nt_xent(views, views, 0.5)) == pytest.approx(expected, rel=1e-5)


class TestMaskedValues:
    def test_masks_have_the_rate_and_the_mean_length_of_the_options(self):
        mask = draw_mask(torch.Size((200, 3, 400)), 0.15, 3.0, torch.Generator().manual_seed(0))
        starts = (mask[..., 1:] & ~mask[..., :-1]).sum() + mask[..., 0].sum()
        assert float(mask.float().mean()) == pytest.approx(0.15, abs=0.005)
        assert float(mask.sum() / starts) == pytest.approx(3.0, abs=0.1)

    @pytest.mark.parametrize("rate", [0.8, 0.99])
    def test_a_high_rate_is_reached_by_longer_segments(self, rate):
        mask = draw_mask(torch.Size((200, 3, 400)), rate, 3.0, torch.Generator().manual_seed(0))
        assert float(mask.float().mean()) == pytest.approx(rate, abs=0.005)

    def test_values_of_rows_are_masked_one_by_one(self):
        mask = draw_mask(torch.Size((2000, 20)), 0.3, 3.0, torch.Generator().manual_seed(0))
        assert float(mask.float().mean()) == pytest.approx(0.3, abs=0.01)
        neighbours = np.corrcoef(mask[:, :-1].flatten(), mask[:, 1:].flatten())[0, 1]
        assert abs(neighbours) < 0.02

    def test_channels_are_standardised_and_constants_stay_finite(self):
        random = np.random.default_rng(0)
        values = random.normal(5, [[2.0], [0.5]], (500, 2, 30)).astype(np.float32)
        values[:, 1] = 7.1
        mean, std = statistics(values)
        np.testing.assert_allclose(mean[:, 0], [5, 7.1], rtol=0.02)
        np.testing.assert_allclose(std[:, 0], [2, 1], rtol=0.02)

    def test_inputs_that_are_no_numbers_are_skipped_with_the_reason(self, pairing_of, source_of):
        pairing = pairing_of("toy/names", "masked-series")
        with pytest.raises(NotApplicable, match="int32 of any length"):
            adapt(pairing, *source_of(pairing), silent)


class TestMaskedTokens:
    def test_of_15_percent_80_are_masked_and_10_replaced(self):
        """The rule of Devlin et al. 2019, by counts over 60,000 tokens; special ones and padding are left alone."""
        generator = torch.Generator().manual_seed(0)
        tokens = TokenNumbers(mask=5, special=(0, 2, 3, 5), count=1000)
        ids = torch.randint(6, 1001, (600, 103), dtype=torch.int32, generator=generator)
        ids[:, 0], ids[:, -2], ids[:, -1] = 2, 3, 0
        masked, chosen = mask_tokens(ids, tokens, 0.15, generator)
        kept = torch.isin(ids, torch.tensor(tokens.special))
        assert not (chosen & kept).any()
        assert torch.equal(masked[~chosen], ids[~chosen])
        assert float(chosen[~kept].float().mean()) == pytest.approx(0.15, abs=0.005)
        became, was = masked[chosen], ids[chosen]
        shares = [
            (became == 5).float().mean(),
            ((became != 5) & (became != was)).float().mean(),
            (became == was).float().mean(),
        ]
        assert [float(share) for share in shares] == pytest.approx([0.8, 0.1, 0.1], abs=0.015)
        assert (became.min() >= 1, became.max() <= 1000, masked.dtype) == (True, True, torch.int32)

    def test_a_backbone_without_a_mask_token_is_skipped_with_the_reason(self, pairing_of):
        said = pairing_of("toy/names", "tapt").skip
        assert "a mask token" in said
        assert "words/window" in said

    def test_the_feature_of_a_text_is_the_mean_of_the_states_of_its_tokens(self, folders):
        made = Made(folders["bert"], TEXTS)
        encoder, batch = made.model().encoder, made.inputs().batch(np.arange(len(TEXTS)))
        with torch.no_grad():
            states, features = encoder.token_states(*batch), encoder(*batch)
        for text, state, feature in zip(batch[0], states, features, strict=True):
            torch.testing.assert_close(state[text > 0].mean(0), feature)
        assert (encoder.token_numbers.mask, set(encoder.token_numbers.special)) == (5, {0, 1, 2, 3, 4, 5})
