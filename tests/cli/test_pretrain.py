from __future__ import annotations

import dataclasses
import json
import math
import random
import signal

import pytest
from fakes.checkpoints import WORDS
from support import only, unlock

from tlbench.engine.pretraining import plan_pretraining, pretrain, source_alone, whole_stages
from tlbench.engine.remembered import RememberedHashes, stamp_of
from tlbench.engine.runner import run
from tlbench.engine.store import Store
from tlbench.planning.code import code_of
from tlbench.planning.expand import Pretraining, make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings

SMALL = ("--set", "source.steps=2", "--set", "text/gpt2.hidden=8", "--set", "text/gpt2.vocabulary=300")


@pytest.fixture
def reviews(tmp_path):
    """Snippets of both sides in a folder, and the options that name it."""
    draw = random.Random(0)
    for side in ("movie", "amazon"):
        lines = [f"{i}_1\t{draw.choice((-1, 1))}\t{' '.join(draw.choices(WORDS, k=6))} {i}" for i in range(40)]
        (tmp_path / f"{side}ReviewSnippets_GroundTruth.txt").write_text("\n".join(lines))
    return {"task.source": str(tmp_path), "task.target": str(tmp_path)}


@pytest.fixture
def words(reviews):
    """Returns the words of the command line that pre-train a small GPT-2 on the next token."""

    def made(output, *more):
        places = [word for name, value in reviews.items() for word in ("--set", f"{name}={value}")]
        return ("pretrain", "text/gpt2", "--task", "nlp/lm-vader", "-o", output, *SMALL, *places, *more)

    return made


def test_a_model_is_saved_by_name_in_the_library_s_own_format(tlbench, words, session_cache):
    status, output, errors = tlbench(*words("by-name", "--objective", "clm", "--json"))
    assert status == 0, errors
    folder = session_cache / "models" / "by-name"
    assert json.loads(output)[0]["folder"] == str(folder)
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
    assert all(path.stat().st_mode & 0o044 for path in folder.iterdir())
    card = (folder / "README.md").read_text()
    assert "the source domain of nlp/lm-vader" in card
    assert "steps 2" in card

    from transformers import AutoModelForCausalLM, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(folder)("the plot", return_tensors="pt").input_ids
    assert AutoModelForCausalLM.from_pretrained(folder)(ids).logits.shape[:2] == ids.shape


