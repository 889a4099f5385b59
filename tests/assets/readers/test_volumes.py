"""Volumes in NIfTI files: turned, scaled, and refused if they are broken, hostile or lie askew."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from tlbench import BadInputError
from tlbench.assets import read_volume

nibabel = pytest.importorskip("nibabel")


def save(path, values, affine=None, kind=nibabel.Nifti1Image, unit="mm", **scaled):
    image = kind(values, np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else np.asarray(affine, float))
    image.header.set_xyzt_units(unit)
    if scaled:
        image.header.set_slope_inter(scaled["slope"], scaled["inter"])
    nibabel.save(image, path)
    return path


def ramp(*shape):
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_values_and_distances_are_those_of_the_file(tmp_path, name, kind):
    read = read_volume(save(tmp_path / name, ramp(2, 3, 4), kind=kind))
    assert np.array_equal(read.values, ramp(2, 3, 4))
    assert read.values.dtype == np.float32
    assert read.spacing == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 0.001), ("unknown", 1)])
def test_distances_are_in_mm(tmp_path, unit, factor):
    read = read_volume(save(tmp_path / "a.nii", ramp(2, 2, 2), unit=unit))
    assert read.spacing == pytest.approx((factor, 2 * factor, 3 * factor))


def test_axes_go_from_left_to_right_from_back_to_front_and_up(tmp_path):
    """A file whose first axis goes down and whose second goes to the left."""
    affine = np.array([[0, -2, 0, 0], [0, 0, 3, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])
    read = read_volume(save(tmp_path / "a.nii", ramp(2, 3, 4), affine))
    assert read.spacing == (2.0, 3.0, 1.0)
    assert np.array_equal(read.values, ramp(2, 3, 4)[::-1, ::-1].transpose(1, 2, 0))


def test_a_slight_angle_is_read_and_a_large_one_refused(tmp_path):
    def turned(degrees):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return [[cos, -sin, 0, 0], [sin, cos, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]

    assert read_volume(save(tmp_path / "a.nii", ramp(2, 2, 2), turned(10))).spacing == pytest.approx((1, 1, 2))
    with pytest.raises(BadInputError, match="40 degrees askew"):
        read_volume(save(tmp_path / "b.nii", ramp(2, 2, 2), turned(40)))


def test_a_series_of_one_volume_is_a_volume(tmp_path):
    assert read_volume(save(tmp_path / "a.nii", ramp(2, 3, 4, 1))).values.shape == (2, 3, 4)


def test_slope_and_intercept_are_applied(tmp_path):
    path = save(tmp_path / "a.nii", np.array([[[0.0, 10.0]]], np.float32))
    content = bytearray(path.read_bytes())
    content[112:120] = struct.pack("<ff", 2.0, -5.0)
    path.write_bytes(content)
    assert read_volume(path).values.tolist() == [[[-5.0, 15.0]]]


@pytest.mark.parametrize(
    ("values", "affine", "message"),
    [
        (ramp(2, 3, 4, 5), None, "a series of volumes"),
        (ramp(3, 4), None, "no volume|NIfTI"),
        (np.full((2, 2, 2), np.nan, np.float32), None, "8 voxels that are not finite"),
        (np.zeros((2, 2, 2), np.complex64), None, "of the type complex64"),
        (ramp(2, 2, 2), [[1, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], "not perpendicular"),
    ],
)
def test_what_gives_no_slices_is_refused(tmp_path, values, affine, message):
    path = save(tmp_path / "a.nii", values, affine)
    with pytest.raises(BadInputError, match=message):
        read_volume(path)


@pytest.mark.parametrize("row", [(0.0, 0.0, 0.0, 0.0), (0.0, float("nan"), 0.0, 0.0)])
def test_voxels_without_a_size_are_refused(tmp_path, row):
    path = save(tmp_path / "a.nii", ramp(2, 2, 2))
    content = bytearray(path.read_bytes())
    content[296:312] = struct.pack("<4f", *row)  # The second row of the affine.
    path.write_bytes(content)
    with pytest.raises(BadInputError, match="voxels without a size"):
        read_volume(path)


def test_an_unknown_unit_is_refused(tmp_path):
    path = save(tmp_path / "a.nii", ramp(2, 2, 2))
    content = bytearray(path.read_bytes())
    content[123] = 7
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"unknown unit of length \(7\): correct xyzt_units"):
        read_volume(path)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("length", [7, 2**31 - 1])
def test_extensions_are_not_read_whatever_their_lengths(tmp_path, monkeypatch, kind, name, length):
    """A length that is no multiple of 16 and too small makes nibabel read all that follows."""
    image = kind(ramp(2, 3, 4), np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"a" * 40))
    nibabel.save(image, tmp_path / "whole.nii")
    content = bytearray((tmp_path / "whole.nii").read_bytes())
    start = image.header.sizeof_hdr + 4
    assert struct.unpack_from("<i", content, start) == (48,)
    struct.pack_into("<i", content, start, length)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    monkeypatch.setattr(nibabel.nifti1.Nifti1Extensions, "from_fileobj", lambda *_: pytest.fail("reads extensions"))
    assert np.array_equal(read_volume(tmp_path / name).values, ramp(2, 3, 4))


def header(shape, offset=352.0, bits=16, kind=4):
    head = bytearray(nibabel.Nifti1Header().binaryblock)
    head[40:56] = struct.pack("<8h", len(shape), *shape, *[1] * (7 - len(shape)))
    head[70:74] = struct.pack("<2h", kind, bits)
    head[76:108] = struct.pack("<8f", *[1.0] * 8)
    head[108:112] = struct.pack("<f", offset)
    head[344:348] = b"n+1\0"
    return bytes(head) + bytes(4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header of NIfTI"),
        (b"P" * 400, "no header of NIfTI"),
        (header((2, 2, 2)), "cannot be read as NIfTI"),  # ends before its voxels
        (header((2, 2, 2), offset=float("nan")), "broken header"),
        (header((2, 2, 2), offset=3e8), "bytes of header"),
        (header((2, 2, 2), kind=9999), "cannot be read as NIfTI"),
        (header((0, 2, 2)), "no volume"),
        (header((20000, 20000, 20000)), "bytes of arrays"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_broken_and_hostile_files_are_refused(tmp_path, content, message, packed):
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(BadInputError, match=message):
        read_volume(path)


def test_a_small_file_that_expands_to_much_is_refused(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(header((1200, 1200, 1200), bits=16)))
    with pytest.raises(BadInputError, match="expands to"):
        read_volume(path)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(header((2, 2, 2))))
    (tmp_path / "b.nii.gz").write_bytes(b"no gzip")
    with pytest.raises(BadInputError, match=r"expected \.nii"):
        read_volume(tmp_path / "a.gz")
    with pytest.raises(BadInputError, match="cannot be read as NIfTI"):
        read_volume(tmp_path / "b.nii.gz")
    with pytest.raises(BadInputError, match="a folder"):
        read_volume(tmp_path)
