from __future__ import annotations

import json
import os

import click
import pytest
from support import unlock

from tlbench.cli.quantities import parse_age, parse_size
from tlbench.engine import cache
from tlbench.engine.cache import IN_USE
from tlbench.engine.manifest import MANIFEST
from tlbench.engine.remembered import LARGE, RememberedHashes
from tlbench.engine.stage_folders import LEFT_OVER, lock_of
from tlbench.engine.store import Store

DAY = 24 * 3600


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = tmp_path / "cache"
    monkeypatch.setenv("TLBENCH_CACHE", str(root))
    return root


def stage(root, seed, size=1000, days=0.0, name="adapt"):
    """A finished stage that was not used for some days."""
    store = Store(root=root, notify=lambda event: None)
    made = store.compute(name, {"seed": seed}, lambda folder: (folder / "weights").write_bytes(b"w" * size))
    used = (made.folder / MANIFEST).stat().st_mtime - days * DAY
    os.utime(made.folder / MANIFEST, (used, used))
    return made.folder


def printed(tlbench, *words):
    status, output, errors = tlbench("cache", *words, "--json")
    assert errors == ""
    return status, json.loads(output)


def test_sizes_are_shown_for_each_stage_and_in_all(tlbench, root):
    folders = [stage(root, 0), stage(root, 1, size=5000), stage(root, 0, name="score")]
    (root / "models").mkdir()
    (root / "models" / "mine").write_bytes(b"m" * 70)
    manifests = [(folder / MANIFEST).stat().st_size for folder in folders]
    status, facts = printed(tlbench)
    assert (status, facts["folder"], facts["other_bytes"]) == (0, str(root), 70)
    assert facts["stages"] == {
        "adapt": {"count": 2, "size_bytes": 6000 + sum(manifests[:2])},
        "score": {"count": 1, "size_bytes": 1000 + manifests[2]},
    }
    assert (facts["count"], facts["size_bytes"]) == (3, 7000 + sum(manifests))
    status, output, _ = tlbench("cache")
    assert [words.split()[0] for words in output.splitlines()[-3:]] == ["adapt", "score", "total"]


@pytest.mark.parametrize("words", [(), ("verify",), ("prune", "--older-than", "1d")])
def test_a_cache_that_does_not_exist_is_empty(tlbench, root, words):
    status, facts = printed(tlbench, *words)
    assert (status, facts.get("count", facts.get("checked"))) == (0, 0)
    assert not root.exists()


def test_what_was_not_used_for_long_is_pruned(tlbench, root):
    folders = {days: stage(root, days, days=days) for days in (0, 10, 40, 50)}
    status, facts = printed(tlbench, "prune", "--older-than", "30d", "--dry-run")
    assert (status, facts["folders"]) == (0, [str(folders[50]), str(folders[40])])
    assert all(folder.is_dir() for folder in folders.values())
    assert printed(tlbench, "prune", "--older-than", "30d")[1]["folders"] == facts["folders"]
    assert {days: folder.exists() for days, folder in folders.items()} == {0: True, 10: True, 40: False, 50: False}
    assert not list(root.glob("*/*/*.draft"))


def test_the_longest_unused_go_until_the_rest_fits(tlbench, root):
    folders = {days: stage(root, days, days=days, size=4000) for days in (3, 1, 2)}
    status, output, _ = tlbench("cache", "prune", "--max-size", "8kB")
    assert (status, output.splitlines()[0].split()[0]) == (0, "2")
    assert {days: folder.exists() for days, folder in folders.items()} == {3: False, 2: False, 1: True}


def test_a_stage_that_is_found_is_used(tlbench, root):
    folders = {seed: stage(root, seed, days=40) for seed in (0, 1)}
    assert Store(root=root, notify=print).find("adapt", {"seed": 1}) is not None
    assert printed(tlbench, "prune", "--older-than", "30d")[1]["folders"] == [str(folders[0])]


def test_what_a_process_computes_or_used_lately_stays(tlbench, root):
    lately, locked, free = stage(root, 0), stage(root, 1, days=9), stage(root, 2, days=8)
    with lock_of(locked):
        for dry in (("--dry-run",), ()):
            assert printed(tlbench, "prune", "--max-size", "0B", *dry)[1]["folders"] == [str(free)]
    assert (lately.exists(), locked.exists(), free.exists()) == (True, True, False)
    _, output, _ = tlbench("cache", "prune", "--max-size", "0B")
    assert not locked.exists()
    assert "More than --max-size is left" in output
    os.utime(lately / MANIFEST, ((lately / MANIFEST).stat().st_mtime - IN_USE - 60,) * 2)
    assert printed(tlbench, "prune", "--max-size", "0B")[1]["folders"] == [str(lately)]


