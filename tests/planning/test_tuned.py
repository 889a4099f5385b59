"""Which strategies can be tuned, and which values are tried."""

from __future__ import annotations

import dataclasses
import math

import pytest

from tlbench.contract.options import Option, training_options
from tlbench.errors import UsageError
from tlbench.planning import tuned
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.tuned import check_optuna, is_tunable, options_of, own_options, propose, settled

BLOBS = {"tasks": ["toy/blobs"], "references": ["scratch", "source-only"], "seeds": [0]}


@pytest.fixture
def planned(catalog, settings):
    def plan(**request):
        pairings = make_plan([RunRequest(**{**BLOBS, **request})], catalog, settings).pairings
        return {pairing.strategy.name: pairing for pairing in pairings}

    return plan


def test_a_strategy_with_labels_and_a_range_can_be_tuned(catalog):
    tunable = {
        name
        for name in ("finetune", "scratch", "adversarial", "frozen", "all-labels", "source-only")
        if is_tunable(catalog.strategy(name))
    }
    assert tunable == {"finetune", "scratch"}


def test_every_strategy_that_can_be_tuned_gets_the_same_number_of_trials(planned):
    found = planned(strategies=["finetune", "adversarial"], tune=7)
    assert found["finetune"].strategy_options["trials"] == found["scratch"].strategy_options["trials"] == 7
    assert "trials" not in found["adversarial"].strategy_options
    assert own_options(found["finetune"].strategy, found["finetune"].strategy_options).keys() == {
        "steps",
        "learning_rate",
        "batch_size",
        "weight_decay",
    }


def test_without_tuning_keys_are_those_from_before(planned, catalog):
    finetune = catalog.strategy("finetune")
    plain, zero = planned(strategies=["finetune"])["finetune"], planned(strategies=["finetune"], tune=0)["finetune"]
    assert plain.strategy_options.keys() == {"steps", "learning_rate", "batch_size", "weight_decay"}
    assert plain.key() == zero.key() != planned(strategies=["finetune"], tune=3)["finetune"].key()
    assert settled(finetune, {"steps": 5, "trials": 0, "few_labels": False}) == {"steps": 5}


def test_one_strategy_alone_can_be_tuned(planned):
    found = planned(strategies=["finetune"], overrides={"finetune.trials": 4, "finetune.few_labels": True})
    assert (found["finetune"].strategy_options["trials"], found["finetune"].strategy_options["few_labels"]) == (4, True)
    assert "trials" not in found["scratch"].strategy_options


def test_what_cannot_be_tuned_has_no_trials(planned):
    with pytest.raises(UsageError, match=r"adversarial\.trials"):
        planned(strategies=["adversarial"], references=["none"], overrides={"adversarial.trials": 4})


def test_defaults_come_first_and_values_stay_in_their_range(catalog):
    finetune = catalog.strategy("finetune")
    defaults = own_options(finetune, {option.name: option.default for option in options_of(finetune)})
    tried = []
    for _ in range(20):
        options = propose(finetune, defaults, tried, seed=3)
        # The closer to a rate of 0.002, the better.
        tried.append((options, -abs(math.log(options["learning_rate"] / 2e-3))))
    assert tried[0][0] == defaults
    rates = [options["learning_rate"] for options, _ in tried]
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    assert {tuple(own.items()) for own in [{**options, "learning_rate": 0} for options, _ in tried]} == {
        tuple({**defaults, "learning_rate": 0}.items())
    }
    assert max(score for _, score in tried) > -0.2
    assert propose(finetune, defaults, tried[:9], seed=3) == tried[9][0]
    assert propose(finetune, defaults, tried[:9], seed=4) != tried[9][0]


def test_bounds_of_an_option_bound_what_is_tried():
    assert tuned._space(Option(name="share", default=0.5, summary="", most=1, tune=10), 0.5).high == 1
    space = tuned._space(Option(name="blocks", default=1, summary="", least=0, tune=4), 1)
    assert (space.low, space.high) == (1, 4)


def test_a_missing_optuna_is_said_before_the_run(monkeypatch, catalog):
    monkeypatch.setattr(tuned, "find_spec", lambda name: None)
    finetune = catalog.strategy("finetune")
    check_optuna([(finetune, {"steps": 5})])
    with pytest.raises(UsageError, match=r"tlbench\[tune\]"):
        check_optuna([(finetune, {"steps": 5, "trials": 2})])


def test_a_strategy_may_have_options_of_the_names_of_the_host_s(catalog):
    own = Option(name="trials", default=3, summary="its own")
    spec = dataclasses.replace(catalog.strategy("finetune"), options=(*catalog.strategy("finetune").options, own))
    assert not is_tunable(spec)
    assert options_of(spec, 20) == spec.options
    for trials in (0, 3):
        assert own_options(spec, {"trials": trials}) == settled(spec, {"trials": trials}) == {"trials": trials}
    assert tuned.trials_of(spec, {"trials": 3}) == 0


def test_what_is_zero_is_not_tuned(catalog):
    finetune = catalog.strategy("finetune")
    defaults = {"steps": 5, "learning_rate": 0.0, "batch_size": 8, "weight_decay": 0.0}
    assert propose(finetune, defaults, [(defaults, 0.5)], seed=0) == defaults


def test_the_learning_rate_is_tuned_and_the_steps_are_not():
    ranges = {option.name: option.tune for option in training_options(steps=5, learning_rate=0.1)}
    assert ranges == {"steps": 0, "learning_rate": 10, "batch_size": 0, "weight_decay": 0}
