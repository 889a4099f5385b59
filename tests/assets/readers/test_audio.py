from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile

from tlbench import BadInputError
from tlbench.assets.readers.audio import common_rate, read_sound
from tlbench.assets.readers.folders import SOUND_SUFFIXES, class_files


@pytest.fixture
def sound(tmp_path):
    def write(samples, name="s.wav", rate=8000, subtype="PCM_16"):
        soundfile.write(tmp_path / name, np.asarray(samples), rate, subtype)
        return tmp_path / name

    return write


def test_samples_come_in_full_scale(sound):
    samples, rate = read_sound(sound([0.5, -0.25, 0.0]))
    assert samples.dtype == np.float32
    assert samples == pytest.approx([0.5, -0.25, 0.0])
    assert rate == 8000


def test_channels_are_averaged(sound):
    assert read_sound(sound([[0.5, 0.25], [0.0, 0.5]]))[0] == pytest.approx([0.375, 0.25])


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all"])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "s.wav").write_bytes(content)
    for read in (read_sound, lambda path: common_rate([path])):
        with pytest.raises(BadInputError, match=r's.wav" cannot be read as sound'):
            read(tmp_path / "s.wav")


def test_a_file_that_is_cut_off_is_named(sound):
    path = sound(np.zeros(1000))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadInputError, match=r's.wav" is truncated'):
        read_sound(path)


def test_a_streamed_file_declares_no_size(sound):
    path = sound(np.zeros(1000))
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff\xff\xff\xff" + content[8:])
    assert len(read_sound(path)[0]) == 1000


def test_a_file_without_samples_is_named(sound):
    with pytest.raises(BadInputError, match=r's.wav" .*no samples'):
        read_sound(sound(np.zeros(0)))


def test_samples_that_are_no_numbers_are_refused(sound):
    with pytest.raises(BadInputError, match=r's.wav" .*not finite'):
        read_sound(sound([0.0, np.nan], subtype="FLOAT"))


def test_all_files_must_have_one_rate(sound):
    files = [sound([0.0], "a.wav"), sound([0.0], "b.wav"), sound([0.0], "c.wav", rate=16000)]
    assert common_rate(files[:2]) == 8000
    with pytest.raises(BadInputError, match=r'c.wav" has 16000 Hz.*a.wav" has 8000 Hz'):
        common_rate(files)


FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3", ".aif": "AIFF", ".aiff": "AIFF"}


@pytest.mark.parametrize("ending", FORMATS)
def test_the_formats_of_recordings_say_the_same(tmp_path, ending):
    tone = 0.5 * np.sin(np.arange(8000) / 8)
    path = tmp_path / "low" / f"s{ending.upper()}"
    path.parent.mkdir()
    soundfile.write(path, tone, 16000, format=FORMATS[ending])
    (found,) = class_files(tmp_path, SOUND_SUFFIXES).inputs
    samples, rate = read_sound(found)
    assert rate == common_rate([found]) == 16000
    assert np.abs(samples[1000:7000] - tone[1000:7000]).max() < 0.1


@pytest.mark.parametrize("ending", [".aiff", ".flac"])
def test_other_formats_that_are_cut_off_are_named(tmp_path, ending):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4000)
    path = tmp_path / f"s{ending}"
    soundfile.write(path, noise, 8000, format=FORMATS[ending])
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(BadInputError, match=rf's{ending}" (is truncated|cannot be read as sound)'):
        read_sound(path)


def test_a_name_that_is_not_utf8_is_read(sound):
    path = sound([0.5, 0.25])
    path = path.rename(path.with_name(os.fsdecode(b"caf\xe9.wav")))
    assert (len(read_sound(path)[0]), common_rate([path])) == (2, 8000)
