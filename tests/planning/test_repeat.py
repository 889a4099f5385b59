from __future__ import annotations

import dataclasses

import pytest

from tlbench.planning.expand import make_plan
from tlbench.planning.repeat import repeat_command
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings
from tlbench.results.row import Row

PLAIN = ["tlbench", "run", "--task", "toy/blobs", "--strategy", "finetune", "--seeds", "0-0", "--device", "cpu"]


@pytest.fixture
def row_of(pairing_of, settings):
    """Returns the row that a pairing would leave, without scores, and the pairing."""

    def row(task, **run_request):
        pairing = pairing_of(task, **run_request)
        return Row(**pairing.row_fields(settings), status="ok"), pairing

    return row


def test_a_row_at_the_defaults_needs_no_options(catalog, row_of):
    assert repeat_command(row_of("toy/blobs")[0], catalog) == PLAIN


def test_a_precision_that_the_device_would_not_choose_is_named(catalog, row_of):
    row = row_of("toy/blobs")[0]
    words = repeat_command(dataclasses.replace(row, precision="bf16"), catalog)
    assert words == [*PLAIN, "--precision", "bf16"]
    on_gpu = repeat_command(dataclasses.replace(row, device="cuda", precision="bf16"), catalog)
    assert "--precision" not in on_gpu


def test_the_command_plans_the_same_pairing_again(catalog, settings, row_of):
    changed = {"task.noise": 0.5, "task.label_budget": 12, "source.steps": 7, "finetune.learning_rate": 0.25}
    run_request = {"backbones": ["toy/mlp-batchnorm"], "overrides": changed, "quick": True, "seeds": (7,)}
    row, pairing = row_of("toy/blobs", **run_request)
    words = repeat_command(row, catalog)
    assert words[4:10] == ["--backbone", "toy/mlp-batchnorm", "--strategy", "finetune", "--seeds", "7-7"]
    overrides = dict(word.split("=") for word in words if "=" in word)
    assert overrides["finetune.steps"] == "10"
    again = RunRequest(
        tasks=["toy/blobs"],
        backbones=["toy/mlp-batchnorm"],
        strategies=["finetune"],
        seeds=(7,),
        overrides=overrides,
    )
    assert pairing.key() in {found.key() for found in make_plan([again], catalog, settings).pairings}


def test_the_places_of_a_user_s_task_are_left_to_the_user(catalog, tmp_path):
    (tmp_path / "rows.csv").write_text("1,2,3,4,5,6,0,0\n")
    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board", data_root=None)
    run_request = RunRequest(
        tasks=["toy/table"], strategies=["finetune"], seeds=(0,), overrides={"task.source": str(tmp_path)}
    )
    pairing = make_plan([run_request], catalog, settings).pairings[0]
    words = repeat_command(Row(**pairing.row_fields(settings), status="ok"), catalog)
    assert words[-2:] == ["--set", "task.source=PATH"]


def test_a_strategy_that_is_gone_keeps_all_its_options(catalog, row_of):
    row = dataclasses.replace(row_of("toy/blobs")[0], strategy="gone")
    words = repeat_command(row, catalog)
    assert [word for word in words if word.startswith("gone.")] == [
        f"gone.{name}={value}" for name, value in row.strategy_options.items()
    ]
