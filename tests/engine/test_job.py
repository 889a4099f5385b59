from __future__ import annotations

from fakes.checkpoints import bert_folder

from tlbench.engine.job import packed, unpacked
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings


def test_a_process_finds_the_checkpoint_in_the_folder_that_was_asked_for(catalog, tmp_path):
    folders = []
    for place in ("one", "two"):  # Of one name, so that they are told apart by their paths alone.
        (tmp_path / place).mkdir()
        folders.append(bert_folder(tmp_path / place / "bert"))
    backbones = [f"hf/{folder}" for folder in folders]
    request = RunRequest(
        tasks=["nlp/reviews"], backbones=backbones, strategies=["constant"], seeds=(0,), references=["none"]
    )
    for pairing, folder in zip(make_plan([request], catalog, Settings()).pairings, folders, strict=True):
        read = unpacked(packed(pairing), catalog)
        assert (read.backbone.name, read.files) == ("hf/bert", pairing.files)
        assert read.backbone.checkpoint({"weights": ""}).files["config"] == folder / "config.json"
