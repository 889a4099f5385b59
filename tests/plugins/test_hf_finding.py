from __future__ import annotations

import json
import shutil

import pytest
from fakes.model_hub import COMMIT, Hub, serve
from support import run_python

from tlbench import (
    MissingDataError,
    UsageError,
)
from tlbench_hf.find import find


class TestFinding:
    def test_a_folder_is_shown_by_its_own_name(self, folders, monkeypatch):
        monkeypatch.chdir(folders["bert"].parent)
        assert {find(name).name for name in (str(folders["bert"]), "./bert", "bert")} == {"hf/bert"}
        assert find("./bert").checkpoint({"weights": ""}).origin == "bert"

    def test_pooling_and_language_modelling_follow_the_architecture(self, folders):
        encoder, decoder = find(str(folders["bert"])), find(str(folders["gpt2"]))
        pooling = [next(o.default for o in spec.options if o.name == "pooling") for spec in (encoder, decoder)]
        assert pooling == ["mean", "last"]
        assert (encoder.layouts[-1], decoder.layouts[-1]) == ("masked-token", "next-token")

    def test_speech_is_found_by_the_type_of_the_model(self, folders):
        assert [find(str(folders[name])).modality for name in ("wav2vec2", "hubert", "bert")] == ["audio"] * 2 + [
            "text"
        ]

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ("{}", "has no model_type"),
            ("no json", "is not JSON"),
            ('{"model_type": "t5", "is_encoder_decoder": true}', "encoder-decoder"),
        ],
    )
    def test_what_is_no_encoder_is_refused(self, tmp_path, config, message):
        (tmp_path / "config.json").write_text(config)
        with pytest.raises(UsageError, match=message):
            find(str(tmp_path))

    def test_a_folder_without_a_checkpoint_is_missing_data(self, tmp_path):
        with pytest.raises(MissingDataError, match=r'lacks "config.json"'):
            find(str(tmp_path))

    def test_weights_in_parts_are_all_looked_for(self, folders, tmp_path):
        folder = shutil.copytree(folders["bert"], tmp_path / "parts")
        (folder / "model.safetensors").rename(folder / "model-1.safetensors")
        index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(MissingDataError, match=r'lacks "model-2.safetensors"'):
            find(str(folder)).checkpoint({"weights": ""})
        (folder / "model-2.safetensors").touch()
        assert {"weights", "model-2.safetensors"} <= find(str(folder)).checkpoint({"weights": ""}).files.keys()

    def test_a_plan_needs_no_heavy_library(self, folders):
        code = """
import sys
from tlbench.planning.settings import Settings
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.catalog import load_catalog

plan = make_plan([RunRequest(tasks=["nlp/reviews"], backbones=[sys.argv[1]])], load_catalog(), Settings())
assert plan.pairings[0].weights
print(sorted({"torch", "numpy", "transformers", "tokenizers"} & set(sys.modules)))
"""
        done = run_python(code, f"hf/{folders['bert']}")
        assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_a_model_of_the_hub_is_planned_with_its_revision_and_found_again_offline(folders, tmp_path):
    """In processes of their own, for huggingface_hub reads its variables when it is imported."""
    code = """
import json, sys
from tlbench.planning.settings import Settings
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.catalog import load_catalog

run_request = RunRequest(tasks=["nlp/reviews"], backbones=["hf/tiny/gpt"])
pairing = make_plan([run_request], load_catalog(), Settings()).pairings[0]
fields = pairing.row_fields(Settings())
print(json.dumps([fields["backbone"], fields["weights"], fields["weights_sha256"], fields["source_mode"]]))
"""
    files = {path.name: path.read_bytes() for path in folders["gpt2"].iterdir()}
    variables = {"HF_HOME": str(tmp_path), "HF_HUB_ETAG_TIMEOUT": "5", "TLBENCH_CACHE": str(tmp_path / "cache")}
    with serve(Hub("tiny/gpt", files)) as hub:
        online = run_python(code, HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="0", **variables)
    assert online.returncode == 0, online.stderr
    offline = run_python(code, HF_HUB_OFFLINE="1", **variables)
    assert offline.stdout == online.stdout
    backbone, weights, sha256, mode = json.loads(online.stdout)
    assert (backbone, weights, mode) == ("hf/tiny/gpt", f"tiny/gpt@{COMMIT}", "finetune")
    assert sha256


def test_show_knows_a_checkpoint_by_its_folder(folders, catalog):
    from tlbench.cli.spec_cards import spec_cards

    (card,) = spec_cards(catalog, f"hf/{folders['bert']}")
    assert card["name"] == "hf/bert"
    assert str(folders["bert"].parent) not in json.dumps(card)
