"""Transformations of waveforms. Masks are after SpecAugment (Park et al. 2019, arXiv:1904.08779), on the waveform, so
that they serve every encoder of sound."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tlbench.contract.requests import AugmentRequest
from tlbench.learning.vary.named import named


@dataclass(frozen=True)
class Clips:
    """Waveforms of one length, with what lies in them."""

    samples: Tensor
    """`(N, T)` float32, in the range of int16."""
    lengths: Tensor | None
    """`(N,)`: samples of each clip, from the first on; None if clips lie in the middle and nobody says where."""
    rate: int
    """Samples a second."""

    @property
    def own(self) -> Tensor:
        """`(N, 1)`: how many samples are a clip's own."""
        size, total = self.samples.shape
        lengths = torch.full((size,), total) if self.lengths is None else self.lengths
        return lengths.float().clamp(min=1)[:, None]

    @property
    def there(self) -> Tensor:
        """`(N, T)` bool: which samples are a clip's own."""
        return torch.arange(self.samples.shape[1]) < self.own

    def uniform(self, low: float, high: float, generator: torch.Generator) -> Tensor:
        """Return a number for each clip, `(N, 1)`."""
        return low + (high - low) * torch.rand((len(self.samples), 1), generator=generator)


@dataclass(frozen=True)
class Ranges:
    """How far the transformations go."""

    loudest: float
    """Least ratio of signal to noise, in dB."""
    quietest: float
    """Greatest ratio of signal to noise, in dB."""
    speed: float
    """Change of the speed, as a fraction."""
    time: float
    """Longest masked part of a clip."""
    band: float
    """Widest masked part of the mel scale from 0 Hz to half the sample rate."""


RANGES = {
    # 10 % faster or slower: Ko et al. 2015, Audio augmentation for speech recognition. SpecAugment masks up to 27 of 80
    # mels for LibriSpeech.
    "weak": Ranges(loudest=20, quietest=40, speed=0.1, time=0.1, band=0.1),
    "strong": Ranges(loudest=5, quietest=30, speed=0.2, time=0.3, band=27 / 80),
}


def vary_sounds(request: AugmentRequest, sample_rate: int) -> tuple[Tensor, ...]:
    """Return waveforms `(N, T)` int16, and lengths `(N,)` if they are a second input, each clip changed in turn.

    `noise` adds white noise; `speed` plays faster or slower, which moves the pitch too, cut or filled with silence;
    `time-mask` silences a part of the clip, `frequency-mask` a band of it. Raises `UnknownNameError`.
    """
    waveforms, *lengths = request.inputs
    clips = Clips(waveforms.float(), lengths[0] if lengths else None, sample_rate)
    for transform in named(request, TRANSFORMATIONS):
        clips = transform(clips, request.generator, RANGES[request.strength])
    samples = clips.samples.round().clamp(-32768, 32767).to(waveforms.dtype)
    return (samples,) if clips.lengths is None else (samples, clips.lengths.to(lengths[0].dtype))


def noise(clips: Clips, generator: torch.Generator, ranges: Ranges) -> Clips:
    """Add white noise of a ratio to the clip's own power."""
    ratio = clips.uniform(ranges.loudest, ranges.quietest, generator)
    power = (clips.samples * clips.there).square().sum(1, keepdim=True) / clips.own
    drawn = torch.randn(clips.samples.shape, generator=generator) * (power / 10 ** (ratio / 10)).sqrt()
    return Clips(clips.samples + drawn * clips.there, clips.lengths, clips.rate)


def speed(clips: Clips, generator: torch.Generator, ranges: Ranges) -> Clips:
    """Resample by linear interpolation: about the middle, or from the first sample on if lengths are known."""
    factor = clips.uniform(1 - ranges.speed, 1 + ranges.speed, generator)
    total = clips.samples.shape[1]
    middle = (total - 1) / 2 if clips.lengths is None else 0.0
    places = middle + (torch.arange(total) - middle) * factor
    below = places.floor()
    left, right = (below + step for step in (0, 1))
    part = places - below
    last = clips.own - 1

    def at(wanted: Tensor) -> Tensor:
        inside = (wanted >= 0) & (wanted <= last)
        return clips.samples.gather(1, wanted.clamp(0, total - 1).long()) * inside

    samples = (1 - part) * at(left) + part * at(right)
    if clips.lengths is None:
        return Clips(samples, None, clips.rate)
    lengths = (clips.own / factor).round().clamp(1, total)[:, 0]
    made = Clips(samples, lengths, clips.rate)
    return Clips(samples * made.there, lengths, clips.rate)


def time_mask(clips: Clips, generator: torch.Generator, ranges: Ranges) -> Clips:
    """Set a part of each clip to 0."""
    size = clips.uniform(0, ranges.time, generator) * clips.own
    start = clips.uniform(0, 1, generator) * (clips.own - size)
    places = torch.arange(clips.samples.shape[1])
    masked = (places >= start) & (places < start + size)
    return Clips(clips.samples.masked_fill(masked, 0), clips.lengths, clips.rate)


def frequency_mask(clips: Clips, generator: torch.Generator, ranges: Ranges) -> Clips:
    """Take a band of the mel scale out of each clip."""
    top = _mel(torch.tensor(clips.rate / 2))
    width = clips.uniform(0, ranges.band, generator) * top
    start = clips.uniform(0, 1, generator) * (top - width)
    spectrum = torch.fft.rfft(clips.samples)
    mels = _mel(torch.fft.rfftfreq(clips.samples.shape[1], 1 / clips.rate))
    masked = (mels >= start) & (mels < start + width)
    samples = torch.fft.irfft(spectrum.masked_fill(masked, 0), n=clips.samples.shape[1])
    return Clips(samples * clips.there, clips.lengths, clips.rate)


def _mel(frequency: Tensor) -> Tensor:
    """Return frequencies in Hz on the mel scale, of the formula with 2595."""
    return 2595 * torch.log10(1 + frequency / 700)


TRANSFORMATIONS = {"noise": noise, "speed": speed, "time-mask": time_mask, "frequency-mask": frequency_mask}
