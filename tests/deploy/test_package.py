"""Small pairings of every modality and kind, exported, and served where nothing but onnxruntime and numpy is found."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import onnx
import pytest
from support import plan_only, run_python, unlock

from tlbench import ContractError, KindSpec, UsageError
from tlbench.assets.folders import cache_folder
from tlbench.deploy.onnx_graph import strip
from tlbench.deploy.package import prepared
from tlbench.deploy.package.alone import POSTPROCESS
from tlbench.deploy.package.card import licences
from tlbench.deploy.package.carried import ALLOWED, READERS, imported, packages_of, source_of
from tlbench.deploy.package.examples import read_example, reader_of
from tlbench.deploy.package.write import write_bundle
from tlbench.engine.lookup import find_stages
from tlbench.engine.pairing import run_pairing
from tlbench.engine.store import Store
from tlbench.learning.kinds import Classification, postprocess
from tlbench.learning.metrics import accuracy
from tlbench.planning.settings import Settings

ALONE = """
import runpy, sys

OWN = {"preprocess", "postprocess", "outputs", "reader"}
ALLOWED = {*sys.stdlib_module_names, *OWN, "numpy", "onnxruntime", "flatbuffers", "google", "packaging"}

class Alone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Alone())
folder, *words = sys.argv[1:]
sys.path.insert(0, folder)
sys.argv = [f"{folder}/predict.py", *words]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
READING = ALONE.replace(
    '"packaging"',
    '"packaging", "tokenizers", "PIL",'
    ' "soundfile", "_soundfile", "_soundfile_data", "_cffi_backend", "typing_extensions"',
)
READ = {
    "image": "*.png",
    "photo": "*.jpg",
    "audio": "*.wav",
    "series": "*.csv",
    "anomaly": "target.csv",
    "text": "target.csv",
    "waveform": "*.wav",
    "tokens": "target.csv",
}
"""Cases whose exports read files, and what those are."""
LABELS = ("dark", "<i>light|")
SHORT = {"source.steps": 2, "finetune.steps": 2, "task.label_budget": 4}
BERT = {"backbone.hidden": 8, "backbone.layers": 1, "backbone.vocabulary": 300}


def write_files(folder, suffix, write):
    """Ten files a class and side; `write(path, brightness, random)` fills each."""
    random = np.random.default_rng(3)
    for side, shift in (("source", 0.0), ("target", 0.2)):
        for brightness, label in enumerate(LABELS):
            (folder / side / label).mkdir(parents=True)
            for number in range(10):
                write(folder / side / label / f"{number}{suffix}", brightness + shift, random)
    return {"task.source": str(folder / "source"), "task.target": str(folder / "target")}


def write_tables(folder, header, line):
    random = np.random.default_rng(4)
    for side in ("source", "target"):
        lines = [line(number % 2, random) for number in range(20)]
        (folder / f"{side}.csv").write_text("\n".join([header, *lines]))
    return {f"task.{side}": str(folder / f"{side}.csv") for side in ("source", "target")}


def images(folder):
    from PIL import Image

    def write(path, brightness, random):
        pixels = (100 * brightness + random.integers(0, 60, (9, 11, 3))).astype(np.uint8)
        Image.fromarray(pixels).save(path)

    return {**write_files(folder, ".png", write), "task.size": 8}


def photos(folder):
    """Photographs of several sizes, the largest of which are kept as prepared arrays."""
    from PIL import Image

    def write(path, brightness, random):
        shape = (int(random.integers(40, 260)), int(random.integers(40, 260)), 3)
        Image.fromarray((100 * brightness + random.integers(0, 60, shape)).astype(np.uint8)).save(path)

    return {**write_files(folder, ".jpg", write), "backbone.weights": "random", "backbone.size": 32}


def sounds(folder):
    import soundfile

    def write(path, brightness, random):
        samples = np.sin(np.arange(random.integers(1000, 2000)) * (0.2 + 0.3 * brightness)) * 0.5
        soundfile.write(path, samples, 4000)

    return write_files(folder, ".wav", write)


def waveforms(folder):
    """Recordings that are resampled to the rate of the model."""
    return {**sounds(folder), "backbone.hidden": 8, "backbone.layers": 1, "backbone.channels": 8}


def series(folder):
    def write(path, brightness, random):
        np.savetxt(path, brightness + random.normal(size=(30, 2)), delimiter=",", header="x,y", comments="")

    return write_files(folder, ".csv", write)


