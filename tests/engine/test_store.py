from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import unlock

from tlbench.engine.remembered import LARGE
from tlbench.engine.store import MANIFEST, DamagedStageError, Store
from tlbench.errors import StageError
from tlbench.results.files import remove, write_sealed

IDENTITY = {"task": "toy/blobs", "seed": 0}
PRELUDE = """
import os, signal, sys
from pathlib import Path
from tlbench.engine.store import Store

store = Store(root=Path(sys.argv[1]), notify=lambda event: None)
"""


@pytest.fixture
def events():
    return []


@pytest.fixture
def store(tmp_path, events):
    return Store(root=tmp_path, notify=events.append)


def reopened(store):
    """The store as another process sees it: nothing is remembered."""
    return Store(root=store.root, notify=lambda event: None)


def stage_of(store, name, identity, compute):
    """Find a stage, or compute it."""
    return store.find(name, identity) or store.compute(name, identity, compute)


def write(text):
    def compute(folder):
        (folder / "result.txt").write_text(text)

    return compute


def refuse(folder):
    raise AssertionError("computed although it was there")


def test_a_stage_is_computed_once_and_found_by_its_identity(store, events):
    stage = stage_of(store, "adapt", IDENTITY, write("first"))
    again = stage_of(reopened(store), "adapt", dict(reversed(IDENTITY.items())), refuse)
    assert (again.folder, again.key, again.seconds) == (stage.folder, stage.key, stage.seconds)
    assert (again.folder / "result.txt").read_text() == "first"
    stage_of(store, "adapt", IDENTITY, refuse)
    assert [event.name for event in events] == ["stage-started", "stage-finished"]


@pytest.mark.parametrize("again", [False, True], ids=["gone", "computed again by another process"])
def test_a_stage_that_was_removed_is_lost(store, again):
    stage_of(store, "adapt", IDENTITY, write("first"))
    stage = store.find("adapt", IDENTITY)
    assert not store.lost_stages()
    unlock(stage.folder)
    shutil.rmtree(stage.folder)
    if again:
        stage_of(reopened(store), "adapt", IDENTITY, write("first"))
    assert store.lost_stages()


@pytest.mark.parametrize(("name", "identity"), [("score", IDENTITY), ("adapt", {**IDENTITY, "seed": 1})])
def test_another_name_or_identity_is_another_stage(store, name, identity):
    stage_of(store, "adapt", IDENTITY, write("first"))
    assert store.find(name, identity) is None


def test_the_manifest_says_what_the_result_depends_on(store):
    stage = stage_of(store, "adapt", IDENTITY, write("first"))
    manifest = json.loads((stage.folder / MANIFEST).read_text())
    assert manifest["identity"] == IDENTITY
    assert set(manifest["files"]) == {"result.txt"}


def test_a_result_appears_by_a_rename_of_the_whole_folder(store):
    drafts = []

    def compute(folder):
        write("first")(folder)
        drafts.append(folder.stat().st_ino)

    assert [stage_of(store, "adapt", IDENTITY, compute).folder.stat().st_ino] == drafts


def test_a_failing_compute_names_the_stage_and_leaves_nothing(store, tmp_path):
    def compute(folder):
        (folder / "half").write_text("x")
        raise ValueError("no rows")

    with pytest.raises(StageError, match="adapt: ValueError: no rows") as raised:
        stage_of(store, "adapt", IDENTITY, compute)
    assert raised.value.stage == "adapt"
    assert store.find("adapt", IDENTITY) is None
    assert not list(tmp_path.glob("*/*/*.draft"))


def test_what_failed_is_tried_again_by_the_next_process_only(store, tmp_path):
    """A stage that many pairings share must not fail for each of them anew."""
    calls = []

    def compute(folder):
        calls.append(folder)
        raise ValueError("no rows")

    for _ in range(2):
        with pytest.raises(StageError, match="no rows"):
            stage_of(store, "adapt", IDENTITY, compute)
    assert len(calls) == 1
    assert Store(root=tmp_path, notify=store.notify).compute("adapt", IDENTITY, write("second")).folder.is_dir()


def damage_content(folder):
    (unlock(folder) / "result.txt").write_text("other")  # of the same size