def test_the_same_training_gives_the_same_files(tlbench, words, tmp_path, monkeypatch):
    for name in ("first", "second"):
        monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / f"cache-{name}"))
        assert tlbench(*words(f"./{name}"))[0] == 0
    for path in (tmp_path / "first").iterdir():
        if path.name != "README.md":
            assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--objective", "clmm"), '"clm"'),
        (("--objective", "mlm"), "masked-token features"),
        (("--task", "vision/digits"), "modality text"),
        (("-o", "a b"), "Invalid model name"),
        (("-o", "./there"), "there"),
        (("--set", "finetune.steps=2"), "Did you mean"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_before_anything_runs(tlbench, words, tmp_path, change, message):
    (tmp_path / "there").mkdir()
    status, _, errors = tlbench(*words("never", *change))
    assert status == 2
    assert message in errors


@pytest.mark.parametrize(
    "words", [("text/gpt2",), ("text/gpt2", "--task", "nlp/lm-vader", "--suite", "checkpoints"), ()]
)
def test_what_is_to_be_made_must_be_said_once(tlbench, words):
    status, _, errors = tlbench("pretrain", *words)
    assert (status, "--suite" in errors) == (2, True)


def test_a_suite_makes_its_checkpoints_once_and_runs_from_them(tlbench, reviews, tmp_path):
    suite = tmp_path / "suite.toml"
    sizes = ", ".join(
        f'"text/gpt2.{name}" = {size}' for name, size in {"hidden": 8, "heads": 2, "vocabulary": 300}.items()
    )
    places = "\n".join(f'"{name}" = "{value}"' for name, value in reviews.items())
    suite.write_text(
        f'seeds = [0]\nstrategies = ["frozen"]\n[[pretrain]]\nname = "of-suite"\nbackbone = "text/gpt2"\n'
        f'task = "nlp/lm-vader"\nobjective = "clm"\nset = {{ {sizes}, "source.steps" = 2 }}\n'
        f'[[runs]]\ntasks = ["nlp/sentiment-vader"]\nbackbones = ["hf/of-suite"]\n[runs.set]\n{places}\n'
    )
    more = [word for name, value in reviews.items() for word in ("--set", f"{name}={value}")]
    status, _, errors = tlbench("run", "--suite", str(suite), "--dry-run")
    assert (status, f'"of-suite". Train them first: tlbench pretrain --suite {suite}' in errors) == (2, True)
    assert tlbench("pretrain", "--suite", str(suite), *more)[0] == 0
    assert "All checkpoints" in tlbench("pretrain", "--suite", str(suite), *more)[1]
    status, output, _ = tlbench("run", "--suite", str(suite), "--dry-run", "--json")
    assert (status, {line["backbone"] for line in json.loads(output)}) == (0, {"hf/of-suite"})


def test_a_backbone_that_cannot_be_saved_is_refused(tlbench):
    status, _, errors = tlbench("pretrain", "toy/mlp", "--task", "toy/blobs", "-o", "never")
    assert (status, "cannot be saved" in errors) == (2, True)


def test_the_target_is_not_read(pairing_of, settings):
    pairing = pairing_of("toy/blobs")
    data = source_alone(pairing.task, None).load(pairing.load_request)
    assert data.target.train is data.target.test is data.source.test


def test_the_code_that_reads_the_source_still_counts(catalog):
    task = catalog.task("toy/blobs")
    assert code_of(task.load).definitions.keys() <= code_of(source_alone(task, None).load).definitions.keys()


def test_what_a_remembered_hash_takes_for_whole_is_read_before_a_model_is_saved(blobs, settings, monkeypatch):
    """As where a disk fails: the file's times say that nothing has changed."""
    monkeypatch.setattr("tlbench.engine.remembered.LARGE", 0)
    before = whole_stages(blobs, settings, Store(root=settings.cache, notify=print))
    (weights,) = before["source"].folder.glob("*.safetensors")
    content, sha256 = weights.read_bytes(), before["source"].files[weights.name]
    (unlock(weights.parent) / weights.name).write_bytes(content[:-1] + b"x")
    memory = RememberedHashes.read(settings.cache / "checked.json")
    memory.entries[str(weights.relative_to(settings.cache))] = [*stamp_of(weights), sha256]
    memory.changed = True
    memory.write()
    with pytest.warns(UserWarning, match=f"damaged files: {weights.name}"):
        whole_stages(blobs, settings, Store(root=settings.cache, notify=print))
    assert weights.read_bytes() == content


@pytest.fixture
def interruptible():
    """Ctrl-C is not ignored, as it is in a background job of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_one_leaves_nothing(catalog, settings, reviews, tmp_path):
    def stopped(request):
        (request.folder / "config.json").write_text("{")
        raise KeyboardInterrupt

    overrides = {**reviews, "source.steps": 1, "text/gpt2.hidden": 8, "text/gpt2.vocabulary": 300}
    pairing = plan_pretraining(
        Pretraining(name="never", backbone="text/gpt2", task="nlp/lm-vader", objective="clm", overrides=overrides),
        catalog,
        settings,
    )
    pairing = dataclasses.replace(pairing, backbone=dataclasses.replace(pairing.backbone, save=stopped))
    with pytest.raises(KeyboardInterrupt):
        pretrain(pairing, settings, lambda event: None, tmp_path / "models" / "stopped")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_language_model_forgets_its_source_as_its_loss_grows(
    tlbench, words, reviews, catalog, session_cache, tmp_path
):
    assert tlbench(*words("for-forgetting", "--set", "source.steps=30"))[0] == 0
    settings = Settings(cache=session_cache, board=tmp_path / "board", data_root=None)
    overrides = {**reviews, "source.mode": "own-head", "task.label_budget": 12}
    overrides |= {f"{name}.steps": 20 for name in ("finetune", "scratch", "all-labels")}
    overrides |= {f"{name}.learning_rate": 1e-2 for name in ("finetune", "all-labels")}
    run_request = RunRequest(
        tasks=["nlp/lm-vader"],
        backbones=["hf/for-forgetting"],
        strategies=["finetune"],
        seeds=(0,),
        overrides=overrides,
    )
    rows = run(make_plan([run_request], catalog, settings), catalog, settings).rows
    assert [row.strategy for row in rows if row.status != "ok"] == ["classical"], [row.reason for row in rows]
    rows = [row for row in rows if row.status == "ok"]
    assert {row.strategy for row in rows} == {"finetune", "constant", "all-labels", "scratch", "source-only"}
    for row in rows:
        assert row.scores["perplexity"] == pytest.approx(math.exp(-row.score))
        assert row.eager_score == pytest.approx(row.score, abs=1e-4)
        assert row.probe_before is None
        assert row.source_mode == "own-head"
    finetune, source = only(rows, strategy="finetune"), only(rows, strategy="source-only")
    assert source.forgetting_head == 0
    assert finetune.forgetting_head == pytest.approx(source.score_matrix[0][0] - finetune.score_matrix[1][0])
