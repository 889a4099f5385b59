from __future__ import annotations

import pytest

from tlbench.errors import StageError, UnknownNameError, UsageError


@pytest.mark.parametrize(
    ("name", "known", "advice"),
    [
        ("finetun", ["finetune", "frozen"], "did you mean 'finetune'?"),
        ("forzen", ["finetune", "frozen"], "did you mean 'frozen'?"),
        ("xyz", ["finetune", "frozen"], "known: finetune, frozen."),
        ("xyz", [], "known: none."),
    ],
)
def test_an_unknown_name_proposes_near_ones_or_lists_all(name, known, advice):
    error = UnknownNameError("strategy", name, iter(known))
    assert str(error) == f'There is no strategy "{name}": {advice}'
    assert isinstance(error, UsageError)


def test_a_stage_error_names_the_stage_and_keeps_the_cause():
    cause = ValueError("no rows")
    error = StageError("prepare", cause)
    assert (str(error), error.stage, error.__cause__) == ("prepare: ValueError: no rows", "prepare", cause)
