from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from tlbench import BadInputError
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.images import read_image, read_npz


@pytest.fixture
def picture(tmp_path):
    """Writes an image, black above and red below."""

    def write(name="p.png", **how):
        pixels = np.zeros((40, 20, 3), np.uint8)
        pixels[20:, :, 0] = 255
        Image.fromarray(pixels).save(tmp_path / name, **how)
        return tmp_path / name

    return write


def test_an_image_is_scaled_to_a_square(picture):
    image = read_image(picture(), 8)
    assert (image.shape, image.dtype) == ((8, 8, 3), np.uint8)
    assert image[0].max() == 0
    assert image[-1].tolist() == [[255, 0, 0]] * 8


def test_grey_has_one_channel(picture):
    image = read_image(picture(), 8, grey=True)
    assert image.shape == (8, 8, 1)
    assert image[-1, 0, 0] == 76  # ITU-R 601: 0.299 of red


def test_a_turned_photograph_is_set_upright(picture):
    exif = Image.Exif()
    exif[0x0112] = 3  # by 180 degrees
    image = read_image(picture("p.jpg", exif=exif, quality=100), 8)
    assert image[0, 0, 0] > 200
    assert image[-1, 0, 0] < 50


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.gif"])
def test_a_broken_image_is_named(picture, name):
    path = picture(name)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(BadInputError, match=f'{name}" cannot be read as an image'):
        read_image(path, 8)


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "p.png").write_text("no image")
    with pytest.raises(BadInputError, match=r'p.png" cannot be read as an image'):
        read_image(tmp_path / "p.png", 8)


def test_a_deep_image_is_refused_instead_of_cut(tmp_path):
    Image.fromarray(np.full((4, 4), 4000, np.uint16)).save(tmp_path / "p.png")
    with pytest.raises(BadInputError, match="more than 8 bits per channel"):
        read_image(tmp_path / "p.png", 8)


GREEN = (0, 128, 0)


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("CMYK", "p.jpg"),
        ("CMYK", "p.tif"),
        ("LAB", "p.tif"),
        ("YCbCr", "p.jpg"),
        ("P", "p.bmp"),
        ("RGB", "p.mpo"),
        ("RGB", "p.j2k"),
        ("RGB", "p.avif"),
    ],
)
def test_colours_of_other_modes_are_those_that_are_seen(tmp_path, mode, name):
    image = Image.new("RGB", (16, 16), GREEN)
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
    else:
        image = image.convert(mode)
    image.save(tmp_path / name)
    assert np.abs(read_image(tmp_path / name, 8)[4, 4] - np.array(GREEN, int)).max() <= 8
    assert abs(int(read_image(tmp_path / name, 8, grey=True)[4, 4, 0]) - 75) <= 8


def test_arrays_of_images_get_a_channel(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 4, 5), np.uint8), labels=np.array([2, 0, 2]))
    read = read_npz(tmp_path / "a.npz")
    assert read.inputs[0].shape == (4, 5, 1)
    assert read.labels == ["2", "0", "2"]


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"images": np.zeros((3, 4, 5), np.uint8)}, 'no array "labels", only images'),
        ({"images": np.zeros((3, 4, 5)), "labels": np.arange(3)}, "expected uint8"),
        ({"images": np.zeros((3, 4, 5, 2), np.uint8), "labels": np.arange(3)}, "expected uint8"),
        ({"images": np.zeros((3, 4), np.uint8), "labels": np.arange(3)}, "expected uint8"),
        ({"images": np.zeros((3, 4, 5), np.uint8), "labels": np.arange(2)}, "one whole number or text"),
        ({"images": np.zeros((3, 4, 5), np.uint8), "labels": np.zeros(3)}, "one whole number or text"),
        ({"images": np.array([{}], object), "labels": np.arange(1)}, "save plain arrays"),
    ],
)
def test_arrays_that_are_not_images_are_refused(tmp_path, arrays, sentence):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(BadInputError, match=rf'a.npz".*{sentence}'):
        read_npz(tmp_path / "a.npz")


def test_a_broken_npz_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 4, 5), np.uint8), labels=np.arange(3))
    whole = (tmp_path / "a.npz").read_bytes()
    for content in (b"", b"text", whole[:-60]):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(BadInputError, match=r'a.npz" cannot be read as npz'):
            read_npz(tmp_path / "a.npz")


