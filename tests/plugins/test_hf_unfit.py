"""Models that cannot serve as an encoder are named as what they are, with what to use instead."""

from __future__ import annotations

import json
import shutil

import pytest
from fakes.hf_backbones import TEXTS, Made

from tlbench import BadInputError, UsageError
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings
from tlbench_hf.find import find, positions_of


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "bert", "quantization_config": {"quant_method": "gptq"}}, "quantised.*gptq.*original model"),
        ({"model_type": "wavlm", "quantization_config": 4}, "are quantised"),
        ({"model_type": "siglip", "text_config": {}, "vision_config": {}}, "several modalities.*siglip: text, vision"),
        ({"model_type": "convnext", "num_channels": 3}, "model of images.*convnext.*timm/NAME"),
        ({"model_type": "sew", "conv_kernel": [3]}, "model of sound.*sew.*Whisper"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder-decoder"),
    ],
)
def test_a_configuration_of_another_sort_of_model_is_named(tmp_path, config, says):
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=says):
        find(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "adapter_config.json",
            '{"peft_type": "LORA", "base_model_name_or_path": "bert"}',
            "adapter .LORA. for the model 'bert'",
        ),
        ("adapter_config.json", "[" * 10**5, "adapter of PEFT"),
        ("model-q4.gguf", "GGUF", r"GGUF file \(model-q4.gguf\)"),
    ],
)
def test_a_folder_of_something_else_is_named(tmp_path, name, content, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=says):
        find(str(tmp_path))


def test_a_model_of_another_modality_than_the_task_is_named(folders, catalog):
    request = RunRequest(tasks=["nlp/reviews"], backbones=[f"hf/{folders['clip']}"], overrides={"source.mode": "probe"})
    with pytest.raises(UsageError, match=r'Nothing to run: .*"nlp/reviews" has text.*"hf/clip" .* takes image'):
        make_plan([request], catalog, Settings())


def test_a_token_without_an_embedding_is_refused_by_its_number(folders, tmp_path):
    folder = shutil.copytree(folders["bert"], tmp_path / "small")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": 12}))
    with pytest.raises(BadInputError, match="token number 24, but the model has embeddings of 12 tokens"):
        Made(folder, TEXTS)


def test_positions_behind_the_padding_token_are_no_positions_of_a_text():
    assert positions_of({"model_type": "roberta", "max_position_embeddings": 34}) == 32
    assert positions_of({"model_type": "mpnet", "max_position_embeddings": 34, "pad_token_id": 3}) == 30
    assert positions_of({"model_type": "bert", "max_position_embeddings": 34}) == 34
    assert positions_of({"model_type": "gpt2", "n_positions": 8}) == 8
    assert positions_of({"model_type": "llama"}) is None


def test_texts_that_are_cut_because_of_few_positions_are_counted(folders, caplog):
    Made(folders["bert"], [*TEXTS, "good " * 40])
    assert "1 of 5 texts are longer than the 32 positions of the model, and are cut" in caplog.text
