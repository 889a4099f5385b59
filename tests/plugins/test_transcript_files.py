"""The task speech/transcript-table: tables, metadata, Common Voice and LibriSpeech, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from tlbench import BadInputError, LoadRequest, UsageError
from tlbench.cli.inspection import inspect_task
from tlbench.learning import Predictions
from tlbench.planning.catalog import load_catalog

pytest.importorskip("soundfile")
pytest.importorskip("jiwer")

import soundfile

TASK = load_catalog().task("speech/transcript-table")
RATE = 8000


def request(target, source="", **options):
    values = {option.name: option.default for option in TASK.options}
    return LoadRequest(
        task=TASK.name,
        options={**values, "target": str(target), "source": str(source) if source else "", **options},
        data_root=None,
    )


def sound(path, seconds=1.0, loud=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = loud * np.random.default_rng(len(path.name)).standard_normal(int(seconds * RATE))
    soundfile.write(path, samples.clip(-1, 1), RATE)


def table(folder, rows, name="list.csv", header="file,transcript,split", seconds=1.0):
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        sound(folder / row.split(",")[0], seconds)
    (folder / name).write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return folder / name


ROWS = ["a.wav,Two one.,train", "b.wav,one,train", "c.wav,TWO,test", "d.wav,one two,test"]


def labels_of(data):
    return list(data.target.train.labels), list(data.target.test.labels)


def inspect(given):
    return inspect_task(TASK, given, 4)


def test_a_table_with_splits(tmp_path):
    given = request(table(tmp_path, ROWS))
    data = TASK.load(given)
    assert labels_of(data) == (["two one", "one"], ["two", "one two"])
    assert data.target.labels == (" ", "e", "n", "o", "t", "w")
    assert (data.source, data.sample_rate, data.reading) == (None, RATE, {"sample_rate": RATE})
    assert TASK.labels(given).target == data.target.labels
    assert [path.name for path in TASK.files(given)] == ["list.csv", "a.wav", "b.wav", "c.wav", "d.wav"]
    assert inspect(given).refused == []


def test_both_domains_have_the_characters_of_both(tmp_path):
    source = table(tmp_path / "source", ["a.wav,six,train", "b.wav,six,test"])
    given = request(table(tmp_path / "target", ROWS), source)
    data = TASK.load(given)
    assert data.source.labels == data.target.labels == tuple(sorted(" eistwonx"))
    labels = TASK.labels(given)
    assert labels.source == labels.target == data.target.labels
    assert any('No source transcript has " enotw"' in note for note in inspect(given).notes)


def test_metadata_of_the_hub_and_tables_as_common_voice_has_them(tmp_path):
    rows = [f"{name}.wav,one" for name in "abcdefghij"]
    table(tmp_path / "hub", rows, "metadata.csv", "file_name,transcription")
    data = TASK.load(request(tmp_path / "hub"))
    assert [len(part) for part in labels_of(data)] == [8, 2]
    for part, names in (("train", "abc"), ("dev", "d"), ("test", "ef")):
        lines = [f"{name}.wav\t{name} abcdef\tx" for name in names]
        for name in names:
            sound(tmp_path / "voice" / "clips" / f"{name}.wav")
        (tmp_path / "voice" / f"{part}.tsv").write_text("\n".join(["path\tsentence\tage", *lines]))
    data = TASK.load(request(tmp_path / "voice"))
    assert labels_of(data)[1] == ["e abcdef", "f abcdef"]
    assert sorted(labels_of(data)[0]) == [f"{name} abcdef" for name in "abcd"]


def test_metadata_in_the_folders_of_splits(tmp_path):
    for part, names in (("train", "ab"), ("test", "c")):
        table(tmp_path / part, [f"{name}.wav,abc {name}" for name in names], "metadata.csv", "file_name,text")
    assert labels_of(TASK.load(request(tmp_path))) == (["abc a", "abc b"], ["abc c"])


def libri(root, part, speaker, count):
    book = root / part / speaker / "7"
    for number in range(count):
        sound(book / f"{speaker}-7-{number:04d}.wav")
    lines = [f"{speaker}-7-{number:04d} WORD {speaker}" for number in range(count)]
    (book / f"{speaker}-7.trans.txt").write_text("\n".join(lines))


def test_a_folder_as_librispeech_has_it(tmp_path):
    for part, speaker in (("train-clean-100", "19"), ("train-other-500", "26"), ("test-clean", "61")):
        libri(tmp_path, part, speaker, 2)
    data = TASK.load(request(tmp_path))
    assert labels_of(data) == (["word 19", "word 19", "word 26", "word 26"], ["word 61"] * 2)
    assert list(data.target.train.groups) == ["19", "19", "26", "26"]
    assert "61-7.trans.txt" in {path.name for path in TASK.files(request(tmp_path))}
    alone = tmp_path / "train-clean-100"
    libri(tmp_path, "train-clean-100", "20", 3)
    data = TASK.load(request(alone))
    assert not set(data.target.train.groups) & set(data.target.test.groups)
    with pytest.raises(BadInputError, match='no column "speaker"'):
        TASK.load(request(tmp_path, group="speaker"))


@pytest.mark.parametrize("parts", [("train-clean-100", "train-other-500"), ("dev-clean", "dev-other"), ("train",)])
def test_folders_of_one_split_of_librispeech_are_divided_by_speakers(tmp_path, parts):
    for number, part in enumerate(parts):
        for speaker in (10, 20, 30):
            libri(tmp_path, part, str(speaker + number), 2)
    data = TASK.load(request(tmp_path))
    assert len(data.target.train.labels) + len(data.target.test.labels) == 6 * len(parts)
    assert not set(data.target.train.groups) & set(data.target.test.groups)


def test_splits_without_training_or_test_data_are_refused(tmp_path):
    for part in ("dev-clean", "test-clean"):
        libri(tmp_path / "libri", part, "19", 2)
    with pytest.raises(BadInputError, match="has recordings of test and valid alone: expected folders train and test"):
        TASK.load(request(tmp_path / "libri"))
    table(tmp_path / "hub" / "train", ["a.wav,one"], "metadata.csv", "file_name,text")
    with pytest.raises(BadInputError, match="has recordings of train alone"):
        TASK.load(request(tmp_path / "hub"))
    assert len(inspect(request(tmp_path / "hub")).refused) == 1


def test_published_splits_that_are_not_in_the_order_of_time_are_noted(tmp_path):
    for part, year in (("train", 2020), ("test", 2010)):
        rows = [f"{name}.wav,one,{year}" for name in "ab"]
        table(tmp_path / part, rows, "metadata.csv", "file_name,text,year")
    assert any("2 of 2 test examples" in note for note in inspect(request(tmp_path, time="year")).notes)


def test_a_folder_has_one_file_of_metadata(tmp_path):
    table(tmp_path / "data", ["a.wav,one", "b.wav,two"], "metadata.csv", "file_name,text")
    (tmp_path / "data" / "metadata.jsonl").write_text('{"file_name": "a.wav", "text": "one"}\n')
    for root in (tmp_path / "data", tmp_path):
        with pytest.raises(BadInputError, match=r"has metadata\.csv and metadata\.jsonl: keep one"):
            TASK.load(request(root))


@pytest.mark.parametrize("where", ["../x.wav", "{}/x.wav", "deeper/../../x.wav"])
def test_files_outside_the_folder_are_not_read(tmp_path, where):
    sound(tmp_path / "x.wav")
    (tmp_path / "hub" / "deeper").mkdir(parents=True)
    table(tmp_path / "hub", ["a.wav,one", "b.wav,two"], "metadata.csv", "file_name,text")
    name = where.format(tmp_path)
    with (tmp_path / "hub" / "metadata.csv").open("a") as stream:
        stream.write(f"{name},one\n")
    with pytest.raises(BadInputError, match=r'line 4: ".*x.wav" is outside ".*hub"'):
        TASK.load(request(tmp_path / "hub"))
    libri(tmp_path / "libri", "a", "19", 1)
    (tmp_path / "libri" / "a" / "19" / "7" / "19-7.trans.txt").write_text(f"19-7-0000 ONE\n{name[:-4]} ONE")
    with pytest.raises(BadInputError, match=r'line 2: ".*x" is not the name of a file beside it'):
        TASK.load(request(tmp_path / "libri"))


def test_quotation_marks_may_be_a_part_of_transcripts(tmp_path):
    sentences = ['"Hello," he said', 'an "unclosed one', "three", '"four"']
    for part in ("train", "test"):
        for number in range(4):
            sound(tmp_path / "clips" / f"{part}{number}.wav")
        lines = [f"{part}{number}.wav\t{sentence}" for number, sentence in enumerate(sentences)]
        (tmp_path / f"{part}.tsv").write_text("\n".join(["path\tsentence", *lines]))
    with pytest.raises(BadInputError, match=r"task\.quotes=false"):
        TASK.load(request(tmp_path))
    said = ["hello he said", "an unclosed one", "three", "four"]
    assert labels_of(TASK.load(request(tmp_path, quotes=False))) == (said, said)


def test_books_that_are_not_utf_8_or_no_files_are_refused_and_only_line_feeds_end_their_lines(tmp_path):
    libri(tmp_path, "a", "19", 2)
    libri(tmp_path, "a", "20", 2)
    book = tmp_path / "a" / "19" / "7" / "19-7.trans.txt"
    book.write_bytes("19-7-0000 WORD 20\u20282 WORD\u0085\r\n19-7-0001 ROW 20\n".encode())
    data = TASK.load(request(tmp_path))
    assert sorted({*data.target.train.labels, *data.target.test.labels}) == ["row 20", "word 20", "word 20 2 word"]
    book.write_bytes("19-7-0000 ONE\n19-7-0001 F\u00dcNF\n".encode("latin-1"))
    with pytest.raises(BadInputError, match=r'trans\.txt", line 2, is not valid text .* save it as UTF-8'):
        TASK.load(request(tmp_path))
    assert len(inspect(request(tmp_path)).refused) == 1


def test_inspect_names_every_fault_with_its_line(tmp_path):
    path = table(tmp_path, [*ROWS, "short.wav,one two one two one two,train", "e.wav,,train", "f.wav,fünf,test"])
    sound(tmp_path / "short.wav", 0.1)
    sound(tmp_path / "a.wav", loud=0.0)
    lines = [*path.read_text(encoding="utf-8").splitlines(), "gone.wav,one,train", "b.wav,two,train"]
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    path.write_text("\n".join([*lines, "broken.wav,one,train"]), encoding="utf-8")
    found = inspect(request(path))
    said = "\n".join(found.refused)
    for fault in (
        'line 7: the transcript of "e.wav" is empty',
        'line 9: "gone.wav" does not exist',
        'line 10: "b.wav" is listed twice',
        'broken.wav" cannot be read as sound',
    ):
        assert fault in said
    assert len(found.refused) == 4
    noted = "\n".join(found.notes)
    assert "line 6: the transcript needs 23 frames, but" in noted
    assert "has 5 (0.10 s" in noted
    assert "A recording is silent" in noted
    assert '1 of 3 test transcripts contain characters that no training transcript has, "fü", such as' in noted
    assert "line 8" in noted


@pytest.mark.parametrize(("empty", "train"), [("drop", ["two one"]), ("keep", ["two one", ""])])
def test_empty_transcripts_are_dropped_or_kept(tmp_path, empty, train):
    path = table(tmp_path, ["a.wav,two one,train", "b.wav, ?! ,train", "c.wav,two,test"])
    assert labels_of(TASK.load(request(path, empty=empty)))[0] == train
    with pytest.raises(BadInputError, match=r'line 3: the transcript of "b.wav" is empty'):
        TASK.load(request(path))
    with pytest.raises(UsageError, match=r'Invalid task\.empty="x"'):
        TASK.load(request(path, empty="x"))


def test_transcripts_as_they_are(tmp_path):
    path = table(tmp_path, ["a.wav,It’s  A-B.,train", "b.wav,It,test"])
    assert labels_of(TASK.load(request(path)))[0] == ["it's a b"]
    assert labels_of(TASK.load(request(path, normalise=False)))[0] == ["It’s A-B."]


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        (["a.wav,one"], "file,words", "no column of transcripts: expected one of transcript, transcription"),
        (["a.wav,one"], "sound,transcript", "no column of files: expected one of file, file_name"),
        (["a.wav,one,train"], "file,transcript,split", 'must contain "train" and "test"'),
    ],
)
def test_a_table_that_lacks_something_is_refused(tmp_path, rows, header, says):
    with pytest.raises(BadInputError, match=says):
        TASK.load(request(table(tmp_path, rows, header=header)))


def test_a_folder_without_transcripts_names_the_layouts(tmp_path):
    sound(tmp_path / "yes" / "a.wav")
    with pytest.raises(BadInputError, match=r"has no transcripts: expected a table .*trans.txt"):
        TASK.load(request(tmp_path))
    assert len(inspect(request(tmp_path)).refused) == 1


def test_speakers_stay_together(tmp_path):
    rows = [f"{name}.wav,one,{speaker}" for speaker in range(5) for name in (f"x{speaker}", f"y{speaker}")]
    path = table(tmp_path, rows, header="file,transcript,speaker")
    data = TASK.load(request(path, group="speaker"))
    assert len(data.target.test.labels) == 2
    assert not set(data.target.train.groups) & set(data.target.test.groups)


def test_characters_of_test_transcripts_alone_are_no_outputs_and_count_as_errors(tmp_path):
    data = TASK.load(request(table(tmp_path, ["a.wav,one,train", "b.wav,one fün,test", "c.wav,one,test"])))
    assert data.target.labels == (" ", "e", "n", "o")
    assert list(data.target.test.labels) == ["one \ufffd\ufffdn", "one"]
    kind = TASK.kind.create()
    truth = kind.targets(data.target.test.labels, data.target.labels)
    guess = kind.targets(["one n", "one"], data.target.labels)
    metrics = kind.metrics(data.target.labels)
    found = {
        name: metric(Predictions(guess.values, guess.counts), truth)(np.ones(2)) for name, metric in metrics.items()
    }
    assert found == pytest.approx({"word-accuracy": 2 / 3, "wer": 1 / 3, "cer": 2 / 10})
    # A sign of a lost character in a training transcript is none.
    data = TASK.load(request(table(tmp_path, ["a.wav,o\ufffdne,train", "b.wav,one,test"]), normalise=False))
    assert (data.target.labels, list(data.target.train.labels)) == ((" ", "e", "n", "o"), ["o ne"])


def test_a_silent_recording_in_which_nothing_is_said_is_right(tmp_path):
    path = table(tmp_path, ["a.wav,one,train", "b.wav,,train", "c.wav,one,test"])
    sound(tmp_path / "b.wav", loud=0.0)
    assert not any("silent" in note for note in inspect(request(path, empty="keep")).notes)
    sound(tmp_path / "a.wav", loud=0.0)
    assert any("A recording is silent" in note for note in inspect(request(path, empty="keep")).notes)