def append_to_content(folder):
    (unlock(folder) / "result.txt").write_text("first\0")


def cut_content(folder):
    (unlock(folder) / "result.txt").write_text("firs")


def damage_by_loss(folder):
    (unlock(folder) / "result.txt").unlink()


def damage_manifest(folder):
    (unlock(folder) / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:20])


def replace_manifest(folder):
    (unlock(folder) / MANIFEST).write_text("[]")


def lose_manifest(folder):
    (unlock(folder) / MANIFEST).unlink()


def nest_manifest(folder):
    (unlock(folder) / MANIFEST).write_text("[" * 100_000)


def misspell_a_key(folder):
    text = (unlock(folder) / MANIFEST).read_text()
    assert "cpu_seconds" in text
    (folder / MANIFEST).write_text(text.replace("cpu_seconds", "cpu_secondr"))


def put_a_folder_in_place_of_a_file(folder):
    damage_by_loss(folder)
    (folder / "result.txt").mkdir()


def put_a_file_in_place_of_the_folder(folder):
    remove(folder)
    folder.write_text("a file")


def put_a_link_in_place_of_the_folder(folder):
    remove(folder)
    folder.symlink_to("nowhere")


def put_a_pipe_in_place_of_a_file(folder):
    damage_by_loss(folder)
    os.mkfifo(folder / "result.txt")


def put_a_pipe_in_place_of_the_manifest(folder):
    lose_manifest(folder)
    os.mkfifo(folder / MANIFEST)


def add_a_file(folder):
    (unlock(folder) / "row.json").write_text("{}")


def seal(manifest):
    """A damage: another manifest, with a digest that is right."""

    def replace(folder):
        write_sealed(unlock(folder) / MANIFEST, manifest)

    return pytest.param(replace, id=f"seal {manifest}")


FIRST = hashlib.sha256(b"first").hexdigest()
WHOLE = {"stage": "adapt", "identity": IDENTITY, "cpu_seconds": 1.0, "files": {}}


@pytest.mark.parametrize(
    "damage",
    [
        damage_content,
        append_to_content,
        cut_content,
        damage_by_loss,
        damage_manifest,
        replace_manifest,
        lose_manifest,
        nest_manifest,
        misspell_a_key,
        put_a_folder_in_place_of_a_file,
        put_a_file_in_place_of_the_folder,
        put_a_link_in_place_of_the_folder,
        put_a_pipe_in_place_of_a_file,
        put_a_pipe_in_place_of_the_manifest,
        add_a_file,
        *(seal({key: value for key, value in WHOLE.items() if key != lost}) for lost in WHOLE),
        seal({**WHOLE, "cpu_seconds": None}),
        seal({**WHOLE, "cpu_seconds": "fast"}),
        seal({**WHOLE, "files": 3}),
        seal({**WHOLE, "cpu_seconds": -1.0}),
        seal({**WHOLE, "cpu_seconds": True}),
        seal({**WHOLE, "cpu_seconds": "1.0"}),
        seal({**WHOLE, "files": {"result.txt": None}}),
        seal({**WHOLE, "files": [["result.txt", "0" * 64]]}),
        seal({**WHOLE, "files": {"../result.txt": FIRST}}),
        seal({**WHOLE, "files": {"./result.txt": FIRST}}),
        seal({**WHOLE, "files": {MANIFEST: FIRST}}),
        seal({**WHOLE, "files": {"result.txt": FIRST.upper()}}),
        seal({**WHOLE, "files": {"result.txt": FIRST}, "more": 1}),
        seal({**WHOLE, "identity": []}),
        seal({**WHOLE, "stage": None}),
        seal({**WHOLE, "stage": "score"}),
        seal({**WHOLE, "identity": {**IDENTITY, "seed": 1}}),
    ],
)
def test_a_damaged_stage_is_not_found_and_is_computed_again_with_a_warning(store, damage):
    damage(stage_of(store, "adapt", IDENTITY, write("first")).folder)
    with pytest.warns(UserWarning, match='^The cached stage "adapt" is not used but computed again: "'):
        stage = stage_of(reopened(store), "adapt", IDENTITY, write("second"))
    assert (stage.folder / "result.txt").read_text() == "second"
    assert reopened(store).find("adapt", IDENTITY) is not None


