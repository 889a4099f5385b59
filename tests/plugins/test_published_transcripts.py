"""The tasks speech/digit-strings and speech/sentences, and the codes that are generated."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tlbench import BadInputError, LoadRequest
from tlbench.planning.catalog import load_catalog

pytest.importorskip("soundfile")
pytest.importorskip("scipy")

import soundfile

DIGITS, SENTENCES = (load_catalog().task(f"speech/{name}") for name in ("digit-strings", "sentences"))


def request(task, root):
    return LoadRequest(task=task.name, options={"source": "", "target": ""}, data_root=root)


def write(path, samples, rate):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture
def root(tmp_path):
    recipes = [
        {"id": "a", "split": "train", "text": "ONE TWO", "files": ["recordings/1.wav", "recordings/2.wav"]},
        {"id": "b", "split": "test", "text": "TWO", "files": ["recordings/2.wav"]},
    ]
    for digit, loud in ((1, 0.1), (2, 0.3)):
        write(tmp_path / f"fsdd/recordings/{digit}.wav", loud * np.sin(np.arange(800)), 8000)
    folder = tmp_path / "asr_digits"
    for name in ("x", "y"):
        write(folder / f"audio/{name}.flac", 0.1 * np.sin(np.arange(16000)), 16000)
    lines = [json.dumps({**recipe, "gap_ms": [100, 50, 20][: len(recipe["files"]) + 1]}) for recipe in recipes]
    (folder / "fsdd_strings.jsonl").write_text("\n".join(lines))
    rows = ["file,split,speaker,text", "audio/x.flac,train,7,ONE", "audio/y.flac,test,8,TWO ONE"]
    (folder / "utterances.csv").write_text("\n".join(rows))
    return tmp_path


def test_strings_are_composed_of_digits_of_one_peak_with_noise_in_the_gaps(root):
    data = DIGITS.load(request(DIGITS, root))
    (clip,) = data.source.train.inputs
    assert (len(clip), data.sample_rate) == (8 * 100 + 800 + 8 * 50 + 800 + 8 * 20, 8000)
    assert abs(clip[800:1600]).max() == pytest.approx(0.5, abs=0.01)
    assert abs(clip[2000:2800]).max() == pytest.approx(0.5, abs=0.01)
    assert 0 < clip[:800].std() < 0.002
    assert list(data.source.train.labels) == ["one two"]
    assert (list(data.target.test.labels), list(data.target.test.groups)) == (["two one"], ["8"])
    assert len(data.target.train.inputs[0]) == 8000
    again = DIGITS.load(request(DIGITS, root))
    assert np.array_equal(clip, again.source.train.inputs[0])
    assert len(DIGITS.files(request(DIGITS, root))) == 6


def test_files_outside_the_folders_are_refused(root):
    strings, table = root / "asr_digits/fsdd_strings.jsonl", root / "asr_digits/utterances.csv"
    known = strings.read_text()
    strings.write_text(known.replace("recordings/1.wav", "../1.wav"))
    with pytest.raises(BadInputError, match=r'line 1: "../1.wav" is outside its folder'):
        DIGITS.files(request(DIGITS, root))
    strings.write_text(known)
    table.write_text("file,split,speaker,text\n/etc/hosts,train,7,ONE\n")
    with pytest.raises(BadInputError, match="is not a file below its folder"):
        DIGITS.load(request(DIGITS, root))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "JSONDecodeError"),
        ("[1]", "TypeError"),
        ("[" * 100_000, "RecursionError"),
        ('{"split": "train", "text": "ONE", "gap_ms": [1, 1]}', "KeyError: 'files'"),
        ('{"split": "train", "text": "ONE", "files": [7], "gap_ms": [1, 1]}', "expected the texts"),
        ('{"split": "train", "text": "ONE", "files": ["recordings/1.wav"], "gap_ms": [1]}', "one number more"),
        ('{"split": "train", "text": "ONE", "files": ["recordings/1.wav"], "gap_ms": [1, 1e9]}', "to 10000 ms"),
    ],
)
def test_a_line_that_is_no_recipe_is_named(root, line, says):
    strings = root / "asr_digits/fsdd_strings.jsonl"
    strings.write_text(f"\n{strings.read_text()}\n\n{line}\n")
    with pytest.raises(BadInputError, match=rf'fsdd_strings.jsonl", line 5: no recipe .*{says}'):
        DIGITS.load(request(DIGITS, root))


def test_only_line_feeds_end_a_recipe(root):
    strings = root / "asr_digits/fsdd_strings.jsonl"
    strings.write_text(strings.read_text().replace("ONE TWO", "ONE\u2028TWO\u0085") + "\n\n", encoding="utf-8")
    assert list(DIGITS.load(request(DIGITS, root)).source.train.labels) == ["one two"]
    strings.write_bytes(b"\xff")
    with pytest.raises(BadInputError, match="cannot be read as text"):
        DIGITS.files(request(DIGITS, root))


@pytest.mark.data
def test_sizes_are_those_that_the_data_says(data_root):
    digits, sentences = (task.load(request(task, data_root)) for task in (DIGITS, SENTENCES))
    splits = [digits.source.train, digits.source.test, digits.target.train, digits.target.test]
    assert [len(split.inputs) for split in splits] == [480, 120, 76, 88]
    words = [sum(len(text.split()) for text in split.labels) for split in splits]
    assert words == [1927, 480, 291, 340]
    splits = [sentences.source.train, sentences.source.test, sentences.target.train, sentences.target.test]
    assert [len(split.inputs) for split in splits] == [36, 24, 36, 24]
    assert [sum(len(text.split()) for text in split.labels) for split in splits] == [187, 125, 143, 93]
    assert len(sentences.target.labels) == 28


def test_codes_are_words_of_their_alphabet():
    pytest.importorskip("espeakng_loader")
    from tlbench_speech.transcripts import codes

    random = np.random.default_rng(0)
    drawn = [codes._code(random) for _ in range(200)]
    assert {len(code) for code in drawn} == {3, 4}
    assert set("".join(codes.DIGITS)) | {" "} == set(codes.ALPHABET)
