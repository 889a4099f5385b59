from __future__ import annotations

import pytest

from tlbench.errors import StageError, UnknownNameError, UsageError, describe


@pytest.mark.parametrize(
    ("name", "known", "advice"),
    [
        ("finetun", ["finetune", "frozen"], 'Did you mean "finetune"?'),
        ("forzen", ["finetune", "frozen"], 'Did you mean "frozen"?'),
        ("xyz", ["finetune", "frozen"], "Valid names: finetune, frozen."),
        ("xyz", [], "Valid names: none."),
    ],
)
def test_an_unknown_name_proposes_near_ones_or_lists_all(name, known, advice):
    error = UnknownNameError("strategy", name, iter(known))
    assert str(error) == f'Unknown strategy "{name}". {advice}'
    assert isinstance(error, UsageError)


def test_a_stage_error_names_the_stage_and_keeps_the_cause():
    cause = ValueError("no rows")
    error = StageError("prepare", cause)
    assert (str(error), error.stage, error.__cause__) == ("prepare: ValueError: no rows", "prepare", cause)


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("no message")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UsageError("no such task"), "no such task"),
        (ValueError("no rows"), "ValueError: no rows"),
        (ValueError("caf\udce9.wav"), r"ValueError: caf\udce9.wav"),
        (MuteError(), "MuteError: its message cannot be read (RuntimeError)"),
    ],
)
def test_any_error_is_described_in_text_that_can_be_encoded(error, text):
    assert describe(error) == text
    assert str(StageError("adapt", error)).encode()