@pytest.mark.parametrize(("name", "identity"), [("score", IDENTITY), ("adapt", {**IDENTITY, "seed": 1})])
def test_a_stage_in_the_place_of_another_is_not_believed(store, name, identity):
    first, second = stage_of(store, "adapt", IDENTITY, write("first")), stage_of(store, name, identity, write("second"))
    remove(second.folder)
    shutil.copytree(first.folder, second.folder)
    with pytest.warns(UserWarning, match="contains the result of another request"):
        assert reopened(store).find(name, identity) is None


def test_a_damaged_stage_that_is_looked_for_again_is_told_once(store):
    damage_content(stage_of(store, "adapt", IDENTITY, write("first")).folder)
    later = reopened(store)
    with pytest.warns(UserWarning, match="has damaged files") as warned:
        assert [later.find("adapt", IDENTITY) for _ in range(2)] == [None, None]
    assert len(warned) == 1


def test_a_stage_that_is_not_there_is_no_reason_to_warn(store, recwarn):
    assert store.find("adapt", IDENTITY) is None
    stage_of(store, "adapt", IDENTITY, write("first"))
    assert not recwarn.list


def test_an_identity_is_found_again_whatever_json_makes_of_it(store):
    identity = {"shapes": (1, 2), "by number": {10: "a", 9: "b"}, "name": "\u00fc", "rate": 1e-05}
    stage = stage_of(store, "adapt", identity, write("first"))
    assert reopened(store).find("adapt", identity) == stage


def test_two_processes_compute_a_key_once(tmp_path):
    code = f"""{PRELUDE}
def compute(folder):
    (Path(sys.argv[1]) / f"computed-{{os.getpid()}}").touch()
    print("computing", flush=True)
    sys.stdin.readline()
    (folder / "result.txt").write_text("by one")

print("trying", flush=True)
stage = store.compute("adapt", {IDENTITY!r}, compute)
print((stage.folder / "result.txt").read_text(), flush=True)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as first:
        assert [first.stdout.readline() for _ in range(2)] == ["trying\n", "computing\n"]
        with subprocess.Popen(command, **pipes) as second:
            assert second.stdout.readline() == "trying\n"
            assert first.communicate("go on\n")[0] == "by one\n"
            assert second.communicate("\n")[0] == "by one\n"
    assert len(list(tmp_path.glob("computed-*"))) == 1


def test_a_process_that_waits_for_another_says_so(tmp_path):
    code = f"""{PRELUDE}
def compute(folder):
    print("computing", flush=True)
    sys.stdin.readline()

