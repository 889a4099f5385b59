"""Mean teacher (Tarvainen & Valpola 2017): the student agrees with a moving average of itself on unlabelled inputs."""

import copy

import torch

from tlbench import Access, Option, StrategySpec, hookimpl, training_options


def mean_teacher(request):
    """Minimise the target loss and the squared distance to the teacher's answers; the teacher is what is served."""
    student, options = request.model, request.options
    teacher = copy.deepcopy(student)
    labelled, unlabelled = request.batches(request.target.train), request.batches(request.target.unlabelled)

    def loss(progress):
        inputs, targets, _ = next(labelled)
        others, _, _ = next(unlabelled)
        with torch.no_grad():
            expected = teacher(*others).units.softmax(-1)
        distance = (student(*others).units.softmax(-1) - expected).square().mean()
        weight = options["weight"] * progress
        return request.target.kind.loss(student(*inputs), targets) + weight * distance

    @torch.no_grad()
    def update_teacher(progress):
        for average, now in zip(teacher.parameters(), student.parameters(), strict=True):
            average.lerp_(now, 1 - options["momentum"])
        for average, now in zip(teacher.buffers(), student.buffers(), strict=True):
            average.copy_(now)

    request.train([student.encoder, student.heads["target"]], loss, after_step=update_teacher)
    return teacher


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="mean-teacher",
            title="Mean teacher",
            summary="Fine-tuning that agrees with a moving average of itself on unlabelled inputs.",
            paper="Tarvainen & Valpola 2017, Mean teachers are better role models, arXiv:1703.01780",
            access=frozenset({Access.TARGET_LABELS, Access.TARGET_INPUTS}),
            trains_encoder=True,
            recipe="full",
            needs=("class-probabilities",),
            options=(
                *training_options(steps=60, learning_rate=1e-3),
                Option(name="weight", default=10.0, summary="final weight of the agreement"),
                Option(name="momentum", default=0.9, summary="how much of the teacher stays in a step"),
            ),
            adapt=mean_teacher,
        )
    ]
