from __future__ import annotations

import json
import sys

import pytest

from tlbench import deferred


def test_a_target_is_imported_with_the_first_call(tmp_path, monkeypatch):
    (tmp_path / "late_module.py").write_text("def double(x, *, plus=0):\n    return 2 * x + plus\n")
    monkeypatch.syspath_prepend(tmp_path)
    double = deferred("late_module", "double")
    assert "late_module" not in sys.modules
    assert double(2, plus=1) == 5
    monkeypatch.delitem(sys.modules, "late_module")


def test_without_a_name_the_module_is_returned():
    assert deferred("json")() is json


def test_two_of_one_target_are_equal():
    assert deferred("json", "dumps") == deferred("json", "dumps") != deferred("json", "loads")


@pytest.mark.parametrize(("target", "error"), [(("nowhere_at_all", "f"), ImportError), (("json", "f"), AttributeError)])
def test_a_target_that_does_not_exist_is_named(target, error):
    with pytest.raises(error, match=target[error is AttributeError]):
        deferred(*target).resolve()
