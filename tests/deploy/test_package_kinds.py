"""What of an exported model depends on its kind: masks, numbers, several labels, pairs of texts, tokens, one class."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from support import plan_only
from test_package import BERT, known_predictions, metadata_of, serve, write_row, write_tables

from tlbench.cli.inspection import inspect_task
from tlbench.engine.lookup import find_stages
from tlbench.engine.pairing import run_pairing
from tlbench.engine.store import Store
from tlbench.planning.settings import Settings

SHORT = {"source.steps": 2, "task.label_budget": 6}


def masks(folder):
    random = np.random.default_rng(5)
    for side in ("source", "target"):
        for name in ("images", "masks"):
            (folder / side / name).mkdir(parents=True)
        for number in range(12):
            mask = (random.random((8, 8)) < 0.4).astype(np.uint8)
            Image.fromarray(mask * 90 + 60).save(folder / side / "images" / f"{number}.png")
            Image.fromarray(mask).save(folder / side / "masks" / f"{number}.png")
    places = {f"task.{side}": str(folder / side) for side in ("source", "target")}
    return {**places, "task.size": 8, "task.grey": True, "backbone.width": 4}


def numbers(folder):
    return write_tables(folder, "size,port,label", lambda odd, random: f"{random.normal():.3f},{odd},{odd * 1e4:g}")


def tags(folder):
    def line(odd, random):
        return f"text {random.integers(100)} {'good ' * odd},{odd},{random.integers(2)}"

    return {**write_tables(folder, "text,good,other", line), "task.label": "good,other", **BERT}


def pairs(folder):
    def line(odd, random):
        return f"the sky is {random.integers(100)},{'so it is' if odd else 'no'},{('no', 'yes')[odd]}"

    return {**write_tables(folder, "text,answer,label", line), "task.pair": "answer", **BERT}


def tokens(folder):
    for name in ("movie", "amazon"):
        lines = [f"{number}_1\t{number % 2 - 0.5}\tthe plot of part {number} is thin" for number in range(20)]
        (folder / f"{name}ReviewSnippets_GroundTruth.txt").write_text("\n".join(lines))
    places = {f"task.{side}": str(folder) for side in ("source", "target")}
    return {**places, "backbone.hidden": 8, "backbone.vocabulary": 300}


def prompts(folder):
    def line(odd, random):
        return f"part {random.integers(100)} is {('out', 'in')[odd]},{('order', 'keep')[odd]} it"

    return {**write_tables(folder, "prompt,answer", line), "backbone.hidden": 8, "backbone.vocabulary": 300}


def nothing(folder):
    return {"source.steps": 2}


CASES = {
    "masks": ("vision/mask-folder", masks, "pixels: 0 "),
    "numbers": ("tabular/regression", numbers, "label "),
    "tags": ("nlp/tag-table", tags, "good 0."),
    "pairs": ("nlp/text-table", pairs, "0."),
    "tokens": ("nlp/lm-vader", tokens, "0."),
    "answers": ("nlp/prompt-table", prompts, ': "'),
    "one class": ("anomaly/flows-normal", nothing, "attack "),
}
POSTPROCESS = {
    "masks": "Pixels",
    "numbers": "Numbers",
    "tags": "Flags",
    "pairs": "Labels",
    "tokens": "Tokens",
    "answers": "Answers",
    "one class": "Distances",
}
LISTED = {
    "masks": "In order: 0, 1.",
    "numbers": "In order: label.",
    "tags": "In order: good, other.",
    "pairs": "In order: no, yes.",
    "tokens": ", in the file's metadata, from ",
    "answers": ", in the file's metadata, from ",
    "one class": "In order: normal, attack.",
}
EXAMPLES = {
    "masks": "uint8 (8, 8, 1)",
    "numbers": "float64 (2,)",
    "tags": "a text",
    "pairs": "a list of texts",
    "tokens": "a text",
    "answers": "a list of texts",
    "one class": "float32 (20,)",
}


@pytest.fixture(scope="module", params=CASES)
def exported(request, catalog, session_cache, tmp_path_factory):
    """The name of a case, its pairing and row, and the folder it is exported to."""
    task, make, _ = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    settings = Settings(cache=session_cache, board=folder / "board", data_root=None)
    strategy = "source-only" if request.param in ("tokens", "answers") else "frozen"
    plan = plan_only(catalog, settings, tasks=[task], strategies=[strategy], overrides={**SHORT, **make(folder)})
    store = Store(root=session_cache, notify=catalog.notify)
    row = run_pairing(plan.pairings[0], catalog, settings, store).row
    assert row.status == "ok", row.reason
    write_row(folder / "out", row, catalog, *find_stages(row, settings.board, store, catalog))
    return request.param, plan.pairings[0], row, folder / "out"


def test_served_predictions_are_the_scored_ones(exported):
    case, _, row, folder = exported
    done = serve(folder, "--check")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.count("differs by") == min(8, row.test_size)
    assert CASES[case][2] in done.stdout


def test_a_single_file_is_predicted_and_described(exported):
    case, _, _, folder = exported
    name = next(iter(known_predictions(folder)))
    done = serve(folder, str(folder / "examples" / name))
    assert done.returncode == 0, done.stderr
    assert CASES[case][2] in done.stdout


def test_metadata_and_card_say_what_goes_in_and_comes_out(exported):
    case, _, _, folder = exported
    metadata = metadata_of(folder)
    card = (folder / "README.md").read_text()
    assert metadata["postprocess"] == POSTPROCESS[case]
    assert metadata["example"] == EXAMPLES[case]
    assert metadata["outputs"] in card
    assert LISTED[case] in card


@pytest.fixture
def copy(exported, tmp_path):
    """A copy of the exported folder."""
    return shutil.copytree(exported[-1], tmp_path / "copy")


OF_ANSWERS = pytest.mark.parametrize("exported", ["answers"], indirect=True)


@OF_ANSWERS
@pytest.mark.parametrize(("where", "by", "agrees"), [(0, 0.01, False), (0, 1e-5, True), (-1, 1, False)])
def test_answers_and_the_logarithms_before_them_are_compared_each_as_what_they_are(copy, where, by, agrees):
    """An answer of code points above 100 does not make up for a logarithm, nor its first signs for the last one."""
    known = known_predictions(copy)
    name = next(name for name, each in known.items() if len(each["prediction"]) > len(each["target"]))
    known[name]["prediction"][where] += by
    (copy / "examples" / "predictions.json").write_text(json.dumps(known))
    done = serve(copy, "--check")
    assert (done.returncode == 0) == agrees, done.stdout + done.stderr
    assert ("differs by inf" in done.stdout) == (where == -1)


@OF_ANSWERS
def test_prompts_are_read_from_tables_lines_and_text_files(copy, tmp_path):
    (tmp_path / "t.csv").write_text("prompt;more\n part 7 is out ;x\n")
    (tmp_path / "t.jsonl").write_text('"part 7 is out"\n')
    (tmp_path / "t.txt").write_text("part 7 is out\n")
    done = serve(copy, *(str(tmp_path / f"t.{suffix}") for suffix in ("csv", "jsonl", "txt")))
    assert done.returncode == 0, done.stderr
    assert len({line.partition(": ")[2] for line in done.stdout.splitlines()}) == 1
    assert len(done.stdout.splitlines()) == 3


@OF_ANSWERS
@pytest.mark.parametrize(("name", "content"), [("t.csv", "prompt,more\n"), ("t.jsonl", "\n"), ("t.csv", "")])
def test_a_file_without_examples_is_named(exported, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    done = serve(exported[-1], str(tmp_path / name))
    assert done.returncode == 1
    assert done.stderr.startswith(f'Error: "{tmp_path / name}" has no rows')


@OF_ANSWERS
def test_a_reader_that_returns_no_examples_is_answered_with_a_message(copy):
    with (copy / "reader.py").open("a") as reader:
        reader.write("\n\ndef PromptReader(**settings):\n    return lambda path: []\n")
    done = serve(copy, "any.csv")
    assert (done.returncode, done.stderr) == (1, 'Error: "any.csv" has no examples: add some.\n')


def test_inspection_reads_its_labels(exported, settings):
    case, pairing, _, _ = exported
    request = pairing.load_request
    found = inspect_task(pairing.task, request, pairing.label_budget.total)
    assert found.refused == []
    data, classes = pairing.task.load(request), case not in ("numbers", "tokens", "answers")
    known = dict.fromkeys([*data.source.labels, *data.target.labels]) if classes else ()
    assert [record["class"] for record in found.classes] == list(known)
    assert ("total variation of label frequencies" in found.shift) == (classes and case != "one class")
