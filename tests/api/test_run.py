"""`tlbench.run`: the same request as on the command line, the same rows and boards."""

from __future__ import annotations

import sys

import pytest
from support import comparable, only, run_python

import tlbench
from tlbench import cli
from tlbench.results.files import BOARD
from tlbench.results.row_files import read_rows

FEW = ("--seeds", "1", "--set", "source.steps=8", "--set", "strategy.steps=2", "--device", "cpu")


def test_python_and_the_command_line_leave_the_same_rows(run, tmp_path, monkeypatch, capsys):
    results = run(strategies=["finetune"])
    words = ["tlbench", "run", "--task", "toy/blobs", "--strategy", "finetune", *FEW, "--board", "other"]
    monkeypatch.setattr(sys, "argv", words)
    cli.main()
    rows = [comparable(row.to_json()) for row in read_rows(tmp_path / "other")]
    assert [comparable(row.to_json()) for row in tlbench.load("board")] == rows
    assert sorted(row.file_name for row in results) == sorted(row.file_name for row in read_rows(tmp_path / "other"))
    assert (tmp_path / "board" / "toy.md").read_text() == (tmp_path / "other" / "toy.md").read_text()


def test_one_name_stands_for_a_list_of_one(run):
    results = run(strategies="finetune", backbone="toy/mlp")
    assert {row.strategy for row in results if not row.baseline} == {"finetune"}


def test_seeds_and_budgets_are_numbers_or_lists(run):
    assert {row.seed for row in run(strategies="source-only", seeds=[4, 7])} == {4, 7}
    budgets = {row.label_budget for row in run(strategies="constant", label_budgets=[8, "2/class"]) if row.label_budget}
    assert 8 in budgets


def test_the_board_is_that_of_the_command_line_unless_it_is_named(run, tmp_path):
    run(strategies="constant", board=None)
    assert len(list(read_rows(tmp_path / BOARD))) == len(tlbench.load())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"task": "toy/blob"}, "toy/blobs"),
        ({"strategies": ["finetun"]}, "finetune"),
        ({"backbone": "toy/mpl"}, "toy/mlp"),
        ({"seeds": 0}, "seeds 0"),
        ({"seeds": "3"}, "'3'"),
        ({"seeds": True}, "True"),
        ({"threads": 0}, "threads 0"),
        ({"device": "gpu"}, "gpu"),
        ({"precision": "tf32"}, "tf32"),
        ({"precision": "half"}, "half"),
        ({"options": {"steps": 3}}, "OWNER.NAME"),
        ({"options": {"finetune.steps": None}}, "None"),
        ({"options": {"finetune.step": 3}}, "finetune.steps"),
        ({"source": "here", "options": {"task.source": "there"}}, "task.source"),
        ({"suite": "reel"}, "real"),
    ],
)
def test_an_invalid_request_is_a_usage_error(run, arguments, said):
    with pytest.raises(tlbench.UsageError, match=said.replace(".", r"\.")):
        run.func(**{"task": "toy/blobs", **arguments})


def test_places_are_options_of_the_task(run, tmp_path):
    for name in ("old", "new"):
        lines = [f"{i},{i % 3},{('normal', 'attack')[i % 2]}" for i in range(40)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["a,b,label", *lines]))
    arguments = {"source": tmp_path / "old.csv", "target": "new.csv", "strategies": "constant"}
    results = run.func("anomaly/table", **arguments, seeds=1, options={"source.steps": 2}, quick=True, board="board")
    assert {row.status for row in results if row.strategy == "constant"} == {"ok"}


def test_what_is_not_a_terminal_gets_no_progress(run, capfd):
    run(strategies="constant", options={"source.steps": 7})
    assert capfd.readouterr() == ("", "")


def test_a_failed_run_is_a_row_and_no_exception(run):
    def breaks(request):
        raise RuntimeError("no")

    results = run(strategies=[breaks])
    row = only(results, strategy="breaks")
    assert (row.status, row.stage) == ("failed", "adapt")
    assert "RuntimeError: no" in repr(results)


def test_torch_of_the_session_is_as_it_was(run):
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    torch.use_deterministic_algorithms(False)
    try:
        run(strategies="constant", options={"source.steps": 6})
        assert torch.get_num_threads() == 3
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(threads)


def test_importing_tlbench_loads_no_library_and_little_of_tlbench():
    done = run_python("import sys, tlbench\nprint(*sorted(name for name in sys.modules))")
    loaded = done.stdout.split()
    heavy = {"torch", "numpy", "pandas", "matplotlib", "rich", "tabulate", "click", "json"}
    assert sorted(heavy & set(loaded)) == []
    assert len([name for name in loaded if name.startswith("tlbench")]) <= 20
