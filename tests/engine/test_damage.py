"""Flipped bits, cuts and additions in every file of the cache: all are noticed, none is a traceback."""

from __future__ import annotations

import json
import random
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import plan_only, unlock

from tlbench.engine import contents
from tlbench.engine.lookup import find_stages
from tlbench.engine.manifest import MANIFEST, read_manifest
from tlbench.engine.pipeline import PIPELINE
from tlbench.engine.remembered import RememberedHashes
from tlbench.engine.runner import run
from tlbench.engine.store import Store
from tlbench.errors import StoreError, UsageError
from tlbench.planning import fingerprints
from tlbench.results.files import remove, write_sealed

REQUESTS = (
    {
        "tasks": ["toy/blobs"],
        "strategies": ["finetune"],
        "estimators": ["class-share"],
        "analyses": ["feature-shift"],
        "curves": True,
    },
    {"tasks": ["toy/alone"], "strategies": ["finetune"], "remember": "toy/blobs"},
    {"tasks": ["toy/blobs"], "strategies": ["larger-teacher"], "overrides": {"larger-teacher.backbone": "toy/mlp"}},
    {"tasks": ["toy/blobs"], "strategies": ["finetune"], "tune": 1, "overrides": {"finetune.few_labels": True}},
)
STAGES = [stage.name for stage in PIPELINE]
READERS = {
    "row.json": contents.row_part,
    "latency.json": contents.measured,
    "prepared.json": contents.fitted,
    "model.safetensors": contents.weight_shapes,
    "target-test.json": lambda folder: contents.input_shapes(folder, "target-test"),
    "target-test-0-values.npy": lambda folder: contents.input_shapes(folder, "target-test"),
}
"""What reads a file without looking at its hash first."""


@pytest.fixture(scope="module")
def rows(catalog, session_cache, tmp_path_factory):
    """The rows of runs that have every stage between them."""
    from tlbench.planning.settings import Settings

    settings = Settings(cache=session_cache, board=tmp_path_factory.mktemp("board"), data_root=None)
    return [row for asked in REQUESTS for row in run(plan_only(catalog, settings, **asked), catalog, settings).rows]


@pytest.fixture(scope="module")
def folders(rows, session_cache, tmp_path_factory) -> dict[str, Path]:
    """One finished stage of each name, in a cache of their own in which anything can be written."""
    root = tmp_path_factory.mktemp("damaged")
    found = {name: next(session_cache.glob(f"{name}/*/*/{MANIFEST}")).parent for name in STAGES}
    for folder in found.values():
        shutil.copytree(folder, root / folder.relative_to(session_cache))
    return {name: unlock(root / folder.relative_to(session_cache)) for name, folder in found.items()}


