"""Masks move with their images, as those of torchvision do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tlbench import AugmentRequest, ContractError
from tlbench.learning import BatchTargets, Moves, Segmentation, Targets, Trainer, vary_images
from tlbench.learning.batch import Augmentation
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.moving import moving_kind
from tlbench.learning.vary.images import MOVES

COUNT, HEIGHT, WIDTH = 12, 32, 44
MARGIN = 60
"""Pixels around an image in which torchvision continues it: no transformation looks further."""
TIE = 5e-4
"""Pixels within which two ways to compute a place may choose different neighbours."""
ANGLES = ("affine", "rotate", "zoom", "crop")
STRENGTHS = ("weak", "strong")


def drawn(height=HEIGHT, width=WIDTH, labels=5, count=COUNT):
    """Return smooth images `(N, 3, H, W)` and masks `(N, H, W)` of areas with any of several labels."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    seeds = torch.randint(labels, (count, 1, 9, 9), generator=generator).float()
    masks = torch.nn.functional.interpolate(seeds, (height, width), mode="nearest")[:, 0].long()
    return (smooth * 255).to(torch.uint8), masks


def varied(images, *names, strength="strong", seed=5):
    """Return varied images, and how they were moved."""
    generator = torch.Generator().manual_seed(seed)
    request = AugmentRequest(inputs=(images,), names=names, strength=strength, generator=generator)
    (made,) = vary_images(request)
    return made, Moves(request.moves, tuple(images.shape[-2:]))


def move(masks, moves):
    """Return masks `(N, H, W)` that the kind moved."""
    flat = BatchTargets(masks.flatten(), torch.full((len(masks),), masks[0].numel()))
    made = Segmentation().move(flat, moves)
    assert torch.equal(made.counts, flat.counts)
    return made.values.reshape(masks.shape)


def square(masks):
    return masks[:, :HEIGHT, :HEIGHT]


def by_torchvision(functional, value, matrix, height, width):
    """Return what torchvision makes of a `tv_tensors.Image` or `Mask` that is continued at its edges.

    A map of the plane is given by where the corners of the image go.
    """
    around = functional.pad(value, [MARGIN] * 4, padding_mode="edge")
    corners = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]).double()
    before = corners @ matrix[:, :2].double().T + matrix[:, 2].double()
    start, end = (((part + 1) / 2 * torch.tensor([width, height]) + MARGIN).tolist() for part in (before, corners))
    moved = functional.perspective(around, start, end)
    return functional.center_crop(moved, [height, width])


def near_tie(moves):
    """Return `(N, H, W)` bool: pixels whose place lies half-way between two pixels, by another computation."""
    grid = torch.nn.functional.affine_grid(moves.joined().double(), [COUNT, 1, *moves.size], align_corners=False)
    places = ((grid + 1) * torch.tensor([moves.size[1], moves.size[0]]) - 1) / 2
    return ((places - places.floor() - 0.5).abs() < TIE).any(3)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("name", ANGLES)
def test_images_and_masks_are_those_of_torchvision(name, strength):
    """Each example with its own draw, images that are wider than high, masks of five labels, edges included."""
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    tensors = pytest.importorskip("torchvision.tv_tensors")
    images, masks = drawn()
    made, moves = varied(images, name, strength=strength)
    ours, ties = move(masks, moves), near_tie(moves)
    assert ties.float().mean() < 0.02
    for place, matrix in enumerate(moves.joined()):
        image = by_torchvision(functional, tensors.Image(images[place]), matrix, HEIGHT, WIDTH)
        mask = by_torchvision(functional, tensors.Mask(masks[place]), matrix, HEIGHT, WIDTH)
        assert (image.int() - made[place].int()).abs().max() <= 1
        assert torch.equal(mask[~ties[place]], ours[place][~ties[place]])
    assert not torch.equal(ours, masks)
    assert len({tuple(matrix.flatten().tolist()) for matrix in moves.joined()}) == COUNT


@pytest.mark.parametrize(("name", "mirror"), [("flip", "horizontal_flip"), ("flip-vertical", "vertical_flip")])
def test_mirrored_masks_are_exact(name, mirror):
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    tensors = pytest.importorskip("torchvision.tv_tensors")
    images, masks = drawn()
    made, moves = varied(images, name)
    ours, mirrored = move(masks, moves), [not torch.equal(*pair) for pair in zip(made, images, strict=True)]
    assert 0 < sum(mirrored) < COUNT
    for mask, changed, after in zip(masks, mirrored, ours, strict=True):
        kept = tensors.Mask(mask)
        assert torch.equal(after, getattr(functional, mirror)(kept) if changed else kept)


@pytest.mark.parametrize("size", [31, 32, 24])
def test_masks_at_right_angles_are_exact(size):
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    tensors = pytest.importorskip("torchvision.tv_tensors")
    images, masks = drawn(size, size)
    made, moves = varied(images, "rot90")
    turns = set()
    for image, mask, after, turned in zip(images, masks, move(masks, moves), made, strict=True):
        (angle,) = [one for one in (0, 90, 180, 270) if torch.equal(functional.rotate(image, one), turned)]
        assert torch.equal(after, functional.rotate(tensors.Mask(mask), angle))
        turns.add(angle)
    assert len(turns) == 4


