"""Files of predictions from anybody: each fault is one sentence, and none costs memory or runs code."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest

from tlbench.errors import StoreError
from tlbench.results import prediction_files
from tlbench.results.prediction_files import read_predictions

GOOD = {"predictions": np.eye(3, dtype=np.float32), "targets": np.arange(3), "counts": np.ones(3, np.int64)}


def saved(path, **arrays):
    """Write the good arrays with some of them changed; None leaves one out."""
    kept = {name: array for name, array in {**GOOD, **arrays}.items() if array is not None}
    np.savez_compressed(path, **kept)
    return path


def members(path, compression=zipfile.ZIP_DEFLATED, **contents):
    """Write the good arrays with the bytes of some members changed, or compressed otherwise."""
    saved(path)
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in {**kept, **{f"{name}.npy": content for name, content in contents.items()}}.items():
            archive.writestr(name, content)
    return path


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


def claims(shape, dtype="<f4"):
    """An array of no bytes whose header claims a shape."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


class Mine:
    """Would be called by unpickling."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was read",))


def test_arrays_are_read_as_they_were_written(tmp_path):
    labels = np.array(["a", "ü", "c"])
    arrays = read_predictions(saved(tmp_path / "a.npz", labels=labels))
    assert arrays.keys() == {*GOOD, "labels"}
    assert all((arrays[name] == array).all() and arrays[name].dtype == array.dtype for name, array in GOOD.items())
    assert arrays["labels"].tolist() == ["a", "ü", "c"]


HOSTILE = {
    "nothing": (lambda path: path.write_bytes(b""), "not a zip file"),
    "a folder": (lambda path: path.mkdir(), "not a regular file"),
    "half a file": (lambda path: path.write_bytes(saved(path).read_bytes()[:-40]), "not a zip file"),
    "a pickle": (lambda path: members(path, targets=npy(np.array([Mine()] * 3), allow_pickle=True)), "type object"),
    "a pickle alone": (lambda path: members(path, targets=pickle.dumps(Mine())), "magic string"),
    "a claim": (lambda path: members(path, predictions=claims((10**9, 10**9))), "which is not its shape"),
    "negative sizes": (lambda path: members(path, predictions=claims((-2, -3))), "which is not its shape"),
    "a header of code": (lambda path: members(path, targets=claims((3,)).replace(b"{'descr'", b"  x\n y:(")), ""),
    "an open header": (lambda path: members(path, targets=claims((3,)).replace(b"}", b"(")), ""),
    "another compression": (lambda path: members(path, zipfile.ZIP_LZMA), "compressed in another way"),
    "bytes": (lambda path: saved(path, predictions=np.array([b"a", b"b", b"c"])), "expected numbers or texts"),
    "times": (lambda path: saved(path, targets=np.zeros(3, "datetime64[s]")), "expected numbers"),
    "records": (lambda path: saved(path, targets=np.zeros(3, [("a", "i4")])), "expected numbers"),
    "nothing wide": (lambda path: members(path, labels=claims((10**9,), "<U0")), "expected texts"),
    "counts of halves": (lambda path: saved(path, counts=np.ones(3)), "expected whole numbers"),
    "negative counts": (lambda path: saved(path, counts=np.array([4, -1, 0])), "how many of the targets"),
    "overflowing counts": (lambda path: saved(path, counts=np.array([2**62, 2**62, 3])), "how many of the targets"),
    "counts of more": (lambda path: saved(path, counts=np.array([1, 1, 2])), "adds up to 4"),
    "fewer predictions": (lambda path: saved(path, predictions=np.eye(2)), "there are 2 predictions"),
    "other groups": (lambda path: saved(path, groups=np.array(["a"])), '"groups" has the shape'),
    "no targets": (lambda path: saved(path, targets=None), 'no array "targets"'),
    "no examples": (
        lambda path: saved(path, predictions=np.eye(3)[:0], targets=np.arange(0), counts=np.arange(0)),
        "0 examples",
    ),
    "many labels": (lambda path: saved(path, labels=np.array(["a"] * 5001)), "at most 5000 names"),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence(tmp_path, fault):
    write, said = HOSTILE[fault]
    write(tmp_path / "a.npz")
    with pytest.raises(StoreError, match=r"they cannot be read: ") as refused:
        read_predictions(tmp_path / "a.npz")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction_files, "UNPACKED", 10**6)
    path = saved(tmp_path / "a.npz", predictions=np.zeros((3, 10**6)))
    assert path.stat().st_size < 10**5
    with pytest.raises(StoreError, match=r"the arrays have 24,\d+,\d+ bytes, expected at most 1,000,000"):
        read_predictions(path)


def test_a_directory_that_lies_about_sizes_unpacks_no_more_than_it_says(tmp_path):
    path = members(tmp_path / "a.npz", predictions=npy(np.zeros((3, 10**5), np.float32)))
    content = path.read_bytes()
    size = (128 + 3 * 10**5 * 4).to_bytes(4, "little")
    assert content.count(size) >= 2
    path.write_bytes(content.replace(size, (200).to_bytes(4, "little")))
    with pytest.raises(StoreError, match="cannot be read"):
        read_predictions(path)


def test_two_arrays_of_one_name_are_refused(tmp_path):
    path = saved(tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("targets.npy", npy(np.zeros(3, np.int64)))
    with pytest.raises(StoreError, match="several arrays have the same name"):
        read_predictions(path)
