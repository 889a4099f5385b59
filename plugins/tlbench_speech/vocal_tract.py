"""Syllables of synthetic voices, by the source-filter theory (Fant 1960).

A voice is a glottis, whose pulses have a pitch, a jitter and a tilt of their spectrum, and a tract, whose length and
shape move the resonances of all that it says. Spectra of pulses and noise are filtered, 100 times a second.
Everything is drawn from the generator that is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import istft, stft

from tlbench import Array

RATE = 16000
"""Samples in a second."""
HOP, WINDOW, BINS = 160, 320, 512
"""Samples between two spectra, in the window of one, and in its transform."""
FREQUENCIES = np.fft.rfftfreq(BINS, 1 / RATE)
"""The frequencies of a spectrum, `(F,)` in Hz."""
OCTAVES = np.log2(np.maximum(FREQUENCIES, 100.0) / 100.0)
"""How far the frequencies lie above 100 Hz, below which no spectrum falls."""
VOWELS = np.array([(270, 2290, 3010), (530, 1840, 2480), (730, 1090, 2440), (300, 870, 2240), (490, 1350, 1690)], float)
"""Three resonances in heed, head, hod, who'd and heard: means of men in Hz (Peterson & Barney 1952, table II)."""
UPPER = (3500.0, 4500.0, 5500.0, 6500.0, 7500.0)
"""Further resonances, those of a tube of 17.5 cm that is closed at one end: no vowel moves them."""
RESONANCES = VOWELS.shape[1] + len(UPPER)
TURNED = 5
"""Spectra in which the resonances of a vowel turn into those of the next."""


class Sound(NamedTuple):
    """What a tract does with pulses and noise."""

    voiced: float
    """Amplitude of the pulses, of a vowel's 1."""
    noisy: float
    """Amplitude of a noise that is made in the mouth."""
    centre: float
    """Of the noise's band in Hz."""
    width: float
    """Of the band in Hz: the standard deviation of a normal curve."""


