"""A lesion phantom seen by two scanners; the data is the same for every seed.

A patch of tissue with faint vessels holds no lesion or one: `benign` is a smooth ellipse, `malignant` has spicules,
`ring` enhances at its border alone. The scanner blurs the patch by a Gaussian point spread, shades it as a surface
coil does, bends its grey levels, and takes the magnitude of a complex signal, which gives the noise a Rice
distribution (Gudbjartsson & Patz 1995). Magnetic resonance has no unit of intensity, so every image is windowed on
its own: its 1st percentile becomes 0, its 99th 255. A lesion's mask has the pixels of which it covers more than half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from tlbench import LoadRequest, Side, Split, TaskData

LABELS = ("none", "benign", "malignant", "ring")
MASK_LABELS = ("background", "lesion")
SIZE = 24
"""Height and width in pixels, the unit of every length here."""
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float64)
TISSUE = 0.45
Random = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """How patches look and are taken at one site; intensities in parts of full scale."""

    psf: float
    """Standard deviation of the point spread, in pixels."""
    gamma: float
    noise: float
    """Standard deviation of both parts of the complex noise."""
    shading: float
    """Change of the coil's gain from one border to the other."""
    texture: float
    contrast: float
    radius: tuple[float, float]


SCANNER_A = Scanner(psf=0.5, gamma=1.0, noise=0.04, shading=0.10, texture=0.05, contrast=0.35, radius=(3.2, 5.5))
SCANNER_B = Scanner(psf=0.6, gamma=1.4, noise=0.06, shading=0.50, texture=0.06, contrast=0.33, radius=(3.0, 5.2))


def load(request: LoadRequest) -> TaskData:
    """Draw both domains, the same for every call."""
    random = np.random.default_rng(20250311)
    return TaskData(source=_side(SCANNER_A, 1500, 500, random), target=_side(SCANNER_B, 1000, 600, random))


def load_masks(request: LoadRequest) -> TaskData:
    """Draw other images than `load` does, each with the mask `(24, 24)` of its lesion."""
    random = np.random.default_rng(20250312)
    source, target = (
        Side(labels=MASK_LABELS, train=_masked(scanner, train, random), test=_masked(scanner, 200, random))
        for scanner, train in ((SCANNER_A, 600), (SCANNER_B, 400))
    )
    return TaskData(source=source, target=target)


def _side(scanner: Scanner, train: int, test: int, random: Random) -> Side:
    return Side(labels=LABELS, train=_split(scanner, train, random), test=_split(scanner, test, random))


def _split(scanner: Scanner, size: int, random: Random) -> Split:
    labels, images, _ = _draw(scanner, size, random)
    return Split(inputs=images, labels=labels)


def _masked(scanner: Scanner, size: int, random: Random) -> Split:
    _, images, masks = _draw(scanner, size, random)
    return Split(inputs=images, labels=masks)


def _draw(scanner: Scanner, size: int, random: Random) -> tuple[Any, Any, Any]:
    """Return labels `(N,)` in equal parts, images `(N, 24, 24, 1)` uint8 and masks `(N, 24, 24)` int64."""
    labels = random.permutation(np.arange(size) % len(LABELS))
    images, masks = [], []
    for label in labels:
        intensities, covered = patch(LABELS[label], scanner, random)
        images.append(window(acquire(intensities, scanner, random)))
        masks.append(covered > 0.5)
    return labels, np.stack(images), np.stack(masks).astype(np.int64)


def patch(label: str, scanner: Scanner, random: Random) -> tuple[Any, Any]:
    """Return a patch before the scanner, tissue, one to three vessels and the lesion: intensities `(24, 24)`, and how
    much of each pixel the lesion covers, 0..1.
    """
    texture = gaussian_filter(random.normal(size=(SIZE, SIZE)), 2, mode="wrap")
    image = TISSUE + scanner.texture * texture / texture.std()
    for _ in range(random.integers(1, 4)):
        image += _vessel(random)
    if label == "none":
        return image, np.zeros_like(image)
    contrast = scanner.contrast * random.uniform(0.7, 1.3)
    bright, covered = _lesion(label, scanner, random)
    return image + contrast * bright, covered


def _vessel(random: Random) -> Any:
    """Return a faint straight line through the patch."""
    angle, row, column = random.uniform(0, np.pi), *random.uniform(4, SIZE - 4, 2)
    distance = (ROWS - row) * np.cos(angle) - (COLUMNS - column) * np.sin(angle)
    return random.uniform(0.06, 0.14) * np.exp(-0.5 * (distance / 0.7) ** 2)


def _lesion(label: str, scanner: Scanner, random: Random) -> tuple[Any, Any]:
    """Return how bright a lesion makes each pixel, and how much of the pixel it covers, both 0..1."""
    row, column = random.uniform(SIZE / 2 - 4, SIZE / 2 + 4, 2)
    turn, stretch = random.uniform(0, np.pi), random.uniform(1.0, 1.3)
    down, right = ROWS - row, COLUMNS - column
    along = (np.cos(turn) * down + np.sin(turn) * right) / stretch
    across = (np.cos(turn) * right - np.sin(turn) * down) * stretch
    distance, angle = np.hypot(along, across), np.arctan2(across, along)
    radius = random.uniform(*scanner.radius)
    if label == "malignant":
        lobes, depth = random.integers(5, 9), random.uniform(0.35, 0.55)
        reach = np.cos(lobes * angle / 2 + random.uniform(0, np.pi)) ** 2
        radius = radius * (1 + depth * (reach - 0.5))
    covered = _disc(distance, radius)
    bright = covered - 0.85 * _disc(distance, 0.6 * radius) if label == "ring" else covered
    return bright, covered


def _disc(distance: Any, radius: Any) -> Any:
    """Return 1 inside the radius and 0 outside; a pixel on the edge counts in part."""
    return np.clip(radius - distance + 0.5, 0, 1)


def acquire(image: Any, scanner: Scanner, random: Random) -> Any:
    """Return the magnitude image `(24, 24)` that a scanner makes of a patch; 0 or more, without a unit."""
    blurred = gaussian_filter(image, scanner.psf, mode="nearest")
    direction = random.uniform(0, 2 * np.pi)
    ramp = np.cos(direction) * (ROWS / SIZE - 0.5) + np.sin(direction) * (COLUMNS / SIZE - 0.5)
    signal = np.maximum(blurred * (1 + scanner.shading * ramp), 0) ** scanner.gamma
    real, imaginary = random.normal(0, scanner.noise, (2, SIZE, SIZE))
    return np.hypot(signal + real, imaginary)


def window(magnitude: Any) -> Any:
    """Return `(24, 24, 1)` uint8: the 1st percentile of the image at 0, the 99th at 255."""
    low, high = np.percentile(magnitude, [1, 99])
    return (255 * np.clip((magnitude - low) / (high - low), 0, 1)).round().astype(np.uint8)[..., None]
