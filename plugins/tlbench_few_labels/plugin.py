"""What the plugin of few labels offers."""

from __future__ import annotations

from tlbench import Access, Option, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2

CLASSES = ("class-probabilities", "probe")
"""What episodes and heads of one vector a class need."""


def _fixmatch() -> StrategySpec:
    return StrategySpec(
        name="fixmatch",
        title="FixMatch",
        summary="Fine-tuning, also on confident predictions of unlabelled inputs: strong views must agree with them.",
        paper="Sohn et al. 2020, FixMatch: simplifying semi-supervised learning, arXiv:2001.07685",
        access=frozenset({Access.TARGET_LABELS, Access.TARGET_INPUTS}),
        trains_encoder=True,
        on_request=True,
        needs=("two-views", "class-probabilities"),
        recipe="full",
        options=(
            *training_options(steps=120, learning_rate=1e-3),
            Option(name="threshold", default=0.95, summary="least probability of a pseudo-label (tau)", least=0),
            Option(name="weight", default=1.0, summary="weight of the unlabelled loss (lambda)", least=0, tune=10),
            Option(
                name="ratio", default=7, summary="unlabelled examples for each labelled one of a batch (mu)", least=1
            ),
        ),
        adapt=deferred("tlbench_few_labels.fixmatch", "fixmatch"),
    )


def _mean_teacher() -> StrategySpec:
    return StrategySpec(
        name="mean-teacher",
        title="Mean teacher",
        summary="Fine-tuning that agrees with a moving average of itself on unlabelled inputs; the average is served.",
        paper="Tarvainen & Valpola 2017, Mean teachers are better role models, arXiv:1703.01780",
        access=frozenset({Access.TARGET_LABELS, Access.TARGET_INPUTS}),
        trains_encoder=True,
        on_request=True,
        needs=("class-probabilities",),
        recipe="full",
        options=(
            *training_options(steps=120, learning_rate=1e-3),
            Option(name="weight", default=100.0, summary="final weight of the consistency", least=0, tune=10),
            Option(name="decay", default=0.99, summary="part of the teacher that stays (alpha)", least=0, most=1),
        ),
        adapt=deferred("tlbench_few_labels.mean_teacher", "mean_teacher"),
    )


def _prototypes() -> StrategySpec:
    # An episode has a size of its own.
    training = (one for one in training_options(steps=250, learning_rate=1e-3) if one.name != "batch_size")
    return StrategySpec(
        name="prototypes",
        title="Prototypical networks",
        summary="Trains on episodes of the source; then each class is the mean feature of its labelled examples.",
        paper="Snell et al. 2017, Prototypical networks for few-shot learning, arXiv:1703.05175",
        access=frozenset({Access.SOURCE, Access.TARGET_LABELS}),
        trains_encoder=True,
        on_request=True,
        needs=(*CLASSES, "source-class-probabilities", "source-probe"),
        settings=("transductive", "inductive"),
        recipe="adversarial",
        options=(
            *training,
            Option(name="ways", default=5, summary="classes in an episode, or all if there are fewer", least=2),
            Option(name="shots", default=5, summary="examples of a class that make its mean", least=1),
            Option(name="queries", default=15, summary="examples of a class that are classified", least=1),
        ),
        adapt=deferred("tlbench_few_labels.prototypes", "prototypes"),
    )


def _reptile() -> StrategySpec:
    return StrategySpec(
        name="reptile",
        title="Reptile",
        summary="Meta-learning on episodes of the source's classes, then fine-tuning on the label budget.",
        paper="Nichol et al. 2018, On first-order meta-learning algorithms, arXiv:1803.02999",
        access=frozenset({Access.SOURCE, Access.TARGET_LABELS}),
        trains_encoder=True,
        on_request=True,
        needs=(*CLASSES, "source-class-probabilities", "source-probe"),
        settings=("transductive", "inductive"),
        recipe="adversarial",
        options=(
            *training_options(steps=250, learning_rate=1e-3),
            Option(name="tuning_steps", default=120, summary="last steps, on the label budget; at most half", least=0),
            Option(name="inner_steps", default=8, summary="steps on an episode (k)", least=1),
            Option(name="inner_batch", default=10, summary="examples in a batch of an episode", least=1),
            Option(name="shots", default=15, summary="examples of each class in an episode", least=1),
            Option(name="meta_rate", default=1.0, summary="first rate of the meta-update (epsilon)", least=0),
        ),
        adapt=deferred("tlbench_few_labels.reptile", "reptile"),
    )


def _zero_shot() -> StrategySpec:
    return StrategySpec(
        name="zero-shot",
        title="Zero-shot, from the names of the labels",
        summary="The label whose name is most alike the input, by the cosine of their vectors; reads no label.",
        paper="Chang et al. 2008, Importance of semantic representation: dataless classification, AAAI",
        access=frozenset(),
        trains_encoder=False,
        augments=False,
        on_request=True,
        needs=("label-vectors", *CLASSES),
        options=(Option(name="template", default="{}", summary="text around the name of a label"),),
        adapt=deferred("tlbench_few_labels.zero_shot", "zero_shot"),
    )


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [_fixmatch(), _mean_teacher(), _prototypes(), _reptile(), _zero_shot()]
