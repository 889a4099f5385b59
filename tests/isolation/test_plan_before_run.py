"""The plan before a run: on standard error, what a child finds out of it, and what earlier results say."""

from __future__ import annotations

from fakes.machine import FEW

RUN = ("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", "--references", "none")


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_run_begins_with_a_plan_and_a_later_plan_knows_how_long_it_took(isolated):
    machine = isolated("planned")
    first = machine.run(*RUN, *FEW)
    said = one_line(first.stderr)
    assert "plan of toy/blobs runs 2 strategies x seed 0 on toy/mlp: 2 runs labels 24 of 240 labels" in said
    assert "too short to be timed" in said
    assert "plan of" not in first.stdout
    again = machine.run(*RUN, *FEW, "--quiet")
    assert (again.returncode, again.stderr) == (0, "")
    rows = machine.rows()

    longer = machine.run(*RUN, "--dry-run")
    assert (longer.returncode, machine.rows()) == (0, rows)
    assert "6 runs" in longer.stdout
    assert "(from earlier results)" in one_line(longer.stdout)


def test_a_dry_run_of_data_that_cannot_be_read_says_why_and_ends_with_2(isolated, tmp_path):
    from PIL import Image

    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(12):
            noise = Image.effect_noise((64, 64), 50).convert("RGB")
            noise.save(tmp_path / label / f"{number}.jpg")
    path = tmp_path / "a" / "3.jpg"
    path.write_bytes(path.read_bytes()[:400])
    machine = isolated("planned")
    words = ("--task", "vision/image-folder", "--set", f"task.target={tmp_path}", "--strategy", "frozen", "--dry-run")
    plan = machine.run(*words)
    assert plan.returncode == 2
    assert "error" in plan.stdout
    assert "3.jpg" in plan.stdout
    assert "not known" not in plan.stdout