def test_pruning_sweeps_drafts_and_forgets_hashes(tlbench, root, monkeypatch):
    monkeypatch.setattr("tlbench.engine.remembered.SETTLED", 0)
    folder = stage(root, 0, size=LARGE, days=40)
    kept = stage(root, 1, size=LARGE)
    store = Store(root=root, notify=print)
    found = [store.find("adapt", {"seed": seed}) for seed in (0, 1)]
    store.remember()
    assert None not in found
    assert len(RememberedHashes.read(root / "checked.json").entries) == 2
    os.utime(folder / MANIFEST, (0, 0))
    draft = folder.with_suffix(".a1.draft")
    draft.mkdir()
    os.utime(draft, (draft.stat().st_mtime - LEFT_OVER - 60,) * 2)
    printed(tlbench, "prune", "--older-than", "30d")
    assert not draft.exists()
    (name,) = RememberedHashes.read(root / "checked.json").entries
    assert root / name == kept / "weights"


@pytest.mark.parametrize("words", [(), ("--older-than", "30"), ("--max-size", "-1GB"), ("--max-size", "10 parsecs")])
def test_a_prune_without_a_limit_is_refused(tlbench, root, words):
    folder = stage(root, 0, days=1000)
    status, output, errors = tlbench("cache", "prune", *words)
    assert (status, output) == (2, "")
    assert "Error: " in errors
    assert folder.is_dir()


def test_damaged_stages_are_listed_and_removed_on_request(tlbench, root):
    whole, damaged, moved, stray = (stage(root, seed) for seed in range(4))
    (unlock(damaged) / "weights").write_bytes(b"v" * 1000)
    unlock(moved).rename(moved.with_name("0" * 32))
    cache.discard(stray)
    stray.symlink_to("nowhere")
    gone = [damaged, moved.with_name("0" * 32), stray]
    for _ in range(2):
        status, output, _ = tlbench("cache", "verify")
        assert status == 1
        assert all(str(folder) in output for folder in gone)
        assert str(whole) not in output
        assert "4 stages checked, 3 damaged." in output
    status, facts = printed(tlbench, "verify", "--remove")
    assert (status, sorted(facts["removed"])) == (1, sorted(map(str, gone)))
    assert not any(os.path.lexists(folder) for folder in gone)
    assert printed(tlbench, "verify") == (0, {"checked": 1, "damaged": [], "removed": []})


def test_a_large_file_is_read_again_although_it_is_remembered(tlbench, root, monkeypatch):
    monkeypatch.setattr("tlbench.engine.remembered.SETTLED", 0)
    folder = stage(root, 0, size=LARGE)
    monkeypatch.setattr(RememberedHashes, "sha256", lambda memory, path: pytest.fail("not read again"))
    (unlock(folder) / "weights").write_bytes(b"v" * LARGE)
    assert printed(tlbench, "verify")[0] == 1


def test_a_damaged_stage_that_is_computed_right_now_is_not_removed(tlbench, root):
    folder = stage(root, 0)
    (unlock(folder) / "weights").unlink()
    with lock_of(folder):
        assert printed(tlbench, "verify", "--remove")[1]["removed"] == []
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_size, "10GB", 1e10),
        (parse_size, "1.5 gib", 1.5 * 2**30),
        (parse_size, "0B", 0),
        (parse_size, "7kb", 7000),
        (parse_age, "30d", 30 * DAY),
        (parse_age, "2W", 14 * DAY),
        (parse_age, "0.5h", 1800),
    ],
)
def test_a_quantity_is_a_number_with_a_unit(parse, text, value):
    assert parse(None, None, text) == value


@pytest.mark.parametrize("text", ["", "10", "GB", "-1GB", "1e3GB", "1GB2", "nanGB", "1 0GB"])
def test_a_quantity_without_a_unit_is_refused(text):
    with pytest.raises(click.BadParameter, match="use a number with"):
        parse_size(None, None, text)