def records(folder):
    def line(anomalous, random):
        size, port = random.normal(3 * anomalous), random.choice(["tcp", "udp"])
        return f"{size:.3f},{port},{('normal', 'worm')[anomalous]}"

    return write_tables(folder, "size,port,label", line)


def texts(folder):
    def line(good, random):
        return f'"{("bad", "good")[good]}, it\'s «{random.integers(100)}» naïve ☕",{LABELS[good]}'

    return {**write_tables(folder, "text,label", line), **BERT}


CASES = {
    "image": ("vision/image-folder", images, ()),
    "photo": ("vision/image-folder", photos, ("timm/test_resnet",)),
    "audio": ("speech/wav-folder", sounds, ()),
    "series": ("robotics/series", series, ()),
    "anomaly": ("anomaly/table", records, ()),
    "text": ("nlp/text-table", texts, ()),
    "waveform": ("speech/wav-folder", waveforms, ("audio/wav2vec2",)),
    "tokens": ("nlp/text-table", texts, ("text/bert",)),
    "words": ("toy/names", lambda folder: {**BERT, "backbone.max_length": 12}, ("text/bert-tiny",)),
    "prepared": ("toy/names", lambda folder: {}, ()),
}


@pytest.fixture(scope="module", params=CASES)
def exported(request, catalog, session_cache, tmp_path_factory):
    """The name of a case, its row, the stage of its export, and the folder it is exported to."""
    task, make, backbones = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    settings = Settings(cache=session_cache, board=folder / "board", data_root=None)
    run_request = {"tasks": [task], "backbones": backbones, "strategies": ["finetune"]}
    plan = plan_only(catalog, settings, **run_request, overrides={**SHORT, **make(folder)})
    store = Store(root=session_cache, notify=catalog.notify)
    draft = run_pairing(plan.pairings[0], catalog, settings, store)
    row, export = draft.row, draft.stages["export"]
    assert row.status == "ok", row.reason
    write_row(folder / "out", row, catalog, *find_stages(row, settings.board, store, catalog))
    return request.param, row, export, folder / "out"


def write_row(folder, row, catalog, export, prepare):
    """Export a row as `tlbench export` does."""
    task, backbone = catalog.task(row.task), catalog.backbone(row.backbone)
    return write_bundle(folder, row, task, backbone, export.folder, prepare.folder)


def reader_in(folder):
    """The reader of an export: the function from a file to its raw examples."""
    sys.modules["carried_reader"] = module = types.ModuleType("carried_reader")
    exec((folder / "reader.py").read_text(), vars(module))
    reading = json.loads(metadata_of(folder)["reading"])
    return vars(module)[reading["reader"]](**reading["settings"])


def serve(folder, *words):
    alone = READING if packages_of((folder / "preprocess.py").read_text()) else ALONE
    return run_python(alone, str(folder), *words, PYTHONDONTWRITEBYTECODE="1")


def metadata_of(folder):
    return {entry.key: entry.value for entry in onnx.load(folder / "model.onnx").metadata_props}


def known_predictions(folder):
    return json.loads((folder / "examples" / "predictions.json").read_text())


def test_served_predictions_are_the_scored_ones_without_any_other_package(exported):
    _, row, _, folder = exported
    done = serve(folder, "--check")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.endswith("These are the predictions that were scored.\n")
    assert done.stdout.count("differs by") == min(8, row.test_size)


def test_what_counts_as_scored_is_what_lies_beside_the_row(exported):
    _, _, export, folder = exported
    with np.load(export.folder / "predictions.npz") as arrays:
        predicted = np.split(arrays["predictions"], np.cumsum(arrays["counts"])[:-1])
    for name, known in known_predictions(folder).items():
        position = int(re.search(r"\d+", name)[0])
        assert np.array_equal(np.atleast_2d(known["prediction"]).astype(np.float32), predicted[position])


def test_files_are_predicted_one_by_one_too(exported):
    case, _, _, folder = exported
    name, known = next(iter(known_predictions(folder).items()))
    done = serve(folder, str(folder / "examples" / name))
    labels = json.loads(metadata_of(folder)["labels"])
    best = [labels[index] for index in np.atleast_2d(known["prediction"]).argmax(1)]
    assert done.returncode == 0, done.stderr
    assert all(f"{label} 0." in done.stdout or f"{label} 1." in done.stdout for label in best)
    if case == "words":
        words = json.loads((folder / "examples" / name).read_text())
        assert [found.split()[0] for found in done.stdout.partition(": ")[2].split("  ")] == words


