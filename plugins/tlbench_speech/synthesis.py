"""Words spoken by espeak-ng, each corpus in a process of its own.

    python -m tlbench_speech.synthesis UTTERANCES.json SAMPLES.npz

espeak-ng carries state from one call to the next: the same utterances give the same samples only in the same order and
in a process that has not spoken before. Voices whose file has a line `breath` (f2, f3, f5, whisper and others) differ
in every process even so.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tlbench import BadInputError, TlbenchError

SAMPLE_RATE = 22050
"""Of espeak-ng's own voices, in Hz."""
SYNCHRONOUS, UTF8 = 2, 1
RATE, PITCH, RANGE = 1, 3, 4
"""Numbers of espeak_PARAMETER."""
Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What is said, and how."""

    text: str
    voice: str
    """A language with a variant of voice, `en-us+m3`."""
    rate: int
    """Words a minute."""
    pitch: int
    """0..100, as is the range."""
    range: int


def speak(utterances: Sequence[Utterance]) -> list[Any]:
    """Return the samples `(T,)` int16 of each utterance at 22,050 Hz, without the silence round it."""
    with tempfile.TemporaryDirectory() as folder:
        job, result = Path(folder) / "utterances.json", Path(folder) / "samples.npz"
        job.write_text(json.dumps([dataclasses.asdict(utterance) for utterance in utterances]), encoding="utf-8")
        # Without -P the current folder is first on the import path: its files could stand in for libraries.
        command = [sys.executable, "-P", "-m", "tlbench_speech.synthesis", str(job), str(result)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="backslashreplace")
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise TlbenchError(f"espeak-ng failed with status {done.returncode} ({last}): reinstall espeakng-loader.")
        with np.load(result, allow_pickle=False) as arrays:
            return np.split(arrays["samples"], arrays["ends"][:-1])


def main(job: Path, result: Path) -> None:
    """Say what a job file lists, in its order."""
    utterances = [Utterance(**known) for known in json.loads(job.read_text(encoding="utf-8"))]
    synthesiser = Synthesiser()
    clips = [trim(synthesiser.say(utterance)) for utterance in utterances]
    np.savez(result, samples=np.concatenate(clips), ends=np.cumsum([len(clip) for clip in clips]))


def trim(samples: Any) -> Any:
    """Return the samples from the first to the last that is louder than 1 % of the loudest."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > np.abs(samples.astype(np.int32)).max() / 100)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


class Synthesiser:
    """espeak-ng through its C interface, speak_lib.h; one a process."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._parts: list[Any] = []
        self._callback = Callback(self._receive)
        rate = self._library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        if rate != SAMPLE_RATE:
            raise TlbenchError(f"espeak-ng uses {rate} Hz, expected {SAMPLE_RATE}: reinstall espeakng-loader.")
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, events: int | None) -> int:
        if samples and count:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, utterance: Utterance) -> Any:
        """Return the samples `(T,)` int16. Raises `BadInputError` for a voice that espeak-ng does not have."""
        self._parts.clear()
        if self._library.espeak_SetVoiceByName(utterance.voice.encode()):
            raise BadInputError(f'espeak-ng has no voice "{utterance.voice}": reinstall espeakng-loader.')
        for parameter, value in ((RATE, utterance.rate), (PITCH, utterance.pitch), (RANGE, utterance.range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        text = utterance.text.encode() + b"\0"
        self._library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, UTF8, None, None)
        return np.concatenate(self._parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
