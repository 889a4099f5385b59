"""Files that hang a reader, or that claim or become more than fits into memory: each is refused in a sentence."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import struct
import zipfile

import numpy as np
import pytest

from tlbench.assets import (
    common_rate,
    limits,
    read_conll,
    read_idx,
    read_image,
    read_mask,
    read_npz,
    read_sound,
    read_table,
    read_weights,
)
from tlbench.assets.registry import pixels_sha256
from tlbench.errors import BadInputError
from tlbench.planning.fingerprints import checkpoint_hash, fingerprint

READERS = {
    "a.png": lambda path: read_image(path, 8),
    "mask.png": lambda path: read_mask(path, path, 8),
    "a.wav": read_sound,
    "rate.wav": lambda path: common_rate([path]),
    "a.csv": read_table,
    "a.jsonl": read_table,
    "a.parquet": read_table,
    "a.arrow": read_table,
    "a.conll": read_conll,
    "a.npz": read_npz,
    "a.idx": read_idx,
    "a.pth": read_weights,
    "a.safetensors": read_weights,
    "a.data": lambda path: fingerprint([path], path.parent / "cache"),
    "a.weights": lambda path: checkpoint_hash({"weights": path}, path.parent / "cache"),
}


def listen(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


OTHERS = {
    "a named pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": listen,
    "a folder": os.mkdir,
    "symbolic links": lambda path: path.symlink_to(path.name),
    "No such file": lambda path: None,
}


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("name", READERS)
def test_only_regular_files_are_opened(tmp_path, monkeypatch, name, what):
    monkeypatch.chdir(tmp_path)  # A socket needs a short path.
    path = tmp_path / name
    OTHERS[what](path.relative_to(tmp_path) if what == "a socket" else path)
    with pytest.raises(BadInputError, match=what):
        READERS[name](path)


@pytest.fixture
def lowered(monkeypatch):
    """Sets limits lower, so that small files are above them."""
    monkeypatch.setattr(limits, "SMALL", 2**20)

    def lower(name, value):
        monkeypatch.setitem(limits.LIMITS, name, limits.LIMITS[name]._replace(value=value))

    return lower


def test_every_limit_says_its_reason_and_what_to_do():
    for name, limit in limits.LIMITS.items():
        limits.check_limit(name, "file", limit.value)
        with pytest.raises(BadInputError) as refused:
            limits.check_limit(name, "file", limit.value + 1)
        assert all(part in str(refused.value) for part in (f"{limit.value:,}", limit.reason, limit.advice))


def test_an_image_of_many_pixels_is_not_decoded(tmp_path, lowered):
    from PIL import Image

    Image.new("1", (100, 100)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", 8).shape == (8, 8, 3)
    published = pixels_sha256(tmp_path / "a.png")
    lowered("pixels", 9_999)
    with pytest.raises(BadInputError, match=r'a.png" has 10,000 pixels'):
        read_image(tmp_path / "a.png", 8)
    assert published
    assert pixels_sha256(tmp_path / "a.png") == ""


def test_an_image_is_not_given_to_another_program(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(BadInputError, match="cannot identify"):
        read_image(tmp_path / "a.png", 8)


@pytest.mark.parametrize("name", ["a.flac", "a.wav"])
def test_a_recording_of_many_samples_is_not_read(tmp_path, name):
    import soundfile

    path = tmp_path / name
    soundfile.write(path, np.zeros(8000, np.int16), 8000)
    content = bytearray(path.read_bytes())
    if name == "a.flac":  # 36 bits are the number of samples.
        content[21:26] = bytes([content[21] | 15, 255, 255, 255, 255])
        path.write_bytes(content)
    else:
        content[4:8] = struct.pack("<I", 0xFFFFFFF0)
        content[40:44] = struct.pack("<I", 0xFFFFFF00)
        path.write_bytes(content)
        os.truncate(path, 0xFFFFFFF8)
    with pytest.raises(BadInputError, match="samples; the limit is"):
        read_sound(path)


def write_npz(path, shape, content):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    labels = io.BytesIO()
    np.save(labels, np.zeros(4, np.int64))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("images.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content)
        members.writestr("labels.npy", labels.getvalue())


@pytest.mark.parametrize(
    ("shape", "content", "sentence"),
    [
        ((10**7, 1000, 1000), b"\0" * 99, "10,000,000,000,000 bytes of arrays"),
        ((2**12, 32, 32), b"\0" * 99, "expands to 4,194,304"),
        ((2**12, 32, 32), b"\0" * 2**22, "expands to 4,194,4"),
        ((-1, 32, 32), b"\0" * 99, "cannot be read as npz"),
    ],
)
def test_arrays_that_claim_or_expand_to_very_many_bytes_are_refused(tmp_path, lowered, shape, content, sentence):
    write_npz(tmp_path / "a.npz", shape, content)
    with pytest.raises(BadInputError, match=sentence):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("open_file", [gzip.open, open])
def test_an_idx_file_is_read_up_to_what_its_header_says(tmp_path, lowered, open_file):
    with open_file(tmp_path / "a.idx", "wb") as stream:
        stream.write(b"\0\0\x08\x01" + struct.pack(">I", 2**22) + bytes(2**10))
    with pytest.raises(BadInputError, match="expands to 4,194,304"):
        read_idx(tmp_path / "a.idx")


def test_the_holes_of_a_sparse_file_do_not_count(tmp_path, lowered):
    (tmp_path / "a.idx").write_bytes(b"\0\0\x08\x01" + struct.pack(">I", 2**24))
    os.truncate(tmp_path / "a.idx", 2**24 + 8)
    if not (tmp_path / "a.idx").stat().st_blocks:
        pytest.skip("this file system counts no blocks")
    with pytest.raises(BadInputError, match="expands to 16,777,216"):
        read_idx(tmp_path / "a.idx")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.conll"])
def test_a_text_that_is_too_long_is_not_read(tmp_path, name):
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, 2**36)
    with pytest.raises(BadInputError, match="68,719,476,736 bytes; the limit is"):
        READERS[name](tmp_path / name)


def test_a_line_without_end_is_not_read(tmp_path, lowered):
    (tmp_path / "a.csv").write_text("a,b\n" + "," * 100 + "\n")
    lowered("line", 99)
    with pytest.raises(BadInputError, match="100 characters in a line"):
        read_table(tmp_path / "a.csv")


def test_cells_are_counted_before_they_are_made(tmp_path, lowered):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({f"k{i}_{j}": 1 for j in range(10)}) + "\n" for i in range(9)))
    (tmp_path / "a.csv").write_text("a,b\n" * 100)
    lowered("cells", 199)
    for name, count in {"a.jsonl": "810", "a.csv": "200"}.items():
        with pytest.raises(BadInputError, match=f"{name}.* has {count} cells"):
            read_table(tmp_path / name)


@pytest.mark.parametrize(("name", "text"), [("a.json", "[" * 100_000), ("a.jsonl", '{"a":' * 50_000)])
def test_json_that_is_nested_deep_is_a_sentence(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInputError, match="is not JSON"):
        read_table(tmp_path / name)


@pytest.fixture
def columns(tmp_path):
    """Writes a Parquet table with the metadata of a Hugging Face data set."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")

    def write(metadata="{}", **values):
        written = pyarrow.table({name: pyarrow.array(value).dictionary_encode() for name, value in values.items()})
        parquet.write_table(
            written.replace_schema_metadata({"huggingface": metadata}), tmp_path / "a.parquet", compression="zstd"
        )
        return tmp_path / "a.parquet"

    return write