CONSONANTS = (
    (9, Sound(0.0, 0.5, 6000, 2500)),
    (9, Sound(0.0, 0.5, 3200, 1800)),
    (7, Sound(0.0, 0.2, 4500, 6000)),
    (7, Sound(0.25, 0.3, 5500, 2500)),
    (3, Sound(0.0, 0.6, 900, 800)),
    (3, Sound(0.0, 0.6, 4500, 2500)),
    (3, Sound(0.0, 0.6, 2000, 1000)),
    (7, Sound(0.3, 0.0, 1000, 1000)),
    (5, Sound(0.6, 0.0, 1000, 1000)),
)
"""How many spectra long s, sh, f, z, p, t, k, m and l are, and how they sound; the levels are our choice."""
VOWEL_SPECTRA = (12, 20)
"""Length of a vowel: the least, and the first that is too long."""


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A speaker."""

    tract: Array
    """Factors `(8,)` of the resonances: more than 1 in a shorter tract."""
    damping: Array
    """Factors `(8,)` of the widths of the resonances."""
    place: float
    """Factor of the bands of all consonants."""
    pitch: float
    """Pulses in a second."""
    jitter: float
    """Standard deviation of the time between two pulses, as a part of it."""
    tilt: float
    """By how many dB an octave the spectrum of the pulses falls."""
    breath: float
    """Amplitude of the noise in a vowel, as a part of that of the pulses."""
    pace: float
    """Factor of the length of all sounds."""


def draw_voice(random: np.random.Generator) -> Voice:
    """Return a speaker: a woman as often as a man, with a tract that is shorter and a pitch that is higher."""
    woman = random.random() < 0.5
    length = random.normal(1.16 if woman else 1.0, 0.06)
    return Voice(
        tract=length * (1 + random.normal(0, 0.09, RESONANCES)),
        damping=np.exp(random.normal(0, 0.4, RESONANCES)),
        place=length * random.normal(1, 0.08),
        pitch=float((205 if woman else 120) * np.exp(random.normal(0, 0.2))),
        jitter=random.uniform(0.005, 0.03),
        tilt=random.uniform(3, 13),
        breath=10 ** random.uniform(-2, -0.7),
        pace=random.uniform(0.85, 1.15),
    )


def say(voice: Voice, syllables: int, random: np.random.Generator) -> Array:
    """Return the waveform `(T,)` of so many syllables, a consonant and a vowel each, that are drawn."""
    spoken = _in_one_utterance(voice, random)
    tracks = _tracks(spoken, syllables, random)
    size = (len(tracks.voiced) - 1) * HOP
    pulses = _spectra(_pulses(spoken, size, random))
    noise = _spectra(random.normal(size=size))
    voiced, noisy, centre, width = (each[:, None] for each in tracks[1:])
    tract = _gains(tracks.resonances, spoken.damping) * 10 ** (-spoken.tilt * OCTAVES / 20)
    mouth = np.exp(-0.5 * ((FREQUENCIES - spoken.place * centre) / width) ** 2)
    heard = tract * voiced * (pulses + spoken.breath * noise) + mouth * noisy * noise
    _, waveform = istft(heard, RATE, nperseg=WINDOW, noverlap=WINDOW - HOP, nfft=BINS, freq_axis=1, time_axis=0)
    return np.asarray(waveform[:size])


def _in_one_utterance(voice: Voice, random: np.random.Generator) -> Voice:
    """Return a voice as it is in one utterance: higher or lower, brighter or duller, faster or slower."""
    return replace(
        voice,
        pitch=voice.pitch * np.exp(random.normal(0, 0.06)),
        tilt=voice.tilt + random.normal(0, 1.0),
        breath=voice.breath * 10 ** random.normal(0, 0.15),
        pace=voice.pace * np.exp(random.normal(0, 0.1)),
    )


class Tracks(NamedTuple):
    """What the filters are at each of `(S,)` spectra: the resonances, and the fields of `Sound`."""

    resonances: Array
    """`(S, 8)` in Hz."""
    voiced: Array
    noisy: Array
    centre: Array
    width: Array


def _tracks(voice: Voice, syllables: int, random: np.random.Generator) -> Tracks:
    places, sounds, spectra = [], [], []
    for _ in range(syllables):
        size, consonant = CONSONANTS[random.integers(len(CONSONANTS))]
        vowel = VOWELS[random.integers(len(VOWELS))] * (1 + random.normal(0, 0.02, VOWELS.shape[1]))
        places += 2 * [voice.tract * np.array([*vowel, *UPPER])]
        sounds += [consonant, consonant._replace(voiced=1.0, noisy=0.0)]
        spectra += [size, random.integers(*VOWEL_SPECTRA)]
    lengths = np.maximum(2, np.round(voice.pace * np.array(spectra))).astype(np.int64)
    resonances, sound = (np.repeat(np.array(each), lengths, axis=0) for each in (places, sounds))
    voiced, noisy, centre, width = sound.T
    voiced, noisy = (uniform_filter1d(amplitude, 3, mode="constant") for amplitude in (voiced, noisy))
    return Tracks(uniform_filter1d(resonances, TURNED, axis=0, mode="nearest"), voiced, noisy, centre, width)


def _pulses(voice: Voice, size: int, random: np.random.Generator) -> Array:
    """Return pulses `(T,)` whose pitch falls by a tenth; one that is between two samples is divided among them."""
    usual = voice.pitch * size / RATE
    most = int(2 * usual) + 8
    pitch = voice.pitch * np.maximum(1.05 - 0.1 * np.arange(most) / usual, 0.5)
    times = np.cumsum(RATE / pitch * (1 + voice.jitter * random.normal(size=most)))
    times = times[times < size - 1]
    before = times.astype(np.int64)
    pulses = np.zeros(size)
    np.add.at(pulses, before, 1 - (times - before))
    np.add.at(pulses, before + 1, times - before)
    return pulses * math.sqrt(RATE / voice.pitch)


def _spectra(waveform: Array) -> Array:
    """Return the spectra `(S, F)` of a waveform `(T,)`."""
    return np.asarray(stft(waveform, RATE, nperseg=WINDOW, noverlap=WINDOW - HOP, nfft=BINS)[2].T)


def _gains(resonances: Array, damping: Array) -> Array:
    """Return the gains `(S, F)` of a tract with resonances `(S, R)` in Hz, in cascade as Klatt 1980 has them."""
    squared = np.ones((len(resonances), len(FREQUENCIES)))
    for centre, wider in zip(resonances.T[:, :, None], damping, strict=True):
        half = (wider * (0.02 * centre + 20)) ** 2
        # |(if - p)(if - p*)|^2 of a pole p, as a part of what it is at 0 Hz.
        squared *= ((FREQUENCIES**2 + (half - centre**2)) ** 2 + 4 * half * centre**2) / (half + centre**2) ** 2
    return np.asarray(1 / np.sqrt(squared))
