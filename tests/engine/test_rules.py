"""Rules that the user names: the host chooses among the models of a training."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from support import silent

from tlbench import REGRESSION
from tlbench.contract.specs import BY_SOURCE_LABELS, BY_TARGET_INPUTS
from tlbench.engine import adaptation, rules
from tlbench.engine.adaptation import adapt
from tlbench.engine.given import declared_parts, source_training
from tlbench.errors import ContractError, UnknownNameError
from tlbench.learning.choosing import CANDIDATES, Chooser
from tlbench.planning.catalog import load_catalog
from tlbench.planning.expand import make_plan
from tlbench.planning.rules import own_rule
from tlbench.planning.selection import RunRequest
from tlbench.testing.toy import toy_candidate

FEW = {"source.steps": 30, "coral.steps": 40, "finetune.steps": 20, "shot.steps": 20, "adversarial.steps": 40}


@pytest.fixture(scope="module")
def shipped():
    return load_catalog(also=[toy_candidate()])


@pytest.fixture
def chosen(shipped, settings, source_of, monkeypatch):
    """Adapt with a rule; return the pairing, the choosers, and the adapted model."""

    def run(strategy, rule, **overrides):
        few = {name: number for name, number in FEW.items() if name.startswith(("source", strategy))}
        request = RunRequest(
            tasks=["toy/blobs"], strategies=[strategy], references=["none"], seeds=[0], select=rule,
            overrides={**few, **overrides},
        )  # fmt: skip
        (pairing,) = make_plan([request], shipped, settings).pairings
        prepared, source = source_of(pairing)
        made = []

        def keep(*arguments):
            made.append(rules.chooser(*arguments))
            return made[-1]

        monkeypatch.setattr(adaptation, "chooser", keep)
        return pairing, made, adapt(pairing, prepared, source, silent).model

    return run


@pytest.mark.parametrize("rule", [*BY_SOURCE_LABELS, *BY_TARGET_INPUTS])
def test_the_model_with_the_highest_score_is_returned(chosen, rule):
    pairing, (chooser,), _ = chosen("coral", rule)
    assert pairing.selection == rule
    assert len(chooser.scores) == CANDIDATES + 1
    kept = chooser.score(chooser.model.eval(), "source")
    assert kept == pytest.approx(max(chooser.scores), abs=1e-6)


def test_the_best_on_the_label_budget_is_returned_by_target_validation(chosen):
    pairing, (chooser,), model = chosen("finetune", "target-validation", **{"task.label_budget": "60"})
    assert pairing.selection == "target-validation"
    assert chooser.score(model, "target") == pytest.approx(max(chooser.scores))


def test_predictions_on_target_inputs_choose_without_source_data(chosen):
    _, (chooser,), _ = chosen("shot", "information-maximisation")
    assert len(chooser.scores) == CANDIDATES + 1


def test_adversarial_training_is_chosen_by_class_shares_unless_the_user_asks_for_the_last_model(chosen):
    pairing, (chooser,), model = chosen("adversarial", "", **{"adversarial.weight": 20})
    assert (pairing.select, pairing.selection, len(chooser.scores)) == ("", "class-shares", CANDIDATES + 1)
    assert chooser.score(model, "source") == pytest.approx(max(chooser.scores), abs=1e-6)
    pairing, (chooser,), _ = chosen("adversarial", "last")
    assert (pairing.selection, chooser) == ("last", None)


def test_where_there_are_no_probabilities_the_last_model_is_returned(shipped):
    adversarial, task = shipped.strategy("adversarial"), shipped.task("toy/blobs")
    assert own_rule(adversarial, task) == "class-shares"
    assert own_rule(adversarial, dataclasses.replace(task, kind=REGRESSION)) == "last"


def test_without_a_rule_nothing_is_compared(chosen):
    pairing, (chooser,), _ = chosen("coral", "")
    assert chooser is None
    assert (pairing.selection, pairing.select) == ("last", "")


def test_every_strategy_that_leaves_the_choice_is_chosen_by_each_of_its_rules(shipped, settings):
    for strategy in shipped.strategies.values():
        for rule in strategy.selections:
            request = RunRequest(tasks=["toy/blobs"], strategies=[strategy.name], references=["none"], select=rule)
            assert all(one.selection == rule for one in make_plan([request], shipped, settings).pairings)


def test_what_is_set_aside_is_not_the_strategy_s(chosen, shipped, settings, source_of):
    spec = shipped.strategy("coral")

    def peeks(request):
        return request.source.validation

    pairing, _, _ = chosen("coral", "source-validation")
    prepared, source = source_of(pairing)
    with pytest.raises(ContractError, match="without declaring it"):
        adapt(dataclasses.replace(pairing, strategy=dataclasses.replace(spec, adapt=peeks)), prepared, source, silent)


def test_a_rule_is_a_question_of_its_own(shipped, settings):
    def key(rule):
        request = RunRequest(tasks=["toy/blobs"], strategies=["coral"], references=["none"], seeds=[0], select=rule)
        return make_plan([request], shipped, settings).pairings[0].key()

    assert len({key(""), key("certainty"), key("source-validation")}) == 3


def test_an_unknown_rule_is_answered_with_those_that_there_are(shipped, settings):
    request = RunRequest(tasks=["toy/blobs"], strategies=["coral"], select="certanty")
    with pytest.raises(UnknownNameError, match='"certainty"'):
        make_plan([request], shipped, settings)


def test_modes_of_parts_and_the_best_weights_are_restored():
    from tlbench.learning import Encoder, TransferModel

    class Scale(Encoder):
        feature_dim = 1

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

    model = TransferModel(Scale(), {"target": torch.nn.Linear(1, 2)})
    model.encoder.train()
    model.heads["target"].eval()
    chooser = Chooser(model, lambda model, head: -abs(float(model.encoder.weight.detach()) - 3))
    for _ in range(6):
        chooser.candidate([model.encoder])
        with torch.no_grad():
            model.encoder.weight += 1
    assert (model.encoder.training, model.heads["target"].training) == (True, False)
    chooser.put_best()
    assert float(model.encoder.weight.detach()) == 3
    assert not chooser.watches([torch.nn.Linear(1, 1)])


def test_a_model_that_is_trained_whole_is_scored_by_its_target_head():
    from tlbench.learning import TransferModel

    heads = {name: torch.nn.Linear(1, 2) for name in ("source", "target")}
    model, scored = TransferModel(torch.nn.Identity(), heads), []
    chooser = Chooser(model, lambda model, head: scored.append(head) or 0.0)
    for modules in ([model], [model.encoder, model.heads["target"]], [model.encoder, model.heads["source"]]):
        chooser.candidate(modules)
    assert scored == ["target", "target", "source"]


def test_a_run_says_by_which_rule_its_model_was_chosen(run_pairings, shipped):
    wanted = {"tasks": ["toy/blobs"], "strategies": ["coral", "finetune"], "references": ["none"], "seeds": [0]}
    rows = run_pairings(shipped, **wanted, select="certainty", overrides={"source.steps": 20, "coral.steps": 10}).rows
    assert {row.strategy: (row.status, row.selection) for row in rows} == {
        "coral": ("ok", "certainty"),
        "finetune": ("ok", "last"),
    }


@pytest.mark.parametrize("rule", BY_SOURCE_LABELS)
def test_the_source_model_has_not_seen_the_examples_that_choose(shipped, settings, source_of, rule):
    few = {"source.steps": 30, "coral.steps": 40}
    request = RunRequest(
        tasks=["toy/blobs"], strategies=["coral"], references=["none"], seeds=[0], select=rule, overrides=few
    )
    (pairing,) = make_plan([request], shipped, settings).pairings
    prepared, _ = source_of(pairing)
    kept = {row.tobytes() for row in source_training(pairing, prepared).inputs.columns[0]}
    held = {row.tobytes() for row in declared_parts(pairing, prepared)["source.validation"].inputs.columns[0]}
    assert held
    assert not kept & held
    assert len(kept | held) == len(prepared.split("source-train"))
    last = dataclasses.replace(pairing, select="")
    assert len(source_training(last, prepared)) == len(prepared.split("source-train"))


def test_of_many_units_a_rule_that_compares_all_pairs_takes_some(chosen, monkeypatch):
    seen = []
    monkeypatch.setattr(rules, "MOST", 50)
    monkeypatch.setitem(
        rules.BY_INPUTS, "soft-neighbourhood-density", lambda values: float(seen.append(len(values)) or 0)
    )
    chosen("coral", "soft-neighbourhood-density")
    assert set(seen) == {50}


def test_what_has_statistics_that_are_estimated_behind_the_training_is_not_chosen(shipped):
    assert {shipped.strategies[name].selections for name in ("tent", "mcd")} == {()}