def coloured_key(bits):
    """A PNG of two pixels, red and blue, with `bits` a channel; its colour key says that red is transparent."""
    top, kind = 2**bits - 1, "B" if bits == 8 else "H"

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    pixels = b"\0" + struct.pack(f">6{kind}", top // 2, 0, 0, 0, 0, top)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, bits, 2, 0, 0, 0)),
            chunk(b"tRNS", struct.pack(">3H", top // 2, 0, 0)),
            chunk(b"IDAT", zlib.compress(pixels)),
            chunk(b"IEND", b""),
        ]
    )


RED, BLUE = (255, 0, 0), (0, 0, 255)
SEEN = {"RGBA": [(255, 127, 127), BLUE], "LA": [(127 + 64,) * 3, (0, 0, 0)], "P": [(255, 127, 127), BLUE]}
"""What is seen of a half transparent pixel beside an opaque one."""


def half_transparent(mode, name):
    if mode == "P":
        image = Image.new("P", (2, 1))
        image.putpalette([*RED, *BLUE])
        image.putdata([0, 1])
        image.save(name, transparency=bytes([128, 255]))
    else:
        image = Image.new(mode, (2, 1))
        image.putdata([(*RED, 128), (*BLUE, 255)] if mode == "RGBA" else [(128, 128), (0, 255)])
        image.save(name)


@pytest.mark.parametrize(
    ("mode", "name"), [("RGBA", "p.png"), ("LA", "p.png"), ("P", "p.png"), ("RGBA", "p.tif"), ("RGBA", "p.PNG")]
)
def test_what_is_transparent_lies_over_white(tmp_path, mode, name):
    half_transparent(mode, tmp_path / name)
    pixels = read_image(tmp_path / name, 0)
    assert pixels.shape == (1, 2, 3)
    assert np.abs(pixels[0] - np.array(SEEN[mode], int)).max() <= 1
    grey = read_image(tmp_path / name, 0, grey=True)
    assert grey[0, 0, 0] > 150
    assert grey[0, 1, 0] < 50


@pytest.mark.parametrize("bits", [8, 16])
def test_a_colour_that_stands_for_transparency_is_white(tmp_path, bits):
    (tmp_path / "p.png").write_bytes(coloured_key(bits))
    assert read_image(tmp_path / "p.png", 0)[0].tolist() == [[255, 255, 255], [0, 0, 255]]


def test_a_transparent_gif_lies_over_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putdata([0, 1])
    image.save(tmp_path / "p.gif", transparency=0)
    assert read_image(tmp_path / "p.gif", 0)[0].tolist() == [[255, 255, 255], [*BLUE]]


def test_shapes_that_only_their_alpha_tells_apart_stay_apart(tmp_path):
    """As icons are saved: all black, the picture in the alpha channel."""
    for name, rows in (("bar.png", 1), ("square.png", 3)):
        alpha = np.zeros((4, 4, 4), np.uint8)
        alpha[:rows, :, 3] = 255
        Image.fromarray(alpha).save(tmp_path / name)
    bar, square = (read_image(tmp_path / name, 0)[..., 0] for name in ("bar.png", "square.png"))
    assert (bar[:, 0].tolist(), square[:, 0].tolist()) == ([0, 255, 255, 255], [0, 0, 0, 255])


@pytest.mark.parametrize("name", ["p.gif", "p.tif", "p.webp", "p.png"])
def test_images_of_several_frames_are_counted(tmp_path, name):
    frames = [Image.new("RGB", (4, 4), (value, 0, 0)) for value in (0, 120, 240)]
    for copy in "ab":
        frames[0].save(tmp_path / f"{copy}{name}", save_all=True, append_images=frames[1:])
    faults = CollectedFaults()
    first = [read_image(tmp_path / f"{copy}{name}", 0, faults=faults)[0, 0, 0] for copy in "ab"]
    assert max(first) < 10
    (note,) = faults.notes
    assert "Only the first frame or page" in note
    assert f'files: 2, such as "{tmp_path / ("a" + name)}"' in note
    with pytest.warns(UserWarning, match="Only the first frame or page"):
        read_image(tmp_path / f"a{name}", 0)


def test_a_single_frame_is_nothing_to_note(picture):
    faults = CollectedFaults()
    read_image(picture("p.gif"), 8, faults=faults)
    assert faults.notes == []
