import sys

import pytest

from tlbench.testing.child import _listed


def test_what_a_hook_returns_is_listed():
    assert _listed(lambda: iter("ab")) == ["a", "b"]


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit])
def test_a_hook_that_raises_lists_nothing(error):
    def hook():
        raise error

    assert _listed(hook) == []


def test_a_hook_cannot_end_the_process():
    assert _listed(lambda: sys.exit(0)) == []