@pytest.mark.parametrize("names", [("affine", "crop"), ("crop", "affine"), ("rotate", "flip", "zoom"), ("affine",)])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_pixel_has_the_label_of_what_it_shows_also_beyond_the_edges_and_after_several_moves(names, axis):
    """Grey levels that rise along the image tell the row or the column that a moved pixel shows."""
    counts = torch.arange((HEIGHT, WIDTH)[axis])
    mask = counts[:, None].expand(HEIGHT, WIDTH) if axis == 0 else counts.expand(HEIGHT, WIDTH)
    masks = mask.repeat(COUNT, 1, 1)
    made, moves = varied((masks * 5).to(torch.uint8)[:, None], *names)
    # Half a pixel for the nearest one, and half a grey level each time that an image is rounded.
    assert ((made[:, 0] / 5 - move(masks, moves)).abs() <= 0.5 + 0.1 * len(names) + TIE).all()


def test_masks_of_another_size_than_their_images_are_an_error():
    images, masks = drawn()
    _, moves = varied(images, "flip")
    with pytest.raises(ContractError, match="32 x 44 pixels"):
        move(masks[:, 1:], moves)


def trainer_of(names, seed=0, kinds=("target",)):
    return Trainer(
        owner="mine",
        kinds={name: Segmentation() for name in kinds},
        options={"batch_size": COUNT},
        generator=torch.Generator().manual_seed(seed),
        device=torch.device("cpu"),
        augmentation=Augmentation(names=names, vary=vary_images, on_device=True),
    )


def examples_of(images, masks):
    return Examples(Inputs((images.numpy(),)), Segmentation().targets(masks.numpy(), ["a", "b", "c", "d", "e"]))


def flat_examples():
    """Return images whose grey levels are their labels, so that both can be compared."""
    _, masks = drawn()
    return examples_of((masks * 50).to(torch.uint8)[:, None], masks)


def agree(images, targets):
    return torch.equal(images[:, 0].long(), targets.values.reshape(COUNT, HEIGHT, WIDTH) * 50)


def test_batches_of_a_trainer_have_the_masks_of_their_images():
    examples, names = flat_examples(), ("flip", "flip-vertical")
    (images,), targets, positions = next(trainer_of(names, kinds=("source", "target")).batches(examples))
    assert agree(images, targets)
    given = examples.targets.select(positions.numpy())
    assert not np.array_equal(targets.values, given.values)
    assert np.array_equal(targets.counts, given.counts)
    (_,), targets, positions = next(trainer_of(names).batches(examples, augment="none"))
    assert np.array_equal(targets.values, examples.targets.select(positions.numpy()).values)


def test_the_same_seed_moves_masks_alike_and_another_one_differently():
    examples = examples_of(*drawn())
    first, again, other = (next(trainer_of(("affine",), seed).batches(examples)) for seed in (3, 3, 4))
    assert torch.equal(first.targets.values, again.targets.values)
    assert torch.equal(first.inputs[0], again.inputs[0])
    assert not torch.equal(first.targets.values, other.targets.values)


def test_what_moves_nothing_draws_as_before_and_leaves_masks():
    """Also several views: with labels that have no place, each would be varied in the order of the names."""
    examples = examples_of(*drawn())
    for views in (1, 2):
        made = next(trainer_of(("noise", "light")).batches(examples, views=views))
        generator = torch.Generator().manual_seed(0)
        order = torch.randperm(COUNT, generator=generator)
        request = {"names": ("noise", "light"), "strength": "weak", "generator": generator}
        inputs = (torch.from_numpy(examples.inputs.columns[0][order.numpy()]),)
        expected = [vary_images(AugmentRequest(inputs=inputs, **request))[0] for _ in range(views)]
        found = [made.inputs] if views == 1 else made.inputs
        assert all(torch.equal(one, two) for (one,), two in zip(found, expected, strict=True))
        assert np.array_equal(made.targets.values, examples.targets.select(order.numpy()).values)


def test_views_of_an_image_show_the_same_places_in_each_pixel():
    """The weak and the strong view of a method that compares pixels, with labels and without."""
    examples, names = flat_examples(), ("flip", "noise", "flip-vertical")
    batches = trainer_of(names).batches(examples, augment=("weak", "strong"))
    ((weak,), (strong,)), targets, positions = next(batches)
    shown = targets.values.reshape(COUNT, HEIGHT, WIDTH) * 50
    # Noise has 13 and 46 grey levels; what lies elsewhere differs by more on the average.
    assert (weak[:, 0] - shown.float()).abs().mean() < 15
    assert 15 < (strong[:, 0] - shown.float()).abs().mean() < 45
    assert not np.array_equal(targets.values, examples.targets.select(positions.numpy()).values)
    ((first,), (second,)), none, _ = next(trainer_of(("affine",)).batches(examples.inputs, views=2))
    assert none is None
    assert torch.equal(first, second)
    apart = next(trainer_of(("affine",)).batches(examples.inputs, views=2, aligned=False)).inputs
    assert not torch.equal(apart[0][0], apart[1][0])


def test_a_view_that_is_not_varied_keeps_all_views_where_they_are():
    examples = flat_examples()
    ((plain,), (strong,)), targets, _ = next(trainer_of(("flip",)).batches(examples, augment=("none", "strong")))
    assert torch.equal(plain, strong)
    assert agree(plain, targets)


def test_all_moves_are_known_and_masks_are_moved_by_each():
    assert {*ANGLES, "flip", "flip-vertical", "rot90"} == MOVES
    assert moving_kind([Segmentation()], sorted(MOVES)) is not None
    assert moving_kind([Segmentation()], ("noise", "light")) is None


def test_pseudo_labels_that_are_given_as_targets_move_too():
    examples = flat_examples()
    labels = Targets(examples.targets.values * 50, examples.targets.counts)
    (images,), targets, _ = next(trainer_of(("flip",)).batches(Examples(examples.inputs, labels)))
    assert torch.equal(images.flatten().long(), targets.values)
