from __future__ import annotations

from fakes.checkpoints import bert_folder

from tlbench.engine.job import job_of, packed, unpacked, with_distinct_titles
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


def test_jobs_of_the_same_words_are_named_with_what_differs(catalog, plan_of, settings):
    few, many, other = (
        job_of(pairing, catalog, settings)
        for budget, seed in (("5", 0), ("20", 0), ("5", 1))
        for pairing in plan_of(
            catalog,
            tasks=["toy/blobs"],
            strategies=["finetune"],
            seeds=(seed,),
            overrides={"task.label_budget": budget, "finetune.steps": int(budget)},
        ).pairings
    )
    start = "toy/blobs toy/mlp finetune seed"
    assert [job.title for job in with_distinct_titles([few, many, other])] == [
        f"{start} 0 (label_budget=5, steps=5)",
        f"{start} 0 (label_budget=20, steps=20)",
        f"{start} 1",
    ]
