from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from tlbench.assets.folders import cache_folder, data_folder
from tlbench.contract.requests import LoadRequest
from tlbench.errors import MissingDataError, UsageError
from tlbench.planning import fingerprints
from tlbench.planning.budget import Budget
from tlbench.planning.settings import Settings
from tlbench.results.files import digest

STAGES = ["prepare", "source", "features", "adapt", "score", "export"]
ADAPTED = STAGES[3:]
TRAINED = STAGES[1:]


def keys(pairing, settings):
    return {stage: digest(wanted) for stage, wanted in pairing.identities(settings).items()}


def moved(pairing, settings, **changes):
    """The stages whose key a change of the pairing moves."""
    before, after = keys(pairing, settings), keys(dataclasses.replace(pairing, **changes), settings)
    return [stage for stage in STAGES if before[stage] != after[stage]]


def test_the_stages_stand_in_the_order_in_which_they_run(blobs, settings):
    assert list(blobs.identities(settings)) == STAGES


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"seed": 1}, TRAINED),
        ({"task_options": {"noise": 2.0}}, STAGES),
        ({"backbone_options": {"hidden": 8}}, STAGES),
        ({"source_options": {"steps": 1}}, TRAINED),
        ({"strategy_options": {"steps": 1}}, ADAPTED),
        ({"label_budget": Budget(25)}, ADAPTED),
        ({"label_budget": Budget(24, per_class=True)}, ADAPTED),
        ({"fingerprint": "other contents"}, STAGES),
        ({"skip": "for a while"}, []),
        ({"task_options": {"noise": 1.0, "source": "/one", "target": "/other"}}, []),
    ],
    ids=str,
)
def test_a_change_moves_the_stages_behind_it_and_no_other(blobs, settings, changes, stages):
    assert moved(blobs, settings, **changes) == stages


def test_another_name_moves_what_it_has_a_part_in(blobs, settings):
    def renamed(part):
        return dataclasses.replace(getattr(blobs, part), name="other")

    assert moved(blobs, settings, strategy=renamed("strategy")) == ADAPTED
    assert moved(blobs, settings, task=renamed("task")) == STAGES
    assert moved(blobs, settings, backbone=renamed("backbone")) == STAGES


@pytest.mark.parametrize(
    ("changes", "stages"),
    [({"device": "cuda"}, TRAINED), ({"threads": 2}, TRAINED), ({"cache": Path("x")}, []), ({"board": Path("x")}, [])],
    ids=str,
)
def test_where_it_runs_moves_what_is_computed_there(blobs, settings, changes, stages):
    before, after = keys(blobs, settings), keys(blobs, dataclasses.replace(settings, **changes))
    assert [stage for stage in STAGES if before[stage] != after[stage]] == stages


def test_code_moves_what_it_computes(blobs, settings, monkeypatch):
    """A changed plugin, host or library is another identity; who wrote the strategy does not move the source."""
    before = keys(blobs, settings)

    def stages_moved():
        after = keys(blobs, settings)
        return [stage for stage in STAGES if before[stage] != after[stage]]

    real = fingerprints.package_code
    for package, stages in {"tlbench_finetune": ADAPTED, "tlbench": STAGES, "tlbench_vision": []}.items():
        monkeypatch.setattr(fingerprints, "package_code", lambda name, p=package: "new" if name == p else real(name))
        assert stages_moved() == stages
    monkeypatch.setattr(fingerprints, "package_code", real)
    assert stages_moved() == []
    monkeypatch.setattr(fingerprints, "engine", lambda: "new")
    assert stages_moved() == STAGES
    monkeypatch.undo()
    monkeypatch.setattr(fingerprints, "versions", lambda: {"torch": "9.9"})
    assert stages_moved() == STAGES


def test_seeds_and_strategies_share_what_does_not_depend_on_them(catalog, plan_wish, settings):
    plan = plan_wish(catalog, tasks=["toy/blobs"], strategies=["frozen", "finetune"], seeds=(0, 1))
    counts = {stage: len({keys(pairing, settings)[stage] for pairing in plan.pairings}) for stage in STAGES}
    assert counts == {"prepare": 1, "source": 2, "features": 2, "adapt": 4, "score": 4, "export": 4}


@pytest.fixture
def table(catalog, plan_wish, tmp_path):
    """Plans the pairing of `toy/table` over the file in a folder."""

    def plan(folder):
        run_request = {"tasks": ["toy/table"], "strategies": ["frozen"], "overrides": {"task.source": str(folder)}}
        (pairing,) = plan_wish(catalog, **run_request).pairings
        return pairing

    (tmp_path / "one" / "rows").mkdir(parents=True)
    (tmp_path / "one" / "rows" / "rows.csv").write_text("1,2,3,4,5,6,0,0\n")
    return plan


def test_moving_a_file_changes_no_key_and_changing_its_content_does(table, settings, tmp_path):
    first = table(tmp_path / "one" / "rows")
    shutil.move(tmp_path / "one", tmp_path / "two")
    second = table(tmp_path / "two" / "rows")
    assert keys(first, settings) == keys(second, settings)
    assert first.key() == second.key()
    (tmp_path / "two" / "rows" / "rows.csv").write_text("1,2,3,4,5,6,1,0\n#")
    third = table(tmp_path / "two" / "rows")
    assert not set(keys(first, settings).values()) & set(keys(third, settings).values())
    assert first.key() != third.key()


def test_the_key_names_the_question_and_not_who_answers_it(blobs, monkeypatch):
    key = blobs.key()
    monkeypatch.setattr(fingerprints, "engine", lambda: "new")
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


def test_a_data_root_that_is_no_folder_is_said_so(monkeypatch, tmp_path):
    monkeypatch.setenv("TLBENCH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r'TLBENCH_DATA names ".*nowhere", which is not a folder'):
        data_folder()


def test_files_are_looked_for_below_the_data_root_or_in_the_folder_that_is_named(tmp_path):
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "rows.csv").touch()

    def request(source, root):
        return LoadRequest(task="toy/table", options={"source": source}, data_root=root).files(
            "source", "table", "rows.csv"
        )

    assert request("", tmp_path) == request(str(tmp_path / "table"), None) == [tmp_path / "table" / "rows.csv"]
    with pytest.raises(MissingDataError, match="which does not exist: check TLBENCH_DATA"):
        request("", tmp_path / "table")
