from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile

from tlbench import BadInputError
from tlbench.assets.readers.audio import common_rate, read_sound
from tlbench.assets.readers.faults import CollectedFaults
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


def tone(rate, hertz=440, seconds=0.5):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


def test_files_of_several_rates_are_read_at_the_lowest(sound):
    files = [sound(tone(rate), f"{rate}.wav", rate) for rate in (8000, 11025, 16000, 44100)]
    assert common_rate(files[:1]) == 8000
    with pytest.warns(UserWarning, match=r"8000 Hz \(1.*11025 Hz .*44100 Hz .*resampled to the lowest, 8000 Hz"):
        rate = common_rate(files)
    for path in files:
        samples, rate = read_sound(path, rate)
        assert (rate, len(samples), samples.dtype) == (8000, 4000, np.float32)
        assert np.abs(samples - tone(8000))[100:-100].max() < 0.01, path


def test_what_a_lower_rate_cannot_hold_is_filtered_out(sound):
    samples, _ = read_sound(sound(tone(16000, hertz=6000), rate=16000), 8000)
    assert np.abs(samples[100:-100]).max() < 0.01


@pytest.mark.parametrize("rate", [3, 2_000_003])
def test_a_rate_that_only_a_wrong_header_gives_is_refused(sound, rate):
    files = [sound([0.0], "a.wav"), sound([0.0], "b.wav", rate=rate)]
    for read in (common_rate, lambda files: read_sound(files[1], 8000)):
        with pytest.raises(BadInputError, match=rf'b.wav" has a sample rate of {rate} Hz'):
            read(files)
    faults = CollectedFaults()
    assert (common_rate(files, faults), len(faults.errors)) == (8000, 1)


def notes(path):
    faults = CollectedFaults()
    samples, _ = read_sound(path, faults=faults)
    return samples, " ".join(faults.notes)


def test_channels_that_cancel_each_other_are_named(sound):
    left = tone(8000)
    samples, found = notes(sound(np.stack([left, -left], 1)))
    assert np.abs(samples).max() < 1e-3
    assert "cancel each other" in found
    assert 's.wav"' in found


@pytest.mark.parametrize("others", [0.0, 1.0, -0.5])
def test_channels_that_leave_something_are_averaged_without_a_word(sound, others):
    left = tone(8000)
    assert notes(sound(np.stack([left, others * left], 1)))[1] == ""
    assert notes(sound(np.zeros((100, 2))))[1] == ""


@pytest.mark.parametrize("scale", [2000, 2**31])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floating_point_samples_in_the_scale_of_integers_are_refused(sound, scale, subtype):
    with pytest.raises(BadInputError, match=r's.wav" has samples up to .*divide them'):
        read_sound(sound(scale * tone(8000), subtype=subtype))


@pytest.mark.parametrize(("peak", "said"), [(1.2, False), (4, True)])
def test_samples_somewhat_beyond_full_scale_are_noted_unless_they_are_few(sound, peak, said):
    samples, found = notes(sound(2 * peak * tone(8000), subtype="FLOAT"))
    assert samples.max() == pytest.approx(peak, rel=1e-2)
    assert ("are clipped" in found) == said


FORMATS = {
    ".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3", ".aif": "AIFF", ".aiff": "AIFF", ".au": "AU",
    ".snd": "AU", ".caf": "CAF", ".w64": "W64", ".rf64": "RF64", ".sph": "NIST",
}  # fmt: skip


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


@pytest.mark.parametrize("ending", sorted({*FORMATS} - {".mp3", ".ogg"}))
def test_other_formats_that_are_cut_off_are_named(tmp_path, ending):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4000)
    path = tmp_path / f"s{ending}"
    soundfile.write(path, noise, 8000, format=FORMATS[ending])
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(BadInputError, match=rf's{ending}" (is truncated|cannot be read as sound)'):
        read_sound(path)


@pytest.mark.parametrize("ending", [".mp3", ".ogg"])
def test_compressed_recordings_that_end_early_are_noted(tmp_path, ending):
    path = tmp_path / f"s{ending}"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 80000), 16000, format=FORMATS[ending])
    assert notes(path)[1] == ""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 5])
    assert "ends early" in notes(path)[1]


def test_a_name_that_is_not_utf8_is_read(sound):
    path = sound([0.5, 0.25])
    path = path.rename(path.with_name(os.fsdecode(b"caf\xe9.wav")))
    assert (len(read_sound(path)[0]), common_rate([path])) == (2, 8000)
