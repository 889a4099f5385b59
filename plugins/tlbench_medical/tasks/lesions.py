"""A lesion phantom seen by two scanners; the data is the same for every seed.

A patch of tissue with faint vessels holds no lesion or one: `benign` is a smooth ellipse, `malignant` has spicules,
`ring` enhances at its border alone. The scanner blurs the patch by a Gaussian point spread, shades it as a surface
coil does, bends its grey levels, and takes the magnitude of a complex signal, which gives the noise a Rice
distribution (Gudbjartsson & Patz 1995). Magnetic resonance has no unit of intensity, so every image is windowed on
its own: its 1st percentile becomes 0, its 99th 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from tlbench import LoadRequest, Side, Split, TaskData

LABELS = ("none", "benign", "malignant", "ring")
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
    """Draw both sides, the same for every call."""
    random = np.random.default_rng(20250311)
    return TaskData(source=_side(SCANNER_A, 1500, 500, random), target=_side(SCANNER_B, 1000, 600, random))


def _side(scanner: Scanner, train: int, test: int, random: Random) -> Side:
    return Side(labels=LABELS, train=_split(scanner, train, random), test=_split(scanner, test, random))


def _split(scanner: Scanner, size: int, random: Random) -> Split:
    labels = random.permutation(np.arange(size) % len(LABELS))
    images = [window(acquire(patch(LABELS[label], scanner, random), scanner, random)) for label in labels]
    return Split(inputs=np.stack(images), labels=labels)


def patch(label: str, scanner: Scanner, random: Random) -> Any:
    """Return the intensities `(24, 24)` of a patch before the scanner: tissue, one to three vessels, the lesion."""
    texture = gaussian_filter(random.normal(size=(SIZE, SIZE)), 2, mode="wrap")
    image = TISSUE + scanner.texture * texture / texture.std()
    for _ in range(random.integers(1, 4)):
        image += _vessel(random)
    if label != "none":
        image += scanner.contrast * random.uniform(0.7, 1.3) * _lesion(label, scanner, random)
    return image


def _vessel(random: Random) -> Any:
    """Return a faint straight line through the patch."""
    angle, row, column = random.uniform(0, np.pi), *random.uniform(4, SIZE - 4, 2)
    distance = (ROWS - row) * np.cos(angle) - (COLUMNS - column) * np.sin(angle)
    return random.uniform(0.06, 0.14) * np.exp(-0.5 * (distance / 0.7) ** 2)


def _lesion(label: str, scanner: Scanner, random: Random) -> Any:
    """Return how much of each pixel is lesion, 0..1."""
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
        return _disc(distance, radius * (1 + depth * (reach - 0.5)))
    if label == "ring":
        return _disc(distance, radius) - 0.85 * _disc(distance, 0.6 * radius)
    return _disc(distance, radius)


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
