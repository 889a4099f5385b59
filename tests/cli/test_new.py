"""Packages that `tlbench new` writes."""

from __future__ import annotations

import tomllib

import pytest

FIRST = {
    "domain": ("chemistry", "tlbench-chemistry"),
    "task": ("vision/mine", "tlbench-vision-mine"),
    "strategy": ("lp.ft", "tlbench-lp-ft"),
    "backbone": ("tabular/mine", "tlbench-tabular-mine"),
}
"""A name of each kind, and the distribution that it leads to."""


@pytest.mark.parametrize("kind", FIRST)
def test_a_package_is_whole_and_says_how_to_go_on(tlbench, kind, tmp_path):
    name, distribution = FIRST[kind]
    status, output, errors = tlbench("new", kind, name, "-o", "plugins")
    assert (status, errors) == (0, "")
    assert f"cd plugins/{distribution}" in output
    folder = tmp_path / "plugins" / distribution
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    ((_, module),) = project["project"]["entry-points"]["tlbench"].items()
    assert project["project"]["name"] == distribution
    assert (folder / module.replace(".", "/")).with_suffix(".py").is_file()
    assert f"tlbench check {distribution}" in (folder / "README.md").read_text()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert "$" not in path.read_text()
        if path.suffix == ".py":
            compile(path.read_text(), path, "exec")
    assert [path.name for path in (tmp_path / "plugins").iterdir()] == [distribution]


def test_the_packages_pass_their_own_tests_as_they_are(environment, session_cache, tmp_path):
    """The strategy's too, where the guide is followed."""
    kinds = ("domain", "task", "backbone")
    lines = [f"tlbench new {kind} {FIRST[kind][0]}" for kind in kinds]
    folders = [FIRST[kind][1] for kind in kinds]
    install = "python -m pip install -q " + " ".join(f"-e ./{folder}[test]" for folder in folders)
    done = environment.bash("\n".join([*lines, install, f"python -m pytest -q {' '.join(folders)}"]), tmp_path)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "failed" not in done.stdout


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("strategy", "finetune", 'The strategy "finetune" already exists in finetune (tlbench '),
        ("domain", "vision", 'The domain "vision" already exists in vision (tlbench '),
        ("strategy", "vision", 'A module "tlbench_vision" already exists'),
        ("task", "visio/mine", 'domain "visio". Did you mean "vision"?'),
        ("task", "mine", "DOMAIN/NAME"),
        ("task", "vision/../mine", 'task name "vision/../mine"'),
        ("backbone", "../mine", "MODALITY/NAME"),
        ("strategy", "..", "Invalid strategy name"),
        ("strategy", "größe", "Invalid strategy name"),
        ("strategy", "a b", "Invalid strategy name"),
    ],
)
def test_a_name_that_will_not_do_is_refused_with_the_reason(tlbench, tmp_path, kind, name, message):
    status, _, errors = tlbench("new", kind, name)
    assert (status, message in errors) == (2, True), errors
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_as_it_is(tlbench, tmp_path):
    (tmp_path / "tlbench-mine").mkdir()
    status, _, errors = tlbench("new", "strategy", "mine")
    assert status == 2
    assert '"tlbench-mine" already exists' in errors
    assert not list((tmp_path / "tlbench-mine").iterdir())
