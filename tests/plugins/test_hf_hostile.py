"""Configurations and tokenizers that make no sense, or that ask for more than a machine has."""

from __future__ import annotations

import json
import shutil

import pytest
from fakes.hf_backbones import TEXTS, Made

from tlbench import BadInputError
from tlbench_hf.find import find


@pytest.fixture
def changed(folders, tmp_path):
    """Copies a checkpoint of BERT, with other values in one of its files."""

    def change(name, **values):
        folder = shutil.copytree(folders["bert"], tmp_path / "changed")
        content = json.loads((folder / name).read_text()) | values
        (folder / name).write_text(json.dumps(content))
        return folder

    return change


@pytest.mark.parametrize(
    ("key", "value"), [("model_type", ["bert"]), ("architectures", 3), ("max_position_embeddings", "many")]
)
def test_a_field_of_another_type_is_named(changed, key, value):
    with pytest.raises(BadInputError, match=f"{key}=.*expected"):
        find(str(changed("config.json", **{key: value})))


def test_a_configuration_that_is_nested_deep_is_a_sentence(tmp_path):
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(BadInputError, match="is not JSON"):
        find(str(tmp_path))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"num_hidden_layers": 10**7}, r"num_hidden_layers.* has 10,000,000 layers; the limit is"),
        ({"vocab_size": 10**10}, r"config.json.* parameters; the limit is"),
        ({"intermediate_size": 10**12}, r"config.json.* parameters; the limit is"),
        ({"hidden_size": "8"}, r"config.json.* is invalid .*hidden_size"),
        ({"num_attention_heads": 0}, r"config.json.* describes no model that can be built"),
    ],
)
def test_a_model_that_is_too_large_or_impossible_is_not_built(changed, values, sentence):
    with pytest.raises(BadInputError, match=sentence):
        Made(changed("config.json", **values), TEXTS).model()


def test_a_pattern_that_backtracks_too_long_is_a_sentence(changed):
    rule = {"type": "Split", "pattern": {"Regex": "(x+x+)+y"}, "behavior": "Removed", "invert": False}
    with pytest.raises(BadInputError, match=r"tokenizer failed.*retry-limit"):
        Made(changed("tokenizer.json", pre_tokenizer=rule), ["x" * 4000])
