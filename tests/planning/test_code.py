"""What counts as a function's code: the definitions that it reaches, and versions."""

from __future__ import annotations

import functools
import importlib
import sys

import pytest
from support import run_python

from tlbench.contract.deferred import deferred
from tlbench.engine.pipeline import PIPELINE
from tlbench.planning.code import code_of

MAIN = """
import helper_package
from helper_package import shared
from helper_package.inner import used

LIMIT = 3


def root(x):
    '''What it does.'''
    return used(x) + shared(x) + LIMIT


def other(x):
    return x


def lazy(x):
    from helper_package.late import late

    return late(x)


def by_module(x):
    return helper_package.inner.used(x)


def outside(x):
    import click

    return click.style(x)


def chosen(name):
    return importlib.import_module(name)


class Base:
    def run(self):
        return used(1)


class Derived(Base):
    pass


def typed(part: Base) -> int:
    return part.run()


def made(value):
    def inner():
        return value

    return inner
"""
FILES = {
    "helper_package/__init__.py": "from helper_package.facade import shared\n",
    "helper_package/facade.py": "def shared(x):\n    return x\n\n\ndef unused(x):\n    return x\n",
    "helper_package/inner.py": "STEP = 1\n\n\ndef used(x):\n    return x + STEP\n",
    "helper_package/late.py": "def late(x):\n    return x\n",
    "code_under_test.py": MAIN,
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Modules below a folder on the import path; `change(file, old, new)` edits one and returns the hashes anew."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("helper_package", "code_under_test"))]:
        del sys.modules[name]


def reach(name):
    return code_of(deferred("code_under_test", name))


def edit(tree, file, old, new):
    path = tree / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    # A file that is written twice within one tick of the clock would look unchanged.
    import os

    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**6))


@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("root", {"code_under_test:root", "code_under_test:LIMIT", "helper_package.facade:shared",
                  "helper_package.inner:used", "helper_package.inner:STEP"}),
        ("other", {"code_under_test:other"}),
        ("lazy", {"code_under_test:lazy", "helper_package.late:late"}),
        ("by_module", {"code_under_test:by_module", "helper_package.inner:used", "helper_package.inner:STEP"}),
        ("Derived", {"code_under_test:Derived", "code_under_test:Base", "helper_package.inner:used",
                     "helper_package.inner:STEP"}),
        ("typed", {"code_under_test:typed", "code_under_test:Base", "helper_package.inner:used",
                   "helper_package.inner:STEP"}),
    ],
)  # fmt: skip
def test_a_function_reaches_what_it_names_and_nothing_else(tree, name, reached):
    definitions = {place for place in reach(name).definitions if not place.endswith(":")}
    assert definitions == reached


def test_a_comment_a_docstring_and_layout_count_for_nothing(tree):
    before = reach("root").identity()
    edit(tree, "code_under_test.py", "'''What it does.'''", "'''Something else.'''\n    # why")
    edit(tree, "helper_package/inner.py", "def used(x):", "# a reason\ndef used( x ):")
    assert reach("root").identity() == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("code_under_test.py", "LIMIT = 3", "LIMIT = 4"),
        ("helper_package/facade.py", "def shared(x):\n    return x", "def shared(x):\n    return 2 * x"),
        ("helper_package/inner.py", "STEP = 1", "STEP = 2"),
        ("helper_package/inner.py", "return x + STEP", "return x - STEP"),
    ],
)
def test_a_change_of_what_is_reached_changes_the_code(tree, file, old, new):
    before, untouched = reach("root").identity(), reach("other").identity()
    edit(tree, file, old, new)
    assert reach("root").identity() != before
    assert reach("other").identity() == untouched


def test_a_change_of_what_is_not_reached_changes_nothing(tree):
    before = reach("root").identity()
    edit(tree, "helper_package/facade.py", "def unused(x):\n    return x", "def unused(x):\n    return -x")
    assert reach("root").identity() == before


def test_an_installed_package_counts_by_its_version_and_that_of_what_it_requires(tree):
    versions = code_of(deferred("tlbench_vision.backbones.resnet", "ResNet")).identity()["versions"]
    assert {"python", "torch", "timm", "torchvision"} <= versions.keys()
    assert reach("outside").identity()["versions"].keys() == {"python", "click"}
    assert reach("other").identity()["versions"].keys() == {"python"}


def test_code_that_is_chosen_at_run_time_counts_with_its_whole_package(tree):
    inner = tree / "helper_package" / "dynamic.py"
    inner.write_text("import importlib\n\n\ndef load(name):\n    return importlib.import_module(name)\n")
    code = code_of(deferred("helper_package.dynamic", "load"))
    assert code.unfollowed == {"helper_package.dynamic"}
    assert {"helper_package.late:late", "helper_package.facade:unused"} <= code.definitions.keys()


def test_a_deferred_module_counts_with_all_that_it_defines(tree):
    whole = {"helper_package.inner:used", "helper_package.inner:STEP"}
    assert whole <= code_of(deferred("helper_package.inner")).definitions.keys()
    (tree / "light.py").write_text(
        "from tlbench import deferred\n\n\ndef spec():\n    return deferred('helper_package.inner')\n"
    )
    assert whole <= code_of(deferred("light", "spec")).definitions.keys()


def test_values_that_a_function_was_made_with_count(tree):
    module = importlib.import_module("code_under_test")
    parts = [functools.partial(module.other, 1), functools.partial(module.other, 2), module.made(1), module.made(2)]
    assert len({str(code_of(part).identity()) for part in parts}) == 4
    assert code_of(functools.partial(module.other, module.root)).definitions.keys() >= {"helper_package.inner:used"}


def test_data_files_of_a_plugin_s_package_count(tree):
    before = code_of(deferred("helper_package.inner", "used")).identity()
    (tree / "helper_package" / "table.json").write_text("{}")
    assert code_of(deferred("helper_package.inner", "used")).identity() != before


def test_a_script_can_be_followed(tree):
    script = tree / "script.py"
    script.write_text(
        "from tlbench.planning.code import code_of\n\n\ndef f():\n    return 1\n\n\nassert code_of(f).definitions\n"
    )
    done = run_python(f"import runpy, sys; sys.argv = ['script']; runpy.run_path({str(script)!r}, run_name='__main__')")
    assert done.returncode == 0, done.stderr


def test_no_module_that_is_followed_is_imported():
    code = """
import sys
from tlbench.engine.pipeline import PIPELINE
from tlbench.planning.code import code_identity
assert all(code_identity(stage.compute)["code"] for stage in PIPELINE)
print(sorted({"torch", "numpy", "onnx", "sklearn"} & set(sys.modules)))
"""
    done = run_python(code)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_the_latency_stage_reaches_what_measures_and_no_other_stage_does():
    measuring = "tlbench.deploy.latency:measure"
    assert [stage.name for stage in PIPELINE if measuring in code_of(stage.compute).definitions] == ["latency"]
    latency = next(stage for stage in PIPELINE if stage.name == "latency")
    rooms = {place.partition(":")[0].split(".")[1] for place in code_of(latency.compute).definitions}
    assert rooms == {"deploy", "engine", "errors", "results"}
