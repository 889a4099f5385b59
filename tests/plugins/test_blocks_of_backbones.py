"""The blocks of shipped encoders run in the order given; those that are found by name have random weights."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.hf_backbones import TEXTS, Made, clips

from tlbench.learning import Encoder, outside_blocks
from tlbench.testing.bench import Bench
from tlbench.testing.blocks import blocks_run_in_order, wrong_blocks, wrong_order

FOUND = (
    "timm/resnet18",
    "timm/vit_tiny_patch16_224",
    "timm/convnext_atto",
    "cifar/resnet20",
    "spectrogram/test_resnet",
)
LISTED = (
    "image/resnet-small", "image/unet-small", "text/bert-tiny", "text/bert", "text/gpt2", "audio/logmel-cnn",
    "audio/wav2vec2", "series/cnn", "tabular/mlp", "toy/mlp-batchnorm", "words/window",
)  # fmt: skip


@pytest.mark.parametrize("name", [*FOUND, *LISTED])
def test_blocks_run_in_the_order_given(name, catalog, tmp_path):
    options = {"weights": "random"} if name in FOUND else {}
    if name.startswith("timm/"):
        options["size"] = 32 if "vit" in name else 64
    blocks_run_in_order(catalog.backbone(name), Bench(catalog=catalog, folder=tmp_path, options=options))


@pytest.mark.parametrize(
    ("name", "layout", "rate", "first", "last"),
    [
        ("bert", "pooled", None, "model.embeddings", "model.encoder.layer.0"),
        ("bert", "masked-token", None, "model.bert.embeddings", "model.cls.predictions.transform"),
        ("gpt2", "next-token", None, "model.transformer.wte", "model.transformer.ln_f"),
        ("wav2vec2", "pooled", 16000, "model.feature_extractor.conv_layers.0", "model.encoder.layer_norm"),
        ("hubert", "pooled", 16000, "model.feature_extractor.conv_layers.0", "model.encoder.layers.0"),
        ("wavlm", "pooled", 16000, "model.feature_extractor.conv_layers.0", "model.encoder.layer_norm"),
        ("whisper", "pooled", 16000, "model.conv1", "model.layer_norm"),
        ("vit", "pooled", 0, "model.embeddings", "model.layernorm"),
        ("clip", "pooled", 0, "model.vision_model.embeddings", "model.visual_projection"),
        ("swin", "pooled", 0, "model.embeddings", "model.layernorm"),
    ],
)
def test_blocks_of_checkpoints_run_in_the_order_given(folders, name, layout, rate, first, last):
    inputs = [np.zeros((32, 32, 3), np.uint8)] * 2 if rate == 0 else clips() if rate else TEXTS
    made = Made(folders[name], inputs, layout=layout, rate=rate)
    encoder = made.model().encoder
    names = {id(module): module_name for module_name, module in encoder.named_modules()}
    blocks = [names[id(block)] for block in encoder.blocks()]
    assert (blocks[0], blocks[-1]) == (first, last)
    assert not wrong_blocks(encoder)
    assert not wrong_order(encoder, made.inputs().batch([0, 1]))


def test_a_normalisation_that_runs_last_is_the_last_block_wherever_it_is_registered():
    from transformers import OPTConfig, OPTModel

    from tlbench_hf.text import TextEncoder

    small = {"hidden_size": 16, "num_hidden_layers": 1, "ffn_dim": 32, "num_attention_heads": 2}
    encoder = TextEncoder(OPTModel(OPTConfig(**small, word_embed_proj_dim=16)), "pooled", "mean", segments=False)
    assert encoder.blocks()[-1] is encoder.model.decoder.final_layer_norm
    assert isinstance(encoder, Encoder)


def test_a_unet_has_a_block_for_each_scale_and_a_small_resnet_for_each_stage(catalog, tmp_path):
    from tlbench.testing.fitted import in_each_layout

    bench = Bench(catalog=catalog, folder=tmp_path)
    for name, size in (("image/unet-small", 5), ("image/resnet-small", 4)):
        encoder = in_each_layout(catalog.backbone(name), bench)[0].build()
        assert len(encoder.blocks()) == size
        assert outside_blocks(encoder, encoder.blocks()) == []
