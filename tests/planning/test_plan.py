from __future__ import annotations

import dataclasses
import shutil

import pytest

from tlbench import Option
from tlbench.assets.folders import cache_folder, data_folder
from tlbench.contract.budget import Budget
from tlbench.contract.requests import LoadRequest
from tlbench.errors import MissingDataError, UnknownNameError, UsageError
from tlbench.planning import fingerprints
from tlbench.planning.settings import Settings


@pytest.fixture
def table(catalog, plan_of, tmp_path):
    """Plans the pairing of `toy/table` over the file in a folder."""

    def plan(folder):
        run_request = {"tasks": ["toy/table"], "strategies": ["frozen"], "overrides": {"task.source": str(folder)}}
        (pairing,) = plan_of(catalog, **run_request).pairings
        return pairing

    (tmp_path / "one" / "rows").mkdir(parents=True)
    (tmp_path / "one" / "rows" / "rows.csv").write_text("1,2,3,4,5,6,0,0\n")
    return plan


def test_moving_a_file_changes_no_key_and_changing_its_content_does(table, settings, tmp_path):
    first = table(tmp_path / "one" / "rows")
    shutil.move(tmp_path / "one", tmp_path / "two")
    second = table(tmp_path / "two" / "rows")
    assert first.fingerprint == second.fingerprint
    assert first.key() == second.key()
    (tmp_path / "two" / "rows" / "rows.csv").write_text("1,2,3,4,5,6,1,0\n#")
    third = table(tmp_path / "two" / "rows")
    assert third.fingerprint != first.fingerprint
    assert first.key() != third.key()


def test_the_key_names_the_question_and_not_who_answers_it(blobs, monkeypatch):
    key = blobs.key()
    monkeypatch.setattr(fingerprints, "versions", lambda: {"torch": "9.9"})
    assert blobs.key() == key
    for changes in (
        {"seed": 1},
        {"label_budget": Budget(9)},
        {"label_budget": Budget(None)},
        {"strategy_options": {}},
        {"source_options": {}},
    ):
        assert dataclasses.replace(blobs, **changes).key() != key


def test_an_option_of_one_part_is_not_mistaken_for_another_s(blobs):
    first = dataclasses.replace(blobs, source_options={"steps": 1}, strategy_options={"steps": 2})
    second = dataclasses.replace(blobs, source_options={"steps": 2}, strategy_options={"steps": 1})
    assert first.key() != second.key()


def test_the_row_says_what_was_asked(blobs, settings):
    fields = blobs.row_fields(settings)
    assert fields["access"] == ("target-labels",)
    assert (fields["task"], fields["domain"], fields["budget_unit"]) == ("toy/blobs", "toy", "labels")
    assert fields["key"] == blobs.key()


def test_folders_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / "a" / ".." / "cache"))
    monkeypatch.setenv("TLBENCH_DATA", str(tmp_path))
    assert (cache_folder(), data_folder()) == (tmp_path / "cache", tmp_path)
    assert Settings().cache == tmp_path / "cache"
    monkeypatch.delenv("TLBENCH_CACHE")
    monkeypatch.delenv("TLBENCH_DATA")
    assert cache_folder().name == "tlbench"
    assert data_folder() is None


def test_training_is_in_float32_on_a_cpu_and_in_bf16_on_cuda_if_nothing_is_asked_for():
    assert Settings().training_precision == "fp32"
    assert Settings(device="cuda").training_precision == "bf16"
    assert Settings(device="cuda", precision="tf32").training_precision == "tf32"
    assert Settings(precision="bf16").training_precision == "bf16"


def test_the_precision_of_training_stands_on_the_row_and_moves_no_key(blobs, settings):
    full, half = (blobs.row_fields(dataclasses.replace(settings, precision=name)) for name in ("auto", "bf16"))
    changed = {name for name in full if full[name] != half[name]}
    assert (changed, full["precision"], half["precision"]) == ({"precision"}, "fp32", "bf16")


def test_a_precision_that_the_device_lacks_or_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match=r"tf32.*cpu"):
        Settings(precision="tf32")
    with pytest.raises(UnknownNameError, match=r'"bf61".*"bf16"'):
        Settings(precision="bf61")


def test_a_data_root_that_is_no_folder_is_said_so(monkeypatch, tmp_path):
    monkeypatch.setenv("TLBENCH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r'TLBENCH_DATA is ".*nowhere"'):
        data_folder()


def test_files_are_looked_for_below_the_data_root_or_in_the_folder_that_is_named(tmp_path):
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "rows.csv").touch()

    def request(source, root):
        return LoadRequest(task="toy/table", options={"source": source}, data_root=root).files(
            "source", "table", "rows.csv"
        )

    assert request("", tmp_path) == request(str(tmp_path / "table"), None) == [tmp_path / "table" / "rows.csv"]
    with pytest.raises(MissingDataError, match=r"does not exist.*TLBENCH_DATA"):
        request("", tmp_path / "table")


def test_a_source_option_that_is_no_path_is_a_part_of_the_key(catalog, plan_of):
    """Nothing else would tell of it: the task has no `files`, whose contents count in place of a path."""
    options = (Option(name="source", default="x", summary="which scanner"),)
    task = dataclasses.replace(catalog.task("toy/blobs"), options=(*catalog.task("toy/blobs").options, *options))
    changed = dataclasses.replace(catalog, tasks={**catalog.tasks, task.name: task})
    asked = {"tasks": [task.name], "strategies": ["finetune"]}
    (one, *_), (other, *_) = (
        plan_of(changed, **asked, overrides={"task.source": value}).pairings for value in ("x", "y")
    )
    assert one.data_options()["source"] == "x"
    assert one.key() != other.key()