def test_files_of_the_task_are_predicted_as_the_examples_that_were_read_from_them(exported):
    case, _, _, folder = exported
    assert (folder / "reader.py").exists() == ("reader.py" in (folder / "README.md").read_text()) == (case in READ)
    if case not in READ:
        return
    samples = sorted(path for path in (folder / "examples").glob("sample-*"))
    places = (folder.parent / "target", folder.parent)
    files = sorted(path for place in places if place.is_dir() for path in place.glob(f"**/{READ[case]}"))
    done = run_python(READING, str(folder), *map(str, [*samples, *files]), PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 0, done.stderr
    said = [line.rsplit(": ", 1) for line in done.stdout.splitlines()]
    assert {what for _, what in said[: len(samples)]} <= {what for _, what in said[len(samples) :]}
    if case == "series":
        assert any("window 1 (rows 1 to " in name for name, _ in said)
    read = reader_in(folder)
    raw = [np.asarray(example).tobytes() for path in files for example in read(path)]
    assert {np.asarray(read_example(path)).tobytes() for path in samples if path.suffix != ".npz"} <= set(raw)


def test_a_file_that_cannot_be_read_is_named_without_a_traceback(exported, tmp_path):
    _, _, _, folder = exported
    (tmp_path / "photo.jpg").write_text("no photo")
    done = run_python(READING, str(folder), str(tmp_path / "photo.jpg"), PYTHONDONTWRITEBYTECODE="1")
    assert (done.returncode, "Traceback" in done.stderr, "photo.jpg" in done.stderr) == (1, False, True)


def test_a_package_that_preprocessing_needs_is_named_without_a_traceback(exported):
    case, _, _, folder = exported
    if case == "photo":
        done = run_python(ALONE, str(folder), "--check", PYTHONDONTWRITEBYTECODE="1")
        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (1, "", False)
        assert "Error: PIL" in done.stderr
    for package, needs in (("pillow", "photo"), ("tokenizers", "tokens")):
        assert (f"numpy {package}`" in (folder / "README.md").read_text()) == (case == needs)


def test_a_text_is_predicted_from_the_command_line(exported, tmp_path):
    """Only if raw examples are texts, and a file without such a name is no text."""
    case, _, _, folder = exported
    done = serve(folder, "good, it's «7» naïve ☕")
    assert ("text: " in done.stdout, done.returncode) == (
        (True, 0) if case in ("text", "tokens", "words") else (False, 1)
    )
    done = serve(folder, str(tmp_path / "no.txt"))
    assert (done.returncode, "Traceback" in done.stderr, "no.txt" in done.stderr) == (1, False, True)


def test_other_predictions_are_told_apart(exported, tmp_path):
    _, _, _, folder = exported
    shutil.copytree(folder, tmp_path / "copy")
    known = known_predictions(folder)
    first = next(iter(known.values()))
    first["prediction"] = (np.array(first["prediction"]) + 0.01).tolist()
    (tmp_path / "copy" / "examples" / "predictions.json").write_text(json.dumps(known))
    done = serve(tmp_path / "copy", "--check")
    assert (done.returncode, "NOT the predictions" in done.stdout) == (1, True)


def test_the_scored_file_is_within_the_exported_one(exported):
    _, row, export, folder = exported
    served = (folder / "model.onnx").read_bytes()
    assert hashlib.sha256(served[: row.onnx_bytes]).hexdigest() == row.onnx_sha256
    model = onnx.load(folder / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    strip(model)
    assert model.SerializeToString(deterministic=True) == (export.folder / "model.onnx").read_bytes()


def test_the_metadata_say_what_goes_in_and_what_comes_out(exported):
    case, row, _, folder = exported
    metadata = metadata_of(folder)
    assert (metadata["row"], metadata["task"], metadata["metric"]) == (row.key, row.task, row.metric)
    assert metadata["postprocess"] == ("Words" if case in ("words", "prepared") else "Labels")
    assert metadata["outputs"] in (folder / "README.md").read_text()
    inputs = json.loads(metadata["inputs"])
    assert next(part["dtype"] for part in inputs) == {
        "image": "uint8",
        "photo": "uint8",
        "audio": "int16",
        "waveform": "int16",
    }.get(case, "int32" if case in ("text", "tokens", "words", "prepared") else "float32")
    assert all(part["shape"][0] == "batch" for part in inputs)
    assert json.loads(metadata["preprocessing"])["options"] == row.backbone_options


def test_the_licence_of_weights_is_not_that_of_the_data():
    """A user's photographs are not under the licence of the checkpoint that is adapted to them."""
    assert licences("", "Apache-2.0").startswith("Data: no licence is named")
    assert licences("", "Apache-2.0").endswith("began with: Apache-2.0.")
    assert licences("CC0", "MIT").split(". ") == [
        "Data: CC0", "The examples of this folder are a part of it", "Weights that training began with: MIT."
    ]  # fmt: skip
    assert "eights" not in licences("CC0", "")
    assert "owner" in licences("", "")


def test_the_card_states_the_row_and_names_remain_text(exported):
    case, row, _, folder = exported
    card = (folder / "README.md").read_text()
    assert f"**{row.metric} {row.score:.3f}** on {row.test_size} target test examples" in card
    assert row.onnx_sha256 in card
    assert "Latency: not measured" in card
    assert "<i>" not in card
    if case in ("image", "photo", "audio", "text"):
        assert "dark, &lt;i&gt;light\\|" in card or "&lt;i&gt;light\\|, dark" in card


def test_nothing_of_this_machine_s_folders_is_in_the_export(exported, tmp_path_factory):
    _, _, _, folder = exported
    root = str(tmp_path_factory.getbasetemp()).encode()
    assert not [path for path in folder.rglob("*") if path.is_file() and root in path.read_bytes()]


def test_a_folder_that_holds_something_is_left_alone(exported, catalog):
    _, row, export, folder = exported
    before = sorted(folder.rglob("*"))
    with pytest.raises(UsageError, match="not an empty folder"):
        write_row(folder, row, catalog, export, export)
    assert sorted(folder.rglob("*")) == before


@pytest.fixture
def blobs_row(catalog, shared_settings):
    """A row without latency, and the store that holds its stages."""
    store = Store(root=shared_settings.cache, notify=catalog.notify)
    plan = plan_only(catalog, shared_settings, tasks=["toy/blobs"], strategies=["finetune"])
    return run_pairing(plan.pairings[0], catalog, shared_settings, store).row, store


def test_a_row_of_another_file_is_answered_with_the_command_that_makes_it(catalog, blobs_row, tmp_path):
    row, store = blobs_row
    other = dataclasses.replace(row, onnx_sha256="0" * 64)
    with pytest.raises(UsageError, match=r"sha256 0{12}.*tlbench run --task toy/blobs"):
        find_stages(other, tmp_path, store, catalog)


def test_an_export_runs_in_a_folder_whose_name_is_not_utf8(catalog, blobs_row, tmp_path):
    """Nor any name beyond ASCII is in a process whose locale is C."""
    row, store = blobs_row
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    write_row(folder, row, catalog, *find_stages(row, tmp_path, store, catalog))
    assert "These are the predictions" in serve(folder, "--check").stdout


def test_a_damaged_file_in_the_cache_is_not_served(catalog, blobs_row, tmp_path):
    row, store = blobs_row
    export, prepare = find_stages(row, tmp_path, store, catalog)
    own = Store(root=tmp_path / "cache", notify=catalog.notify)
    for stage in (export, prepare):
        shutil.copytree(stage.folder, tmp_path / "cache" / stage.folder.relative_to(store.root))
    assert find_stages(row, tmp_path, own, catalog)[0].folder.is_relative_to(tmp_path)
    model = unlock(own.root / export.folder.relative_to(store.root)) / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    damaged = pytest.warns(UserWarning, match="has damaged files: model.onnx")
    with damaged, pytest.raises(UsageError, match="Run it again"):
        find_stages(row, tmp_path, Store(root=own.root, notify=catalog.notify), catalog)


def test_preprocessing_that_has_changed_since_is_not_exported(catalog, exported):
    case, row, _, folder = exported
    if case == "prepared":
        pytest.skip("the backbone gives no preprocessing")
    backbone, changed = catalog.backbone(row.backbone), types.ModuleType("changed")

    def preprocessor(**settings):
        prepare = backbone.preprocess().preprocessor(**settings)
        return lambda example: tuple(map(np.flip, prepare(example)))

    changed.preprocessor = preprocessor
    other = dataclasses.replace(backbone, preprocess=lambda: changed)
    meddled = dataclasses.replace(catalog, backbones={**catalog.backbones, row.backbone: other})
    with pytest.raises(UsageError, match="prepares examples differently"):
        find_stages(row, folder, Store(root=cache_folder(), notify=catalog.notify), meddled)


OTHERWISE = """
class Sharper(Labels):
    def predict(self, outputs, targets=None):
        outputs.units = 2 * outputs.units
        return super().predict(outputs)
"""


@pytest.mark.parametrize(
    ("code", "says"), [(OTHERWISE, "NOT the predictions that were scored"), ("import torch\n", "imports torch")]
)
def test_an_export_that_would_not_predict_what_was_scored_is_not_written(catalog, blobs_row, tmp_path, code, says):
    row, store = blobs_row
    export, prepare = find_stages(row, tmp_path, store, catalog)
    changed = dataclasses.replace(export, folder=unlock(shutil.copytree(export.folder, tmp_path / "export")))
    record = json.loads((changed.folder / POSTPROCESS).read_text())
    record |= {"source": record["source"] + code, "class": "Sharper"}
    (changed.folder / POSTPROCESS).write_text(json.dumps(record))
    with pytest.raises(ContractError, match=says) as raised:
        write_row(tmp_path / "out", row, catalog, changed, prepare)
    assert 'kind "classification"' in str(raised.value)
    assert not any((tmp_path / "out").rglob("*"))


def test_a_kind_of_a_plugin_predicts_as_it_was_scored_without_a_word_about_it(catalog, shared_settings, tmp_path):
    """The guide's own: it inherits from Classification, and so inherits what an export does to the outputs."""

    class Ordinal(Classification):
        def metrics(self, labels):
            return {"near": accuracy}

    kind = KindSpec(
        name="ordinal", summary="Stars.", unit="labels", metric="near", layout="pooled", create=lambda: Ordinal()
    )
    task = dataclasses.replace(catalog.task("toy/blobs"), kind=kind, metric="near")
    changed = dataclasses.replace(catalog, tasks={**catalog.tasks, task.name: task})
    store = Store(root=shared_settings.cache, notify=catalog.notify)
    plan = plan_only(changed, shared_settings, tasks=[task.name], strategies=["source-only"])
    row = run_pairing(plan.pairings[0], changed, shared_settings, store).row
    write_row(tmp_path / "out", row, changed, *find_stages(row, tmp_path, store, changed))
    done = serve(tmp_path / "out", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_failed_row_has_no_model(catalog, blobs_row, tmp_path):
    row, store = blobs_row
    failed = dataclasses.replace(row, status="failed", reason="no fixed point", onnx_sha256=None)
    with pytest.raises(UsageError, match=r"no model to export: .*failed \(no fixed point\)"):
        find_stages(failed, tmp_path, store, catalog)


def test_what_an_export_carries_imports_what_its_readme_names_alone(catalog):
    modules = {spec.preprocess(): spec.modality for spec in catalog.backbones.values() if spec.preprocess}
    assert {module.__name__ for module in modules} >= {"tlbench_hf.encoding", "tlbench_hf.waveform"}
    for module, modality in modules.items():
        beside = set(imported(source_of(module.preprocessor, READERS))) - ALLOWED
        known = {"tokenizers"} if module.__name__ == "tlbench_hf.encoding" else set()
        assert beside - ({"PIL"} if modality == "image" else set()) == known, module
    for module in (prepared, postprocess):
        assert set(imported(Path(module.__file__).read_text())) <= ALLOWED


def test_every_reader_of_a_task_can_be_carried(catalog):
    readers = {reader_of(task) for task in catalog.tasks.values() if task.reader}
    assert {reader.__name__ for reader in readers} >= {"record_reader", "text_reader", "series_reader", "sound_reader"}
    for reader in readers:
        assert set(imported(source_of(reader, READERS))) <= ALLOWED | {"PIL", "soundfile", "pyarrow"}


def test_every_shipped_backbone_brings_its_preprocessing(catalog):
    shipped = [spec for spec in catalog.backbones.values() if "tlbench-toy" not in str(catalog.origin(spec))]
    assert shipped
    assert not [spec.name for spec in shipped if not spec.preprocess]
