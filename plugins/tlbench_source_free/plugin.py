"""What the plugin of adaptation without source data offers."""

from __future__ import annotations

from tlbench import BY_TARGET_INPUTS, Access, Option, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [_shot(), _tent(), _pseudo_label()]


def _shot() -> StrategySpec:
    return StrategySpec(
        name="shot",
        title="SHOT",
        summary="Fits the encoder to the fixed source head: confident and varied outputs, labels by nearest centroid.",
        paper="Liang et al. 2020, Do we really need to access the source data?, arXiv:2002.08546",
        access=frozenset({Access.TARGET_INPUTS}),
        selections=BY_TARGET_INPUTS,
        trains_encoder=True,
        on_request=True,
        settings=("transductive",),
        needs=("class-probabilities", "probe"),
        options=(
            *training_options(steps=250, learning_rate=1e-3),
            Option(name="pseudo_weight", default=0.3, summary="weight of the loss on pseudo-labels (beta)", least=0),
        ),
        recipe="adversarial",
        adapt=deferred("tlbench_source_free.shot", "shot"),
    )


def _tent() -> StrategySpec:
    return StrategySpec(
        name="tent",
        title="TENT",
        summary="Lowers the entropy of predictions on target inputs by scale and shift of normalisation layers alone.",
        paper="Wang et al. 2021, Tent: fully test-time adaptation by entropy minimization, arXiv:2006.10726",
        access=frozenset({Access.TARGET_INPUTS}),
        # No selections: the statistics that are served are estimated behind the training, so a candidate has others.
        trains_encoder=True,
        augments=False,
        on_request=True,
        settings=("transductive",),
        needs=("class-probabilities",),
        options=training_options(steps=50, learning_rate=1e-3, batch_size=200, weight_decay=0.0),
        adapt=deferred("tlbench_source_free.tent", "tent"),
    )


def _pseudo_label() -> StrategySpec:
    return StrategySpec(
        name="pseudo-label",
        title="Pseudo-labels",
        summary="Trains on the target inputs of which the source model is sure, with its predictions as labels.",
        paper="Lee 2013, Pseudo-label: the simple and efficient semi-supervised learning method, ICML workshop",
        access=frozenset({Access.TARGET_INPUTS}),
        selections=BY_TARGET_INPUTS,
        trains_encoder=True,
        on_request=True,
        settings=("transductive",),
        needs=("class-probabilities",),
        options=(
            *training_options(steps=250, learning_rate=1e-3),
            Option(
                name="threshold",
                default=0.95,
                summary="probability from which on a prediction is a label; above 1 nothing is learnt",
                least=0,
            ),
        ),
        recipe="adversarial",
        adapt=deferred("tlbench_source_free.pseudo_label", "pseudo_label"),
    )