def damages(content: bytes, seed: str, flips: int) -> Iterator[bytes]:
    """Yield contents that differ: by one bit at random places and at both ends, by a cut, by an addition."""
    chance = random.Random(seed)
    size = len(content)
    for place in [0, 8 * size - 1, *(chance.randrange(8 * size) for _ in range(flips))] if size else []:
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        yield bytes(flipped)
    yield from (content[:cut] for cut in {0, size // 2, size - 1, chance.randrange(size)} if size)
    yield from (content + more for more in (b"\0", b"}"))


@pytest.mark.parametrize("name", STAGES)
def test_every_damage_of_a_stage_is_noticed(folders, name):
    folder = folders[name]
    identity, root = read_manifest(folder).identity, folder.parents[2]
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for damaged in damages(content, path.name, 60 if path.name == MANIFEST else 8):
            path.write_bytes(damaged)
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                assert Store(root=root, notify=print).find(name, identity) is None, path.name
            assert len(told) == 1
        path.write_bytes(content)
    assert Store(root=root, notify=print).find(name, identity) is not None


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_that_is_read_is_a_sentence(folders, name):
    read, failed = READERS[name], 0
    for path in [folder / name for folder in folders.values() if (folder / name).is_file()]:
        content = path.read_bytes()
        read(path.parent)
        others = [b"[]", b"3", b'{"a": 1}', b"[" * 100_000, b"\xff" * 16]
        for damaged in [*damages(content, name, 100), *others]:
            path.write_bytes(damaged)
            try:
                read(path.parent)
            except StoreError as error:
                failed += 1
                assert f'{name}" is damaged' in str(error)  # noqa: PT017 - some flips leave it readable
        path.write_bytes(content)
    assert failed > 5


@pytest.mark.filterwarnings("ignore:The cached stage")
def test_a_damaged_stage_is_not_exported(rows, folders, catalog, session_cache, tmp_path):
    row = next(row for row in rows if row.task == "toy/blobs" and row.strategy == "finetune")
    store = Store(root=session_cache, notify=print)
    for stage in find_stages(row, tmp_path, store, catalog):
        shutil.copytree(stage.folder, tmp_path / "cache" / stage.folder.relative_to(session_cache))
    store = Store(root=tmp_path / "cache", notify=print)
    whole = find_stages(row, tmp_path, store, catalog)
    for stage in whole:
        for path in sorted(unlock(stage.folder).iterdir()):
            content = path.read_bytes()
            for damaged in damages(content, path.name, 1):
                path.write_bytes(damaged)
                with pytest.raises(UsageError, match="is not in the cache"):
                    find_stages(row, tmp_path, Store(root=tmp_path / "cache", notify=print), catalog)
            path.write_bytes(content)
    assert find_stages(row, tmp_path, store, catalog) == whole


@pytest.mark.parametrize("above", [None, 3, [], "prepare", {}, {"prepare": None}, {"prepare": "../../.."}])
def test_a_manifest_of_another_form_is_passed_over(rows, catalog, tmp_path, above):
    row = next(row for row in rows if row.task == "toy/blobs" and row.strategy == "finetune")
    store = Store(root=tmp_path, notify=print)
    stage = store.compute("export", {"above": above}, lambda folder: (folder / "model.onnx").write_text("x"))
    manifest = json.loads((stage.folder / MANIFEST).read_text())
    del manifest["digest"]
    write_sealed(unlock(stage.folder) / MANIFEST, {**manifest, "files": {"model.onnx": row.onnx_sha256}})
    with pytest.raises(UsageError, match="is not in the cache"):
        find_stages(row, tmp_path, store, catalog)


def test_every_damage_of_remembered_hashes_is_noticed(tmp_path, monkeypatch):
    """Both memories: of large files of stages, and of the files of tasks."""
    monkeypatch.setattr("tlbench.engine.remembered.SETTLED", 0)
    monkeypatch.setattr("tlbench.engine.remembered.LARGE", 0)
    monkeypatch.setattr(fingerprints, "SETTLED", 0)
    table = tmp_path / "rows.csv"
    table.write_text("1,2\n")
    memory = RememberedHashes.read(tmp_path / "checked.json")
    sha256 = memory.sha256(table)
    memory.write()
    fingerprint = fingerprints.fingerprint([table], tmp_path)
    (of_tasks,) = (tmp_path / "files").iterdir()
    for path in (memory.path, of_tasks):
        content = path.read_bytes()
        for damaged in damages(content, path.name, 100):
            path.write_bytes(damaged)
            if path == memory.path:
                assert (RememberedHashes.read(path).entries, RememberedHashes.read(path).sha256(table)) == ({}, sha256)
            else:
                assert fingerprints.fingerprint([table], tmp_path) == fingerprint
                assert path.read_bytes() == content
    for entries in ([], 3, {"rows.csv": 3}, {"rows.csv": []}, {"rows.csv": [1, 2, 3, 4, None]}):
        write_sealed(of_tasks, {"files": entries})
        assert fingerprints.fingerprint([table], tmp_path) == fingerprint
    remove(of_tasks)
    of_tasks.mkdir()
    assert fingerprints.fingerprint([table], tmp_path) == fingerprint
