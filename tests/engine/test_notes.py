"""What a run says of a user's files: once, with their number."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from tlbench.api.engines import warned_once


@pytest.fixture
def recordings(tmp_path):
    """Two classes of clips at 8 kHz and 16 kHz, in which both channels cancel each other."""
    for pitch, word in enumerate(("no", "yes"), start=1):
        (tmp_path / "clips" / word).mkdir(parents=True)
        for take in range(10):
            wave = np.sin(np.arange(4000 + take) * pitch / 10) / 2
            path = tmp_path / "clips" / word / f"{take}.wav"
            soundfile.write(path, np.stack([wave, -wave], 1), 8000 if take < 5 else 16000)
    return tmp_path / "clips"


def test_a_run_gives_each_note_once_with_the_number_of_files(recordings, pairing_of, prepare_in):
    pairing = pairing_of("speech/wav-folder", overrides={"task.target": str(recordings)})
    with pytest.warns(UserWarning, match="resampled to the lowest, 8000 Hz") as warned:
        prepared = prepare_in(pairing)
    assert prepared.sample_rate == 8000
    texts = [str(warning.message) for warning in warned if "files" in str(warning.message)]
    assert len(texts) == 2
    assert "cancel each other" in texts[1]
    assert f'(files: 20, such as "{recordings}/' in texts[1]


def test_processes_repeat_no_warning_and_everything_else_that_they_print():
    said = []
    say = warned_once(said.append)
    say("Warning: two files")
    say("step 1\nWarning: two files\nstep 2")
    say("Warning: two files")
    say("step 1\nWarning: three files")
    assert said == ["Warning: two files", "step 1\nstep 2", "step 1\nWarning: three files"]
