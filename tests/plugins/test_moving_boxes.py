"""Boxes move with their images, as those of torchvision do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tlbench import AugmentRequest, ContractError
from tlbench.learning import BatchTargets, Moves, Targets, Trainer, vary_images
from tlbench.learning.batch import Augmentation, Varied
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.kinds.classification import Classification
from tlbench.learning.moving import moved, moving_kind
from tlbench.learning.vary.images import MOVES
from tlbench_detection.kind import Detection
from tlbench_detection.moving import REST, move_boxes

SIZE = 40


def boxes_of(size: int, each: int = 3) -> BatchTargets:
    """Return random boxes, `each` in each of `size` images."""
    random = np.random.default_rng(0)
    corners = np.sort(random.uniform(0.02, 0.98, (size * each, 2, 2)), axis=1)
    corners[:, 1] = np.maximum(corners[:, 1], corners[:, 0] + 0.02)
    values = np.concatenate([random.integers(3, size=(size * each, 1)), corners.reshape(-1, 4).clip(0, 1)], 1)
    table = np.concatenate([values, np.zeros((len(values), 1))], 1).astype(np.float32)
    return BatchTargets(torch.from_numpy(table), torch.full((size,), each))


def move_of(
    names: tuple[str, ...], images: torch.Tensor, strength: str = "strong"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return varied images and how they were moved."""
    request = AugmentRequest(
        inputs=(images,), names=names, strength=strength, generator=torch.Generator().manual_seed(5)
    )
    (made,) = vary_images(request)
    return made, Moves(request.moves, (SIZE, SIZE)).joined()


@pytest.mark.parametrize("names", [*((name,) for name in sorted(MOVES)), ("affine", "flip", "crop", "rot90")])
def test_boxes_are_where_torchvision_puts_them(names):
    """A map of the plane is given by where three corners go; torchvision takes four, for a map with a vanishing point.

    What lies outside is compared too: torchvision is asked not to cut it off.
    """
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    tensors = pytest.importorskip("torchvision.tv_tensors")
    targets = boxes_of(24)
    _, matrices = move_of(names, torch.zeros(24, 3, SIZE, SIZE, dtype=torch.uint8))
    made = move_boxes(targets, matrices).split()
    for boxes, matrix, ours in zip(targets.split(), matrices, made, strict=True):
        square = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
        ends = torch.linalg.solve(matrix[:, :2], (square - matrix[:, 2]).T).T
        places = [((part + 1) / 2 * SIZE).tolist() for part in (square, ends)]
        theirs = functional.perspective_bounding_boxes(
            boxes[:, 1:5].double() * SIZE,
            format=tensors.BoundingBoxFormat.XYXY,
            canvas_size=(SIZE, SIZE),
            startpoints=places[0],
            endpoints=places[1],
            clamping_mode=None,
        )
        inside = theirs.clamp(0, SIZE)
        kept = (inside[:, 2:] - inside[:, :2] > 1e-4 * SIZE).all(1)
        assert torch.allclose(ours[:, 1:5].double() * SIZE, inside[kept], atol=1e-3)
        left = area(inside[kept]) / area(theirs[kept])
        assert torch.equal(ours[:, 5] == 1, left < REST)


