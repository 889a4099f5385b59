"""The check of a task that exports its model, with kinds of a plugin's own."""

from __future__ import annotations

import re
import sys

import pytest
from support import HERE

from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.testing import conformance
from tlbench.testing.bench import Bench
from tlbench.testing.tasks import export_predicts_what_was_scored
from tlbench.testing.toy import toy_candidate

GUIDE = (HERE.parent / "docs" / "plugin-guide.md").read_text()
STARS = re.search(r"`stars\.py`:\n\n```python\n(.*?)```", GUIDE, re.DOTALL)[1]
LARGEST = """
class Largest:
    outputs, parts = "One number for each label.", "texts"

    def predict(self, outputs, targets=None):
        return outputs.units

    def decide(self, outputs):
        return outputs.units.argmax(-1)

    def crop(self, outputs, example, prepared):
        return outputs

    def parse(self, text):
        return text

    def describe(self, prediction, example, labels):
        return labels[prediction.argmax()]

    def name(self, targets, labels):
        return [labels[target] for target in targets]
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Makes the check of the only task of a plugin in one file, or in two: (status, reason)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def checked(stars, **modules):
        for name, text in {"stars": stars, **modules}.items():
            (tmp_path / f"{name}.py").write_text(text)
        catalog = load_catalog(also=[toy_candidate(), plugin_file(tmp_path / "stars.py")])
        bench = Bench(catalog=catalog, folder=tmp_path, plugin=tmp_path / "stars.py")
        return conformance.make(export_predicts_what_was_scored, catalog.task("ratings/stars"), bench)

    yield checked
    for name in ("stars", "largest"):
        sys.modules.pop(name, None)


def test_the_kind_of_the_guide_is_exported_with_what_it_inherits(check):
    assert check(STARS) == ("ok", "")


def test_a_class_in_the_file_of_the_plugin_is_carried_alone(check):
    assert check(f"{STARS}\n{LARGEST}\nOrdinal.postprocess = Largest()\n") == ("ok", "")


def test_what_an_export_cannot_carry_is_named(check):
    """The class uses something of tlbench."""
    largest = LARGEST.replace("return outputs.units\n", "return outputs.units * float(bool(Classification))\n", 1)
    status, reason = check(f"{STARS}\n{largest}\nOrdinal.postprocess = Largest()\n")
    assert status == "failed"
    assert all(name in reason for name in ('kind "ordinal"', "stars", "tlbench", "numpy alone")), reason


def test_a_module_of_numpy_alone_is_carried(check):
    stars = f"{STARS}\nfrom largest import Largest\n\nOrdinal.postprocess = Largest()\n"
    assert check(stars, largest=LARGEST) == ("ok", "")