def test_a_columnar_table_is_refused_by_its_number_of_rows(columns, lowered):
    path = columns(a=np.zeros(1000), b=np.ones(1000))
    lowered("cells", 1999)
    with pytest.raises(BadInputError, match="has 2,000 cells"):
        read_table(path)


def test_a_columnar_table_that_expands_is_refused(columns, lowered):
    with pytest.raises(BadInputError, match="expands to"):
        read_table(columns(a=["x" * 2**12] * 1000))


def names_of(names):
    return json.dumps({"info": {"features": {"label": {"names": names}}}})


@pytest.mark.parametrize(
    "metadata",
    [
        *("no JSON", b"\xff", "[]", '{"info": 3}', '{"info": {"features": 5}}', "[" * 100_000),
        *map(names_of, (7, {"a": 1}, [1, [2]])),
    ],
)
def test_metadata_that_makes_no_sense_gives_no_class_names(columns, metadata):
    assert read_table(columns(metadata, label=[0, 1])).column("label") == ["0", "1"]


def test_class_names_of_a_column_of_texts_are_refused(columns):
    with pytest.raises(BadInputError, match="class number a, but only 1 classes"):
        read_table(columns(names_of(["x"]), label=["a", "b"]))


def test_a_repeated_weight_is_not_copied(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.zeros(1).as_strided((200_000, 200_000), (0, 0))}, tmp_path / "a.pth")
    with pytest.raises(BadInputError, match="160,000,000,000 bytes of arrays"):
        read_weights(tmp_path / "a.pth")


def test_compressed_weights_that_expand_are_refused(tmp_path, lowered):
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.zeros(2**20)}, tmp_path / "stored.pth")
    assert read_weights(tmp_path / "stored.pth")["a"].shape == (2**20,)
    with (
        zipfile.ZipFile(tmp_path / "stored.pth") as stored,
        zipfile.ZipFile(tmp_path / "a.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in stored.namelist():
            packed.writestr(member, stored.read(member))
    with pytest.raises(BadInputError, match="expands to 4,19"):
        read_weights(tmp_path / "a.pth")


def test_a_long_header_of_weights_is_not_parsed(tmp_path, lowered):
    from safetensors.numpy import save_file

    save_file({f"weight_{i}": np.zeros(0, np.float32) for i in range(50)}, tmp_path / "a.safetensors")
    assert len(read_weights(tmp_path / "a.safetensors")) == 50
    lowered("header", 1000)
    with pytest.raises(BadInputError, match="bytes of header"):
        read_weights(tmp_path / "a.safetensors")
