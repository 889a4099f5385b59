"""Residual networks for images of 32 pixels (He et al. 2015, arXiv:1512.03385, section 4.2), 6n + 2 layers deep."""

from __future__ import annotations

import numpy as np
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from tlbench import BadInputError, BuildRequest, OwnHead, PrepareRequest, SaveRequest
from tlbench.assets import load_into, read_weights
from tlbench.learning import Columns, Encoder, prepare_each
from tlbench_vision.backbones.pixels import Normalise
from tlbench_vision.small_photo import preprocessor

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""CIFAR-10's, in the order of the checkpoints' outputs."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What the published checkpoints were trained with: those of ImageNet."""


def prepare(request: PrepareRequest) -> Columns:
    """Return images `(N, 3, 32, 32)` uint8, scaled where they are of another size."""
    (images,) = prepare_each(preprocessor, request)
    return (np.stack(images),)


def build(depth: int, request: BuildRequest) -> Encoder:
    """Return the encoder, with the checkpoint's weights where the request has them."""
    return _network(depth, request).encoder


def own_head(depth: int, request: BuildRequest) -> OwnHead:
    """Return the checkpoint's linear layer, which knows the classes of CIFAR-10. Raises `BadInputError` for none."""
    network = _network(depth, request)
    if "weights" in request.files:
        path = request.files["weights"]
        weights = read_weights(path, str(request.options["key"]))
        state = {name: part for name, part in weights.items() if "linear." in name}
        if not state:
            raise BadInputError(f'"{path.name}" has no head for the classes of CIFAR-10: use --set source.mode=probe.')
        load_into(network.linear, state, path.name)
    return OwnHead(head=network.linear, labels=LABELS)


def save(request: SaveRequest) -> None:
    """Write model.safetensors without the head, whose classes need not be those of CIFAR-10."""
    state = {name: part.contiguous() for name, part in request.encoder.state_dict().items()}
    save_file(state, request.folder / "model.safetensors")


class CifarNetwork(nn.Module):
    """Encoder and linear layer, as the published checkpoints have them; their names stand in front of the encoder's."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.encoder = CifarResNet(depth)
        self.linear = nn.Linear(self.encoder.feature_dim, len(LABELS))


def _network(depth: int, request: BuildRequest) -> CifarNetwork:
    network = CifarNetwork(depth)
    if "weights" in request.files:
        path = request.files["weights"]
        network.encoder.coverage = load_into(
            network.encoder,
            read_weights(path, str(request.options["key"])),
            path.name,
            without=("linear.",),
            partial=bool(request.options["partial"]),
        )
    return network


class CifarResNet(Encoder):
    """uint8 images `(N, 3, 32, 32)` -> features `(N, 64)`."""

    feature_dim = 64

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.normalise = Normalise(MEAN, STD)
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks = (depth - 2) // 6
        self.layer1, self.layer2, self.layer3 = (
            _stage(inputs, outputs, blocks) for inputs, outputs in ((16, 16), (16, 32), (32, 64))
        )
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)

    def forward(self, images: Tensor) -> Tensor:
        pixels = functional.relu(self.bn1(self.conv1(self.normalise(images))))
        features: Tensor = self.layer3(self.layer2(self.layer1(pixels)))
        return features.mean((2, 3))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    """Return residual blocks, of which the first halves width and height where the channels change."""
    return nn.Sequential(*(Block(outputs if later else inputs, outputs) for later in range(blocks)))


class Block(nn.Module):
    """Two convolutions beside a shortcut without parameters (option A): every second pixel, new channels zero."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.new, self.stride = outputs - inputs, 2 if outputs > inputs else 1
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, pixels: Tensor) -> Tensor:
        shortcut = pixels
        if self.new:
            half = self.new // 2
            shortcut = functional.pad(pixels[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half))
        inner = functional.relu(self.bn1(self.conv1(pixels)))
        return functional.relu(self.bn2(self.conv2(inner)) + shortcut)
