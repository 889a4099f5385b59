from __future__ import annotations

import json
import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import C_LOCALE, run_python

from tlbench.results.files import (
    SEAL,
    canonical,
    digest,
    file_sha256,
    read_sealed,
    write_atomic,
    write_bytes,
    write_json,
    write_sealed,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_canonical_json_survives_a_round_trip(value):
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_a_digest_does_not_depend_on_the_order_of_keys(value):
    assert digest(value) == digest(dict(reversed(value.items())))


def test_a_digest_tells_values_apart_that_print_alike():
    assert len({digest(value) for value in ("1", 1, [1], ["1"], None, "null")}) == 6


def test_a_digest_refuses_nan():
    with pytest.raises(ValueError, match="JSON compliant"):
        digest(float("nan"))


def test_a_file_hash_is_the_hash_of_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_atomic_write_makes_the_folder_and_leaves_nothing_beside_the_file(tmp_path):
    path = tmp_path / "deep" / "er" / "file.bin"
    write_atomic(path, lambda stream: stream.write(b"new"))
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failing_write_keeps_the_old_content_and_leaves_no_draft(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")

    def write(stream):
        stream.write(b"half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_atomic(path, write)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_in_the_middle_of_a_write_keeps_the_old_content(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    code = """
import os, signal, sys
from pathlib import Path
from tlbench.results.files import write_atomic

def write(stream):
    stream.write(b"half")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)

write_atomic(Path(sys.argv[1]), write)
"""
    assert run_python(code, str(path)).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


def test_an_equal_content_is_not_written_again(tmp_path):
    path = tmp_path / "file.bin"
    assert write_bytes(path, b"same")
    os.utime(path, ns=(1, 1))
    assert not write_bytes(path, b"same")
    assert path.stat().st_mtime_ns == 1
    assert write_bytes(path, b"other")


def test_json_is_sorted_indented_and_ends_with_a_line_break(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": "ü"})
    assert (tmp_path / "a.json").read_text() == '{\n "a": "ü",\n "b": 1\n}\n'


@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_sealed_json_is_read_as_it_was_written(value, tmp_path_factory):
    value.pop(SEAL, None)
    path = tmp_path_factory.getbasetemp() / "sealed.json"
    write_sealed(path, value)
    assert canonical(read_sealed(path)) == canonical(value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{}", b'{"a": 1}', b'{"digest": "00"}', b"\xff", b"[" * 100_000, b'{"a": NaN}']
)
def test_what_was_not_sealed_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_sealed(tmp_path / "a.json")


def test_a_sealed_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_sealed(tmp_path / "a.json")


def test_text_that_utf8_cannot_hold_is_written_as_json_reads_it_back(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    assert digest({"name": name}) != digest({"name": "caf\\udce9"})
    write_json(tmp_path / "a.json", {"name": name, "other": "é\\"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"name": name, "other": "é\\"}


def test_a_name_is_the_same_text_in_every_locale(tmp_path):
    """Where the locale is C, names come as the bytes that they are."""
    (tmp_path / "é").touch()
    (tmp_path / os.fsdecode(b"caf\xe9")).touch()
    code = """
import os, sys
from tlbench.results.files import text_of
print(sorted(ascii(text_of(name)) for name in os.listdir(sys.argv[1])))
"""
    plain, other = run_python(code, str(tmp_path)), run_python(code, str(tmp_path), **C_LOCALE)
    assert plain.stdout == other.stdout == str(["'\\xe9'", "'caf\\\\xe9'"]) + "\n"
