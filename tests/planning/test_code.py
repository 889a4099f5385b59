"""What counts as a function's code: the definitions that it reaches, and versions."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import math
import sys

import pytest
from support import run_python

from tlbench.contract.deferred import deferred
from tlbench.engine.pipeline import PIPELINE
from tlbench.planning.code import code_identity, code_of

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


def test_of_tlbench_the_definitions_count_that_a_function_names():
    code = code_of(deferred("tlbench.learning.metrics.classification", "accuracy"))
    modules = {place.partition(":")[0] for place in code.definitions}
    assert "tlbench.learning.metrics.classification:accuracy" in code.definitions
    assert "tlbench.learning.metrics.classification:macro_f1" not in code.definitions
    assert not any(module.startswith(("tlbench.planning", "tlbench.deploy", "tlbench.engine")) for module in modules)


def test_of_others_the_modules_count_that_are_imported(tree):
    assert {place for place in reach("other").definitions if place.startswith(("code_under_test", "helper"))} == {
        "code_under_test:", "helper_package:", "helper_package.facade:", "helper_package.inner:",
        "helper_package.late:",
    }  # fmt: skip
    assert "helper_package.late:" not in code_of(deferred("helper_package.inner", "used")).definitions


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
    before = reach("root").identity()
    late = code_of(deferred("helper_package.late", "late")).identity()
    edit(tree, file, old, new)
    assert reach("root").identity() != before
    # Its package imports the façade.
    assert (code_of(deferred("helper_package.late", "late")).identity() != late) is file.endswith("facade.py")


def test_an_installed_package_counts_by_its_version_and_that_of_what_it_requires(tree):
    versions = code_of(deferred("tlbench_vision.backbones.resnet", "ResNet")).identity()["versions"]
    assert {"python", "torch", "timm", "torchvision"} <= versions.keys()
    assert reach("outside").identity()["versions"].keys() == {"python", "click"}
    assert code_of(deferred("helper_package.late", "late")).identity()["versions"].keys() == {"python"}


def test_code_that_is_chosen_at_run_time_counts_with_its_whole_package(tree):
    inner = tree / "helper_package" / "dynamic.py"
    inner.write_text("import importlib\n\n\ndef load(name):\n    return importlib.import_module(name)\n")
    code = code_of(deferred("helper_package.dynamic", "load"))
    assert code.unfollowed == {"helper_package.dynamic"}
    assert {"helper_package.late:", "helper_package.facade:"} <= code.definitions.keys()


def test_a_deferred_module_counts_with_all_that_it_defines(tree):
    whole = {"helper_package.inner:"}
    assert whole <= code_of(deferred("helper_package.inner")).definitions.keys()
    (tree / "light.py").write_text(
        "from tlbench import deferred\n\n\ndef spec():\n    return deferred('helper_package.inner')\n"
    )
    assert whole <= code_of(deferred("light", "spec")).definitions.keys()


def test_values_that_a_function_was_made_with_count(tree):
    module = importlib.import_module("code_under_test")
    parts = [functools.partial(module.other, 1), functools.partial(module.other, 2), module.made(1), module.made(2)]
    assert len({str(code_of(part).identity()) for part in parts}) == 4
    assert code_of(functools.partial(module.other, module.root)).definitions.keys() >= {"helper_package.inner:"}


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


SILENT = {
    "condition": ("MODE = 'a'\nif MODE == 'a':\n    def f(x):\n        return x\n"
                  "else:\n    def f(x):\n        return -x\n",
                  "MODE = 'a'", "MODE = 'b'"),
    "imported name": ("from math import floor as rounding\n\n\ndef f(x):\n    return rounding(x)\n", "floor", "ceil"),
    "star": ("from helper_package.inner import *\n\n\ndef f(x):\n    return used(x)\n", None, None),
    "attempt": ("try:\n    from helper_package.inner import used\nexcept ImportError:\n"
                "    def used(x):\n        return 0\n"
                "\n\ndef f(x):\n    return used(x)\n", None, None),
    "patch": ("import helper_package.inner as inner\ninner.STEP = 5\n\n\ndef f(x):\n    return inner.used(x)\n",
              "STEP = 5", "STEP = 6"),
    "registration": ("import helper_package.inner\n\n\ndef f(x):\n    return REGISTRY['used'](x)\n", None, None),
}  # fmt: skip


@pytest.mark.parametrize("case", SILENT)
def test_no_way_of_writing_a_plugin_hides_a_change(tree, case):
    """Where nothing of the plugin itself changes, a helper of it does."""
    text, old, new = SILENT[case]
    (tree / "plain_plugin.py").write_text(text)
    before = code_of(deferred("plain_plugin", "f")).identity()
    if old is None:
        edit(tree, "helper_package/inner.py", "return x + STEP", "return x - STEP")
    else:
        edit(tree, "plain_plugin.py", old, new)
    assert code_of(deferred("plain_plugin", "f")).identity() != before


def test_no_value_that_a_function_was_made_with_is_lost(tree):
    module, partial = importlib.import_module("code_under_test"), functools.partial

    def with_default(value):
        def inner(x, w=value):
            return w

        return inner

    pairs = [
        (partial(module.other, a=1), partial(module.other, b=1)),
        (partial(module.other, w=[1, 2]), partial(module.other, w=[1, 3])),
        (partial(module.other, kind=int), partial(module.other, kind=float)),
        (partial(module.other, r=math.floor), partial(module.other, r=math.ceil)),
        (partial(module.other, p=module.root, q=module.lazy), partial(module.other, p=module.lazy, q=module.root)),
        (module.made([1, 2]), module.made([1, 3])),
        (with_default(1), with_default(2)),
    ]
    for one, another in pairs:
        assert code_of(one).identity() != code_of(another).identity(), one
        assert code_of(one).identity() == code_of(one).identity()


def test_values_of_libraries_and_of_itself_can_be_described(tree):
    import torch

    module = importlib.import_module("code_under_test")

    def itself(x):
        return itself(x)

    @dataclasses.dataclass
    class Scaled:
        factor: int

        def __call__(self, x):
            return self.factor * x

    for value in (functools.partial(module.other, torch.optim.SGD), torch.no_grad()(module.other), itself, Scaled(2)):
        assert code_identity(value)["code"]
        assert not any(place.startswith("torch") for place in code_of(value).definitions)
    assert code_identity(Scaled(2)) != code_identity(Scaled(3))
    assert "torch" in code_of(functools.partial(module.other, torch.optim.SGD)).packages