def area(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


@pytest.mark.parametrize("name", sorted(MOVES))
def test_what_is_in_a_box_is_in_the_moved_box(name):
    """The bright pixels of a square lie in the box, and reach its sides where nothing turns the square."""
    images = torch.zeros(32, 1, SIZE, SIZE, dtype=torch.uint8)
    images[:, :, 12:26, 8:20] = 255
    row = torch.tensor([[0, 8 / SIZE, 12 / SIZE, 20 / SIZE, 26 / SIZE, 0]])
    made, matrices = move_of((name,), images, "weak")
    targets = BatchTargets(row.repeat(32, 1), torch.ones(32, dtype=torch.int64))
    for image, box in zip(made, move_boxes(targets, matrices).split(), strict=True):
        rows, columns = torch.nonzero(image[0] > 127, as_tuple=True)
        seen = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        ours = box[0, 1:5] * SIZE
        assert (seen[:2] >= ours[:2] - 1).all()
        assert (seen[2:] <= ours[2:] + 1).all()
        if name not in ("affine", "rotate"):
            assert (seen - ours).abs().max() <= 1.01


def test_a_box_at_the_edge_is_cut_off_one_that_is_nearly_gone_is_a_crowd_and_one_outside_is_left_out():
    rows = [[1, 0.4, 0.4, 0.6, 0.6, 0], [1, 0.1, 0, 0.7, 1, 0], [2, 0.05, 0.3, 0.55, 0.5, 0], [0, 0, 0, 0.4, 0.4, 0]]
    targets = BatchTargets(torch.tensor([*rows, [0, 0, 0, 0.6, 1, 1]]), torch.tensor([4, 1, 0]))
    # The right half of each image.
    half = torch.tensor([[0.5, 0, 0.5], [0, 1, 0]]).repeat(3, 1, 1)
    made = move_boxes(targets, half)
    assert made.counts.tolist() == [3, 1, 0]
    expected = [[1, 0, 0.4, 0.2, 0.6, 0], [1, 0, 0, 0.4, 1, 0], [2, 0, 0.3, 0.1, 0.5, 1], [0, 0, 0, 0.2, 1, 1]]
    assert torch.allclose(made.values, torch.tensor(expected), atol=1e-6)


def test_no_box_stays_no_box():
    empty = BatchTargets(torch.zeros(0, 6), torch.zeros(2, dtype=torch.int64))
    made = move_boxes(empty, torch.eye(2, 3).repeat(2, 1, 1))
    assert (made.values.shape, made.counts.tolist()) == ((0, 6), [0, 0])


def trainer_of(names, vary, **kinds):
    return Trainer(
        owner="mine",
        kinds=kinds or {"target": Detection()},
        options={"batch_size": 8},
        generator=torch.Generator().manual_seed(0),
        device=torch.device("cpu"),
        augmentation=Augmentation(names=names, vary=vary, on_device=True),
    )


def examples_of(boxes: BatchTargets) -> Examples:
    images = np.zeros((len(boxes), 1, SIZE, SIZE), np.uint8)
    for image, (box, *_) in zip(images, boxes.split(), strict=True):
        left, top, right, bottom = (box[1:5] * SIZE).round().int().tolist()
        image[0, top:bottom, left:right] = 255
    return Examples(Inputs((images,)), Targets(boxes.values.numpy(), boxes.counts.numpy()))


def test_batches_of_a_trainer_have_the_boxes_of_their_images():
    row = torch.tensor([[0, 0.2, 0.3, 0.5, 0.6, 0]])
    examples = examples_of(BatchTargets(row.repeat(8, 1), torch.ones(8, dtype=torch.int64)))
    (images,), targets, _ = next(trainer_of(("flip", "light"), vary_images).batches(examples))
    lefts = targets.values[:, 1]
    assert sorted({round(left, 5) for left in lefts.tolist()}) == [0.2, 0.5]
    for image, left in zip(images, lefts, strict=True):
        assert bool(image[0, 15, round(float(left) * SIZE) + 1] > 100)
    (same,), targets, _ = next(trainer_of(("light",), vary_images).batches(examples))
    assert torch.equal(targets.values, row.repeat(8, 1))
    assert not torch.equal(same, images)
    (_,), targets, _ = next(trainer_of(("flip",), vary_images).batches(examples, augment="none"))
    assert torch.equal(targets.values, row.repeat(8, 1))


def test_what_cannot_be_moved_is_an_error():
    examples = examples_of(boxes_of(8, 1))
    with pytest.raises(ContractError, match="without saying how"):
        next(trainer_of(("flip",), lambda request: request.inputs).batches(examples))
    kinds = {"source": Classification(), "target": Detection()}
    with pytest.raises(ContractError, match=r"different kinds.*flip"):
        next(trainer_of(("flip",), vary_images, **kinds).batches(examples))
    assert moving_kind(kinds.values(), ("light",)) is None
    assert moving_kind([Classification()], ("flip",)) is None


def test_views_of_an_image_move_alike_unless_a_method_compares_whole_images():
    examples = examples_of(boxes_of(8, 1))
    (((first,), (second,)), targets, positions) = next(trainer_of(("flip",), vary_images).batches(examples, views=2))
    assert torch.equal(first, second)
    given = examples.targets.select(positions.numpy())
    assert not np.array_equal(targets.values[:, 1], given.values[:, 1])
    for aligned in (True, False):
        batches = trainer_of(("flip",), vary_images).batches(examples.inputs, views=2, aligned=aligned)
        ((first,), (second,)), targets, _ = next(batches)
        assert targets is None
        assert torch.equal(first, second) == aligned


def test_moves_are_joined_in_their_order():
    """Half the width seen, then mirrored: the left edge of the result is the right edge of the half."""
    half, mirrored = torch.tensor([[[0.5, 0, 0.5], [0, 1, 0]]]), torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]])
    whole = torch.tensor([[[-0.5, 0, 0.5], [0, 1, 0]]])
    assert torch.equal(Moves([half, mirrored], (SIZE, SIZE)).joined(), whole)
    ours = moved(Detection(), boxes_of(1), Varied((torch.zeros(1, 1, SIZE, SIZE),), [half, mirrored]))
    assert torch.equal(ours.values, move_boxes(boxes_of(1), whole).values)
