"""Archives that nobody vouches for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
from hashlib import sha256

import pytest

from tlbench.assets import unpack as module
from tlbench.assets.registry import PublishedFile
from tlbench.assets.unpack import ArchiveError, unpack

TEXT = b"some text\n" * 100
LINK, HARD_LINK, PIPE, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE


def member(name, kind=tarfile.REGTYPE, size=0, to="", **more):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, to
    for key, value in more.items():
        setattr(info, key, value)
    return info


def archive(*entries, compress=gzip.compress):
    """Return an archive of names with their content, and of members without one."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                made.addfile(entry)
            else:
                made.addfile(member(entry[0], size=len(entry[1])), io.BytesIO(entry[1]))
    return compress(stream.getvalue())


@pytest.fixture
def take(tmp_path):
    """Unpacks `a.txt` out of an archive in a folder of its own; says what it is, and what is on disk."""

    def call(content, largest=2**20, names=("a.txt",)):
        folder = tmp_path / "here" / "inner"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "downloaded").write_bytes(content)
        files = [PublishedFile(name=name, url="", sha256=sha256(TEXT).hexdigest()) for name in names]
        try:
            return unpack(folder / "downloaded", files, largest)[files[0]].read_bytes()
        finally:
            beside = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != folder]
            assert not beside, "nothing outside the folder"
            assert all(path.stat().st_size <= largest for path in folder.iterdir() if path.name != "downloaded")

    return call


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_a_file_is_taken_out_of_every_kind_of_archive(take, compress):
    odd = [("../../away.txt", b"x"), ("/absolute.txt", b"x"), (b"\xff\x1b[31m".decode("latin1"), b"x")]
    assert take(archive(*odd, ("some/where/a.txt", TEXT), compress=compress)) == TEXT


def test_of_files_of_one_name_the_published_one_is_taken(take):
    for order in (1, -1):
        assert take(archive(*[("x/a.txt", TEXT), ("y/a.txt", b"other")][::order])) == TEXT
    assert take(archive(member("x/a.txt", LINK, to="b.txt"), ("y/a.txt", TEXT))) == TEXT


@pytest.mark.parametrize(
    "entry",
    [
        member("a.txt", LINK, to="/etc/passwd"),
        member("a.txt", LINK, to="a.txt"),
        member("a.txt", HARD_LINK, to="../../../etc/passwd"),
        member("a.txt", PIPE),
        member("a.txt", FOLDER),
    ],
)
def test_what_is_no_file_is_not_taken(take, entry):
    with pytest.raises(ArchiveError, match=r'it has no file "a\.txt"'):
        take(archive(entry))


@pytest.mark.parametrize("name", ["a.txt", "unwanted.bin"])
def test_an_archive_that_expands_beyond_the_limit_is_refused_before_it_is_on_disk(take, name):
    bomb = archive((name, bytes(2**22)), ("a.txt", TEXT))
    assert len(bomb) < 2**14
    with pytest.raises(ArchiveError, match="expands to more than 1,048,576 bytes"):
        take(bomb)


def test_an_archive_that_expands_to_very_many_times_its_size_is_refused(take, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 2**16)
    bomb = archive(("a.txt", bytes(2**22)))
    with pytest.raises(ArchiveError, match=f"expands to more than {100 * len(bomb):,} bytes"):
        take(bomb, largest=2**30)


def test_a_sparse_file_that_claims_to_be_large_is_refused(take):
    sparse = member("a.txt", tarfile.REGTYPE, pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})
    sparse.pax_headers |= {"GNU.sparse.name": "a.txt", "GNU.sparse.realsize": str(2**40)}
    sparse.size = 512
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as made:
        made.addfile(sparse, io.BytesIO(b"1\n%d\n0\n".ljust(512, b"\0") % 2**40))
    with pytest.raises(ArchiveError, match="expands to more than"):
        take(gzip.compress(stream.getvalue()))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_that_claims_to_be_large_is_not_read(take, kind):
    header = member("a.txt", kind, size=2**23).tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(ArchiveError, match=r"a header of 8,38\d,\d+ bytes"):
        take(gzip.compress(header + bytes(2**23)), largest=2**30)


def test_an_archive_of_very_many_entries_is_refused(take, monkeypatch):
    monkeypatch.setattr(module, "MEMBERS", 50)
    assert take(archive(*[(str(number), b"") for number in range(49)], ("a.txt", TEXT))) == TEXT
    with pytest.raises(ArchiveError, match="more than 50 entries"):
        take(archive(*[(str(number), b"") for number in range(50)], ("a.txt", TEXT)))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
@pytest.mark.parametrize("damage", ["overwritten", "cut"])
def test_a_damaged_archive_is_a_sentence(take, compress, damage):
    whole = archive(("b.bin", os.urandom(50_000)), ("a.txt", TEXT), compress=compress)
    with pytest.raises(ArchiveError, match=r"it cannot be read|it has no file"):
        take(whole[:300] + b"\xff" * 300 + whole[600:] if damage == "overwritten" else whole[: len(whole) // 3])


@pytest.mark.parametrize("content", [b"", b"PK\3\4" + bytes(100), b"\x1f\x8b", b"no archive" * 1000])
def test_what_is_no_archive_is_a_sentence(take, content):
    with pytest.raises(ArchiveError, match=r"cannot be read|has no file"):
        take(content)
