"""Bootstrap draws beside a row: read alone, and never believed if they are damaged."""

from __future__ import annotations

import zipfile
import zlib

import numpy as np
import pytest

from tlbench.results.draws import MOST, half_width_of_difference, read_draws
from tlbench.results.files import file_sha256

DRAWS = np.random.default_rng(0).random(2000).astype(np.float32)


def read(path):
    return read_draws(path, file_sha256(path))


def test_draws_are_read_without_what_lies_beside_them(tmp_path):
    path = tmp_path / "row.npz"
    np.savez_compressed(path, predictions=np.ones(5), draws=DRAWS)
    content = path.read_bytes()
    # The predictions are damaged, the draws are whole.
    path.write_bytes(content.replace(content[60:70], bytes(10), 1))
    with pytest.raises((zipfile.BadZipFile, ValueError, OSError, zlib.error)):
        np.load(path)["predictions"]
    assert np.array_equal(read(path), DRAWS)


def test_draws_of_another_file_are_none(tmp_path):
    np.savez_compressed(tmp_path / "row.npz", draws=DRAWS)
    assert read_draws(tmp_path / "row.npz", "0" * 64) is None
    assert read_draws(tmp_path / "missing.npz", "0" * 64) is None
    assert read_draws(tmp_path, "0" * 64) is None


def header(shape, kind="<f4", order=False):
    """Return the bytes of an array of numpy with a header of one's own and few values."""
    text = repr({"descr": kind, "fortran_order": order, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(4000)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY\x02\x00",
        header((10**15,)),
        header((1000, 1)),
        header((500,), "<f8"),
        header((50, 20)),
        header((1000,), "|O"),
        header("x"),
        header((999,)),
        header((1000,)).replace(b"{", b"["),
        header((1000,)).replace(b"'descr'", b"      7"),
        header((1000,)).replace(b"{'descr'", b"  x\n y:("),
        bytes(4 * MOST + 2000),
    ],
    ids=[
        "empty",
        "version",
        "huge",
        "column",
        "float64",
        "table",
        "objects",
        "no shape",
        "too few",
        "list",
        "keys",
        "lines",
        "too many",
    ],
)
def test_draws_that_are_no_draws_are_none(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "row.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("draws.npy", content)
    assert read(tmp_path / "row.npz") is None


@pytest.mark.parametrize("values", [DRAWS[:50], np.where(DRAWS > 0.5, np.inf, DRAWS).astype(np.float32)])
def test_few_draws_and_infinite_ones_are_none(tmp_path, values):
    np.savez_compressed(tmp_path / "row.npz", draws=values)
    assert read(tmp_path / "row.npz") is None


def test_damage_anywhere_costs_no_more_than_the_draws(tmp_path):
    path = tmp_path / "row.npz"
    np.savez_compressed(path, draws=DRAWS[:200])
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        assert (found := read(path)) is None or np.array_equal(found, DRAWS[:200])
    for length in range(0, len(content), 50):
        path.write_bytes(content[:length])
        assert read(path) is None


def test_the_half_width_is_of_the_mean_difference_over_the_seeds():
    one, other = DRAWS, np.roll(DRAWS, 1)
    mean = ((one - 0.5 * one) + (other - 0.5 * other)) / 2
    low, high = np.quantile(mean.astype(float), [0.025, 0.975])
    assert half_width_of_difference([(one, 0.5 * one), (other, 0.5 * other)]) == pytest.approx((high - low) / 2)


def test_draws_that_say_nothing_of_a_difference_have_no_half_width():
    assert half_width_of_difference([(DRAWS, DRAWS - 0.25)]) is None
    assert half_width_of_difference([(DRAWS, DRAWS[:500])]) is None
    without = np.full(2000, np.nan, np.float32)
    assert half_width_of_difference([(DRAWS, without)]) is None
