"""What of an exported model depends on its kind: masks, numbers, several labels, pairs of texts."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support import plan_only
from test_bundle import BERT, known_predictions, metadata_of, serve, write_tables

from tlbench.bundle.lookup import find_stages
from tlbench.bundle.write import write_bundle
from tlbench.inspection import inspect_task
from tlbench.plan import Settings
from tlbench.runner import run_pairing
from tlbench.store import Store

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


CASES = {
    "masks": ("vision/mask-folder", masks, "pixels: 0 "),
    "numbers": ("tabular/regression", numbers, "label "),
    "tags": ("nlp/tag-table", tags, "good 0."),
    "pairs": ("nlp/text-table", pairs, "0."),
}


@pytest.fixture(scope="module", params=CASES)
def exported(request, catalog, session_cache, tmp_path_factory):
    """A pairing, its row, what its predictions say, and the folder it is exported to."""
    task, make, says = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    settings = Settings(cache=session_cache, board=folder / "board", data_root=None)
    plan = plan_only(catalog, settings, tasks=[task], strategies=["frozen"], overrides={**SHORT, **make(folder)})
    store = Store(root=session_cache, notify=catalog.notify)
    row, _ = run_pairing(plan.pairings[0], catalog, settings, store)
    assert row.status == "ok", row.reason
    write_bundle(folder / "out", row, catalog, *find_stages(row, settings.board, store, catalog))
    return plan.pairings[0], row, says, folder / "out"


def test_served_predictions_are_the_scored_ones(exported):
    _, row, says, folder = exported
    done = serve(folder, "--check")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.count("differs by") == min(8, row.test_size)
    assert says in done.stdout


def test_a_single_file_is_predicted_and_described(exported):
    _, _, says, folder = exported
    name = next(iter(known_predictions(folder)))
    done = serve(folder, str(folder / "examples" / name))
    assert done.returncode == 0, done.stderr
    assert says in done.stdout


def test_metadata_and_card_say_what_comes_out(exported):
    pairing, _, _, folder = exported
    metadata = metadata_of(folder)
    assert metadata["activation"] == pairing.task.kind.activation
    assert metadata["unit"] == ("pixel" if pairing.task.kind.name == "segmentation" else "example")
    shapes = {"segmentation": "uint8 (8, 8, 1)", "regression": "float32 (2,)", "multi-label": "a text"}
    assert metadata["example"] == shapes.get(pairing.task.kind.name, "a pair of texts")
    assert "The 2 labels, in order" in (folder / "README.md").read_text() or pairing.task.kind.name == "regression"


def test_inspection_reads_its_labels(exported, settings):
    pairing = exported[0]
    found = inspect_task(pairing.task, pairing.load_request(settings), pairing.label_budget.total)
    assert found.refused == []
    assert [record["class"] for record in found.classes] == (
        [] if pairing.task.kind.name == "regression" else list(json_labels(pairing, settings))
    )
    assert ("total variation of label frequencies" in found.shift) == (pairing.task.kind.name != "regression")


def json_labels(pairing, settings):
    return pairing.task.load(pairing.load_request(settings)).target.labels