store.compute("adapt", {IDENTITY!r}, compute)
"""
    waits = []
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "computing\n"

        def on_wait(waiting):
            waits.append((waiting, first.poll()))
            if waiting:
                first.communicate("go on\n")

        store = Store(root=tmp_path, notify=lambda event: None, on_wait=on_wait)
        store.compute("adapt", IDENTITY, refuse)
    assert waits == [(True, None), (False, 0)]
    store.compute("adapt", {**IDENTITY, "seed": 1}, write("alone"))
    assert len(waits) == 2


def test_a_stage_of_folders_is_refused(store):
    """Checksums cover files; a folder inside would go unchecked."""

    def compute(folder):
        (folder / "inner").mkdir()

    with pytest.raises(StageError, match="IsADirectoryError"):
        stage_of(store, "adapt", IDENTITY, compute)


def test_seconds_are_those_of_the_process_and_its_children(store):
    def compute(folder):
        subprocess.run([sys.executable, "-c", "sum(range(10 ** 6))"], check=True)

    before = sum(os.times()[:4])
    stage = stage_of(store, "adapt", IDENTITY, compute)
    assert 0 < stage.seconds <= sum(os.times()[:4]) - before + 0.02


def test_the_root_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Store(root=Path("cache"), notify=lambda event: None).compute("adapt", IDENTITY, write("first"))
    assert (tmp_path / stage.folder / "result.txt").is_file()


def test_manifests_say_what_finished_stages_hold_and_leave_out_what_cannot_be_read(store):
    kept = stage_of(store, "adapt", IDENTITY, write("first"))
    for seed, damage in enumerate((damage_manifest, replace_manifest, nest_manifest, misspell_a_key), start=1):
        damage(stage_of(store, "adapt", {**IDENTITY, "seed": seed}, write("second")).folder)
    stage_of(store, "score", IDENTITY, write("third"))
    (manifest,) = store.manifests("adapt")
    assert manifest.identity == IDENTITY
    assert manifest.files.keys() == {"result.txt"}
    assert store.find("adapt", manifest.identity) == kept


@pytest.fixture
def large(store, monkeypatch):
    """A finished stage with a large file, which was found whole by a run that is over."""
    monkeypatch.setattr("tlbench.engine.remembered.SETTLED", 0)
    stage = stage_of(store, "adapt", IDENTITY, write("w" * LARGE))
    store.remember()
    return stage


def change(path, keep_times=False):
    """Change one byte, as a failing disk would, or as an editor does."""
    before = path.stat()
    unlock(path.parent)
    with path.open("r+b") as stream:
        stream.write(b"x")
    if keep_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_large_file_that_was_found_whole_is_not_read_again(store, large, monkeypatch):
    monkeypatch.setattr("tlbench.engine.remembered.file_sha256", lambda path: pytest.fail(f"{path.name} was read"))
    assert reopened(store).find("adapt", IDENTITY) == large


@pytest.mark.filterwarnings("ignore:The cached stage")
@pytest.mark.parametrize("keep_times", [False, True])
def test_a_large_file_that_has_changed_since_is_noticed(store, large, keep_times):
    change(large.folder / "result.txt", keep_times)
    assert reopened(store).find("adapt", IDENTITY) is None


def test_what_a_stage_that_computes_reads_is_read_again_whole(store, large, monkeypatch):
    """Also where size, times and inode say that nothing has changed."""
    later = reopened(store)
    assert later.find("adapt", IDENTITY) == large
    later.check_again(large)
    monkeypatch.setattr("tlbench.engine.remembered.RememberedHashes.sha256", lambda memory, path: "of old")
    change(large.folder / "result.txt")
    with pytest.raises(DamagedStageError, match=r"damaged files: result\.txt"):
        later.check_again(large)


@pytest.mark.filterwarnings("ignore:The cached stage")
def test_a_stage_that_is_found_damaged_is_not_there_any_more(store, large):
    change(large.folder / "result.txt")
    with pytest.raises(DamagedStageError):
        store.check_again(large)
    assert store.find("adapt", IDENTITY) is None
    assert (stage_of(store, "adapt", IDENTITY, write("again")).folder / "result.txt").read_text() == "again"


def test_a_file_is_handed_out_whole_or_not_at_all(store):
    stage = stage_of(store, "export", IDENTITY, write("predictions"))
    assert store.checked(stage, "result.txt") == stage.folder / "result.txt"
    change(stage.folder / "result.txt")
    for name in ("result.txt", "another.txt"):
        with pytest.raises(DamagedStageError, match=name):
            store.checked(stage, name)


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"files": 3}', b"\xff"])
def test_a_damaged_memory_is_done_without(store, large, damage):
    (store.root / "checked.json").write_bytes(damage)
    assert reopened(store).find("adapt", IDENTITY) == large


@pytest.mark.parametrize("entries", [3, {}, [], {"a": 3}, {"a": [1, 2, 3, "x"]}, {"a": [1, 2, 3, 4, "x"]}])
def test_a_memory_of_another_form_is_done_without(store, large, entries):
    path = store.root / "checked.json"
    if isinstance(entries, dict):
        entries = {str(large.folder.relative_to(store.root) / "result.txt"): value for value in entries.values()}
    write_sealed(path, {"files": entries})
    assert reopened(store).find("adapt", IDENTITY) == large


def test_a_stage_is_found_by_its_key(store):
    stage = stage_of(store, "prepare", IDENTITY, write("first"))
    assert reopened(store).at("prepare", stage.key) == stage
    assert store.at("prepare", "0" * 32) is None
    other = stage_of(store, "prepare", {"seed": 1}, write("second"))
    remove(other.folder)
    shutil.copytree(stage.folder, other.folder)
    assert store.at("prepare", other.key) is None
