"""Files of every spelling: what an export reads of them equals what training reads, bit for bit."""

from __future__ import annotations

import json
import sys
import types
import warnings

import numpy as np
import pytest

from tlbench import BadInputError, LoadRequest
from tlbench.deploy.package.carried import ALLOWED, READERS, imported, source_of
from tlbench.deploy.package.examples import reader_of
from tlbench.planning.catalog import load_catalog

ROWS = [
    {
        "size": float(random.integers(1, 4000)) / (1 if row % 3 else 2),
        "rate": round(float(random.normal()), 3),
        "count": int(random.integers(90)),
        "proto": ("tcp", "udp", "ic mp")[row % 3],
        "label": ("normal", "worm")[row % 4 == 0],
    }
    for random in [np.random.default_rng(5)]
    for row in range(40)
]

MISSING = {row["size"]: text for row, text in zip(ROWS, ["", "n/a", "NaN", "-inf", "#N/A", "1e99", " "], strict=False)}


def point(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def comma(value):
    return point(value).replace(".", ",") if isinstance(value, float) else str(value)


def grouped(sign):
    """Numbers of German programs, with a sign between thousands also where there is no decimal."""

    def write(value):
        if not isinstance(value, float):
            return str(value)
        text = f"{value:,.3f}" if value % 1 else f"{value:,.0f}"
        return text.translate(str.maketrans({",": sign, ".": ","}))

    return write


def cells(write, separator=";", end="\n", quote=""):
    lines = [separator.join(ROWS[0]), *(separator.join(f"{quote}{write(v)}{quote}" for v in r.values()) for r in ROWS)]
    return end.join(lines) + end


TABLES = {
    "commas": ("t.csv", cells(point, ",")),
    "semicolons": ("t.csv", cells(point)),
    "tabs": ("t.tsv", cells(point, "\t")),
    "bars": ("t.csv", cells(point, "|")),
    "named separator": ("t.csv", "sep=;\n" + cells(point)),
    "carriage returns": ("t.csv", cells(point, end="\r\n")),
    "quoted": ("t.csv", cells(point, ",", quote='"')),
    "blank rows": ("t.csv", cells(point, end="\n\n") + ";;;;\n"),
    "more separators at the end": ("t.csv", cells(point, ",", end=",,\n").replace(",,\n", "\n", 1)),
    "numbers of rows": (
        "t.csv",
        "\n".join(f"{i},{line}" if i else line for i, line in enumerate(cells(point, ",").splitlines())),
    ),
    "an index": ("t.csv", "\n".join(f"{i - 1 if i else ''};{x}" for i, x in enumerate(cells(point).splitlines()))),
    "spaces": ("t.csv", cells(lambda value: f" {point(value)} ").replace(";", " ; ")),
    "missing": ("t.csv", cells(lambda value: MISSING.get(value, point(value)))),
    "byte order mark": ("t.csv", "\ufeff" + cells(point)),
    "decimal commas": ("t.csv", cells(comma)),
    "decimal commas in quotes": ("t.csv", cells(comma, ",", quote='"')),
    "points between thousands": ("t.csv", cells(grouped("."))),
    "apostrophes between thousands": ("t.csv", cells(grouped("'"))),
    "spaces between thousands": ("t.csv", cells(grouped("\u00a0"))),
    "exponents": ("t.csv", cells(lambda value: f"{value:.4e}" if isinstance(value, float) else str(value))),
    "json lines": ("t.jsonl", "\n".join(map(json.dumps, ROWS))),
    "json": ("t.json", json.dumps(ROWS, indent=1)),
}


def load(name, **options):
    """The task's raw data, and the file reader of an export of it, in a module of its own."""
    task = load_catalog().task(name)
    defaults = {option.name: option.default for option in task.options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = task.load(LoadRequest(task=name, options={**defaults, **options}, data_root=None))
    return data, carried(task, json.loads(json.dumps(dict(data.reading))))


def carried(task, settings):
    source = source_of(reader_of(task), READERS)
    assert set(imported(source)) <= ALLOWED | READERS.keys()
    sys.modules["carried_reader"] = module = types.ModuleType("carried_reader")
    exec(compile(source, "reader.py", "exec"), vars(module))
    return vars(module)[reader_of(task).__name__](**settings)


def same(ours, theirs):
    """Whether arrays or texts are the same in any order: those of training are divided into splits."""
    return sorted(map(key, ours)) == sorted(map(key, theirs))


def key(example):
    return (str(np.asarray(example).dtype), np.asarray(example).shape, np.asarray(example).tobytes())


def examples(side):
    return [*side.train.inputs, *side.test.inputs]


@pytest.fixture
def file(tmp_path):
    def write(name, text, encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("spelling", TABLES)
def test_a_table_of_any_spelling_is_read_as_in_training(file, spelling):
    path, source = file(*TABLES[spelling]), file("source.csv", cells(point, ","))
    data, read = load("anomaly/table", source=str(source), target=str(path), missing="fill")
    assert len(examples(data.target)) == len(ROWS)
    assert same(examples(data.target), read(path))
    if spelling not in ("missing", "exponents"):
        assert same(examples(data.target), examples(data.source))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig", "utf-32"])
def test_the_encoding_is_found_as_in_training(file, encoding):
    path = file("t.csv", cells(point).replace("ic mp", "ïcmp"), encoding)
    data, read = load("anomaly/table", target=str(path))
    assert same(examples(data.target), read(path))


def test_columns_may_stand_in_any_order_beside_others_and_without_a_label(file):
    data, read = load("anomaly/table", target=str(file("t.csv", cells(grouped(".")))))
    rows = [{"more": "x", **{name: row[name] for name in ("proto", "rate", "count", "size")}} for row in ROWS]
    lines = [";".join(rows[0]), *(";".join(map(grouped("."), row.values())) for row in rows)]
    assert same(examples(data.target), read(file("u.csv", "\n".join(lines))))


class TestOpenNumbers:
    """`1.200` is 1200 or 1.2, and `1,200` is 1.2 or 1200: the training data decides for each column."""

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            *(("1.200", 1200.0), ("1,200", 1.2), ("1.234,5", 1234.5), ("1.234.567", 1234567.0)),
            *(("7", 7.0), ("1.5", 1.5), ("0.125", 0.125), ("-0.250", -0.25)),
        ],
    )
    def test_points_between_thousands_in_training_are_that_in_every_file(self, file, written, expected):
        _, read = load("anomaly/table", target=str(file("t.csv", cells(grouped(".")))))
        (row,) = read(file("one.csv", f"size;rate;count;proto\n{written};0;3;tcp\n"))
        assert row[0] == expected

    @pytest.mark.parametrize(("written", "expected"), [("1.200", 1.2), ("1.5", 1.5), ("1,5", 1.5)])
    def test_decimal_points_in_training_are_that_in_every_file(self, file, written, expected):
        _, read = load("anomaly/table", target=str(file("t.csv", cells(point))))
        (row,) = read(file("one.csv", f"size;rate;count;proto\n{written};0;3;tcp\n"))
        assert row[0] == expected

    def test_what_the_training_data_leaves_open_is_refused(self, file):
        _, read = load("anomaly/table", target=str(file("t.csv", cells(comma))))
        with pytest.raises(ValueError, match=r'column "size": "1\.200" may have a decimal point'):
            read(file("one.csv", "size;rate;count;proto\n1.200;0;3;tcp\n"))
        _, read = load("anomaly/table", target=str(file("t.csv", cells(point))))
        with pytest.raises(ValueError, match=r'column "size": "1,200" may have a decimal comma'):
            read(file("one.csv", "size;rate;count;proto\n1,200;0;3;tcp\n"))

    def test_one_file_of_a_domain_decides_for_the_others(self, file):
        """Its test table has no comma: without the training table, 1.200 would be 1.2."""
        file("both/train.csv", cells(grouped(".")))
        rows = "".join(
            f"{size};0;{count};tcp;{label}\n"
            for count, (size, label) in enumerate([("1.200", "normal"), ("2.500", "worm")] * 3)
        )
        test = file("both/test.csv", f"size;rate;count;proto;label\n{rows}")
        data, read = load("anomaly/table", target=str(test.parent))
        assert {row[0] for row in data.target.test.inputs} == {1200.0, 2500.0}
        assert same(data.target.test.inputs, read(test))

    def test_a_zero_is_never_before_a_point_between_thousands(self, file):
        """Its test table writes decimal points, whatever the training table does: 0.125 is not 125."""
        file("both/train.csv", cells(grouped(".")))
        rows = "".join(
            f"{size};0;{count};tcp;{label}\n"
            for count, (size, label) in enumerate([("0.125", "normal"), ("0.250", "worm")] * 3)
        )
        test = file("both/test.csv", f"size;rate;count;proto;label\n{rows}")
        data, read = load("anomaly/table", target=str(test.parent))
        assert {row[0] for row in data.target.test.inputs} == {0.125, 0.25}
        assert same(data.target.test.inputs, read(test))

    def test_domains_may_differ(self, file):
        source, target = file("s.csv", cells(grouped("."))), file("t.csv", cells(point))
        data, read = load("anomaly/table", source=str(source), target=str(target))
        assert same(examples(data.source), examples(data.target))
        assert same(examples(data.target), read(target))


def test_a_cell_that_is_no_number_is_named_without_options_that_an_export_lacks(file):
    _, read = load("anomaly/table", target=str(file("t.csv", cells(point))))
    with pytest.raises(ValueError, match=r'line 2, column "size": "" is not a finite number: correct the file\.$'):
        read(file("one.csv", "size;rate;count;proto\n;0;3;tcp\n"))
    with pytest.raises(ValueError, match='Unknown column "size"'):
        read(file("one.csv", "rate;count;proto\n0;3;tcp\n"))


SERIES = {
    "commas": ("csv", "x,y,at\n", ",", point),
    "no header": ("csv", "", ",", point),
    "tabs": ("tsv", "x\ty\tat\n", "\t", point),
    "decimal commas": ("csv", "x;y;at\n", ";", comma),
    "points between thousands": ("csv", "x;y;at\n", ";", grouped(".")),
}


@pytest.mark.parametrize("spelling", SERIES)
@pytest.mark.parametrize("missing", ["drop", "fill"])
def test_series_of_any_spelling_are_read_as_in_training(file, spelling, missing, tmp_path):
    suffix, head, separator, write = SERIES[spelling]
    random = np.random.default_rng(2)
    for number in range(12):
        # Every other file has whole numbers alone, which leave open what a point means.
        numbers = (3000 * random.random((30, 3)) + 1000).round(0 if number % 2 else 1)
        lines = [separator.join(write(float(value)) for value in row) for row in numbers]
        lines[7] = separator.join(["nan", *lines[7].split(separator)[1:]])
        file(f"t/{'ab'[number % 2 == number // 6]}/{number}.{suffix}", head + "\n".join(lines) + "\n\n")
    leave = "at" if head else "2"
    data, read = load("robotics/series", target=str(tmp_path / "t"), leave_out=leave, missing=missing)
    files = sorted((tmp_path / "t").glob("*/*"))
    windows = [window for path in files for window in read(path)]
    assert same(examples(data.target), windows)
    assert np.nanmin(np.stack(windows)) >= 1000


TEXTS = {
    "commas": ("t.csv", 'text,label\n"a, b\nc",x\n\n"she said ""no""",y\n«é» ☕ ,x\n  two  words,y\n'),
    "semicolons": ("t.csv", "text;label\na, b;x\nc, d;y\n1,5;x\n2,5;y\n"),
    "tabs": ("t.tsv", 'label\ttext\nx\ta\ny\tb, c\nx\t"d\ny\te\n'),
    "json lines": ("t.jsonl", "\n".join(json.dumps({"text": f"a\n{i}", "label": "xy"[i % 2]}) for i in range(6))),
}


@pytest.mark.parametrize("spelling", TEXTS)
@pytest.mark.parametrize("quotes", [True, False])
def test_texts_of_any_spelling_are_read_as_in_training(file, spelling, quotes):
    path = file(*TEXTS[spelling])
    if (spelling, quotes) == ("tabs", True):  # A quotation mark that is never closed.
        read = carried(load_catalog().task("nlp/text-table"), {"columns": ["text"], "quotes": quotes})
        with pytest.raises(BadInputError, match="not a valid table"):
            load("nlp/text-table", target=str(path), quotes=quotes)
        with pytest.raises(ValueError, match="not a valid table"):
            read(path)
        return
    data, read = load("nlp/text-table", target=str(path), quotes=quotes)
    assert sorted(examples(data.target)) == sorted(read(path))


def test_pairs_of_texts_are_read_as_in_training(file):
    path = file("t.csv", 'text,label,other\n"a, b",x,c\nd,y,e\nf,x,g\nh,y,i\n')
    data, read = load("nlp/text-table", target=str(path), pair="other")
    assert sorted(examples(data.target)) == sorted(read(path))


PROMPTS = {
    "commas": ("t.csv", '" prompt ",answer\n" a, b\nc ",x\n"she said ""no""",y\n«é» ☕ ,x\nd\u2028e,y\n'),
    "tabs in .csv": ("t.csv", "answer\tprompt\nx\ta\ny\tb, c\nx\t  two  words\ny\te\x0cf\n"),
    "quotation marks": ("t.tsv", 'answer\tprompt\nx\t"a\ny\tb" c\nx\td\n'),
    "json lines": ("t.jsonl", "\n".join(json.dumps({"prompt": f" a\n{i}", "answer": "x"}) for i in range(6))),
    "json": ("t.json", json.dumps([{"prompt": f"a {i}", "answer": "x"} for i in range(6)])),
}


@pytest.mark.parametrize("spelling", PROMPTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_prompts_of_any_spelling_are_read_as_in_training(file, spelling, encoding):
    path = file(*PROMPTS[spelling], encoding)
    data, read = load("nlp/prompt-table", target=str(path), quotes=spelling != "quotation marks")
    assert sorted(prompt for prompt, _ in examples(data.target)) == sorted(read(path))


def test_prompts_of_parquet_are_read_as_in_training(tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {"prompt": [f" a\n{row}" for row in range(6)], "answer": ["x"] * 6}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    data, read = load("nlp/prompt-table", target=str(tmp_path / "t.parquet"))
    assert sorted(prompt for prompt, _ in examples(data.target)) == sorted(read(tmp_path / "t.parquet"))


def test_texts_to_sum_up_are_read_as_in_training(file, tmp_path):
    """Line breaks and the like are single spaces, also in a text file and on the command line."""
    records = [{"text": f"a:  yes\n\tb\u2028{row}", "summary": "a\nb", "references": ["a"]} for row in range(4)]
    content = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    for name in ("science_train", "science_test", "clinic_train", "clinic_test"):
        path = file(f"{name}.jsonl", content)
    data, read = load("nlp/summaries", source=str(tmp_path), target=str(tmp_path))
    prompts = [prompt for prompt, _ in data.target.test.inputs]
    assert prompts == read(path) == [f"a: yes b {row}" for row in range(4)]
    assert list(map(read.text, (record["text"] for record in records))) == prompts
    assert [answer for _, answer in data.target.test.inputs] == ["a\nb"] * 4


def test_sounds_of_any_rate_are_read_as_in_training(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    random = np.random.default_rng(1)
    for number, (rate, channels, suffix, subtype) in enumerate(
        [
            *((8000, 1, "wav", "PCM_16"), (16000, 2, "wav", "FLOAT"), (11025, 1, "flac", "PCM_24")),
            *((8000, 2, "wav", "PCM_U8"), (44100, 1, "wav", "PCM_32"), (8000, 1, "wav", "DOUBLE")),
        ]
    ):
        for label in "ab":
            (tmp_path / "t" / label).mkdir(parents=True, exist_ok=True)
            samples = (0.2 * random.normal(size=(900 + 70 * number, channels))).clip(-1, 1)
            soundfile.write(tmp_path / "t" / label / f"{number}.{suffix}", samples, rate, subtype=subtype)
    data, read = load("speech/wav-folder", target=str(tmp_path / "t"))
    assert data.sample_rate == 8000
    assert same(examples(data.target), [one for path in sorted((tmp_path / "t").glob("*/*")) for one in read(path)])
    (tmp_path / "no.wav").write_text("no sound")
    with pytest.raises(ValueError, match=r'no.wav" cannot be read'):
        read(tmp_path / "no.wav")


def test_images_of_segmentation_are_read_as_in_training(tmp_path):
    image = pytest.importorskip("PIL.Image")
    random = np.random.default_rng(3)
    for folder in ("images", "masks"):
        (tmp_path / "t" / folder).mkdir(parents=True)
    for number in range(10):
        shape = (20 + number, 24)
        image.fromarray(random.integers(0, 256, (*shape, 3), np.uint8)).save(tmp_path / "t/images" / f"{number}.png")
        image.fromarray(random.integers(0, 2, shape, np.uint8)).save(tmp_path / "t/masks" / f"{number}.png")
    data, read = load("vision/mask-folder", target=str(tmp_path / "t"), size=16)
    images = [one for path in sorted((tmp_path / "t/images").glob("*")) for one in read(path)]
    assert same(examples(data.target), images)
