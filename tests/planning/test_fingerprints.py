from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tlbench
from tlbench.errors import UsageError
from tlbench.planning import fingerprints
from tlbench.results.files import digest, file_sha256, read_sealed, write_sealed


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("1,2\n")
    return path


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """The folder that remembers hashes, also of files that were written just now."""
    monkeypatch.setattr(fingerprints, "SETTLED", 0)
    return tmp_path / "cache"


@pytest.fixture
def hashed(monkeypatch):
    """The names of the files that are hashed, one after another."""
    names = []

    def noted(path):
        names.append(path.name)
        return file_sha256(path)

    monkeypatch.setattr(fingerprints, "file_sha256", noted)
    return names


def rewrite(path, text):
    """Change the content and the time of a file, as an editor would."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_a_fingerprint_is_of_names_and_contents(table, memory):
    first = fingerprints.fingerprint([table], memory)
    rewrite(table, "1,3\n")
    changed = fingerprints.fingerprint([table], memory)
    rewrite(table, "1,2\n")
    assert changed != first
    assert fingerprints.fingerprint([table], memory) == first
    assert fingerprints.fingerprint([table.rename(table.with_name("other.csv"))], memory) != first


def test_a_fingerprint_depends_on_the_folder_s_name_and_on_nothing_above(table, memory, tmp_path):
    """In a class folder the name is the label."""
    first = fingerprints.fingerprint([table], memory)
    moved = tmp_path / "moved" / table.parent.name / table.name
    moved.parent.mkdir(parents=True)
    assert fingerprints.fingerprint([table.rename(moved)], memory) == first
    other = moved.parent.rename(moved.parent.with_name("other")) / table.name
    assert fingerprints.fingerprint([other], memory) != first


def test_folders_below_a_root_count_and_those_above_do_not(memory, tmp_path):
    """A file in a subfolder of a class folder has the label of the folder above its own."""
    root = tmp_path / "photos"
    for name in ("cat/2021/1.png", "dog/2022/2.png", "dog/2023/3.png"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(name)

    def hashed(root):
        return fingerprints.fingerprint(sorted(root.rglob("*.png")), memory, [root])

    first = hashed(root)
    root = root.rename(tmp_path / "moved")
    assert hashed(root) == first
    (root / "dog/2022").rename(root / "cat/2022")
    assert hashed(root) != first


def test_a_file_that_is_unchanged_is_hashed_once(table, memory, hashed):
    assert fingerprints.fingerprint([table], memory) == fingerprints.fingerprint([table], memory)
    assert hashed == ["rows.csv"]


def overwrite(path, text):
    path.write_text(text)


def replace(path, text):
    """As `rsync -t` does: another file under the same name."""
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize("change", [overwrite, replace])
def test_a_change_that_keeps_size_and_time_is_noticed(table, memory, change):
    first = fingerprints.fingerprint([table], memory)
    before = table.stat()
    while table.stat().st_ctime_ns == before.st_ctime_ns:  # The clocks of some file systems tick in milliseconds.
        change(table, "9,9\n")
        os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (table.stat().st_size, table.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert fingerprints.fingerprint([table], memory) != first


@pytest.mark.parametrize("part", ["st_size", "st_mtime_ns", "st_ctime_ns", "st_ino"])
def test_a_hash_is_remembered_by_size_times_and_inode(table, memory, hashed, part):
    fingerprints.fingerprint([table], memory)
    (known,) = (memory / "files").iterdir()
    (entry,) = (entries := read_sealed(known)["files"]).values()
    entry[entry.index(getattr(table.stat(), part))] += 1
    write_sealed(known, {"files": entries})
    fingerprints.fingerprint([table], memory)
    assert hashed == ["rows.csv"] * 2


def test_a_hash_is_not_remembered_right_after_a_change(table, tmp_path):
    """A second change within one tick of the file system's clock would leave the same times."""
    fingerprints.fingerprint([table], tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"stamp": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_memory_is_written_again(table, memory, damage):
    first = fingerprints.fingerprint([table], memory)
    (known,) = (memory / "files").iterdir()
    whole = known.read_bytes()
    known.write_bytes(damage)
    assert fingerprints.fingerprint([table], memory) == first
    assert known.read_bytes() == whole


def test_a_memory_with_another_hash_in_it_is_not_believed(table, memory):
    first = fingerprints.fingerprint([table], memory)
    (known,) = (memory / "files").iterdir()
    whole, sha256 = known.read_text(), file_sha256(table)
    assert sha256 in whole
    known.write_text(whole.replace(sha256, sha256[::-1]))
    assert fingerprints.fingerprint([table], memory) == first
    assert known.read_text() == whole


def test_a_memory_that_cannot_be_written_is_done_without(table, memory):
    memory.write_text("a file")
    assert fingerprints.fingerprint([table], memory) == fingerprints.fingerprint([table], memory.with_name("other"))


def test_processes_that_write_one_memory_at_once_agree(tmp_path):
    """What one of them loses of the other's is hashed again; a mixture is never read."""
    code = """
import sys
from pathlib import Path
from tlbench.planning import fingerprints

fingerprints.SETTLED = 0
root, share = Path(sys.argv[1]), int(sys.argv[2])
files = sorted((root / "data").iterdir())
print("ready", flush=True)
sys.stdin.readline()
paths = files[share:] * 20 + files
print(sorted({(path.name, fingerprints.checkpoint_hash({"it": path}, root / "cache")) for path in paths}))
"""
    (tmp_path / "data").mkdir()
    for number in range(8):
        (tmp_path / "data" / f"{number}.csv").write_text(f"{number}\n")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    commands = [[sys.executable, "-c", code, str(tmp_path), share] for share in ("0", "4")]
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(subprocess.Popen(command, **pipes)) for command in commands]
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        outputs = [process.communicate()[0] for process in processes]
    assert outputs[0] == outputs[1]
    assert outputs[0].count(".csv") == 8


def test_the_hashes_of_a_folder_stand_in_one_file(table, memory):
    others = [table.with_name(f"{number}.csv") for number in range(3)]
    for other in others:
        other.write_text("3,4\n")
    fingerprints.fingerprint([table], memory)
    fingerprints.fingerprint([table, *others], memory)
    (known,) = (memory / "files").iterdir()
    assert sorted(read_sealed(known)["files"]) == ["0.csv", "1.csv", "2.csv", "rows.csv"]


def test_a_task_of_no_files_has_a_fingerprint_and_no_memory(memory):
    assert fingerprints.fingerprint([], memory) == digest([])
    assert not memory.exists()


def test_versions_name_python_tlbench_and_the_libraries():
    versions = fingerprints.versions()
    assert versions.keys() >= {"python", "tlbench", "torch", "numpy", "onnx"}
    assert all(re.match(r"\d+\.\d+", version) for version in versions.values())


def test_the_machine_names_processor_and_system():
    assert fingerprints.processor() in fingerprints.machine()
    assert fingerprints.device_name("cpu") == fingerprints.processor() != ""


def test_devices_are_resolved_by_what_is_there(monkeypatch):
    for graphics, auto in (("", "cpu"), ("NVIDIA X", "cuda")):
        monkeypatch.setattr(fingerprints, "graphics", lambda graphics=graphics: graphics)
        assert fingerprints.resolve_device("auto") == auto
        assert fingerprints.resolve_device("cpu") == "cpu"
    assert fingerprints.resolve_device("cuda") == "cuda"
    assert fingerprints.device_name("cuda") == "NVIDIA X"
    monkeypatch.setattr(fingerprints, "graphics", lambda: "")
    with pytest.raises(UsageError, match=r"No GPU.*--device cpu"):
        fingerprints.resolve_device("cuda")


def test_the_commit_is_that_of_a_checkout(tmp_path, monkeypatch):
    def git(*words):
        names = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = ["git", "-C", str(tmp_path), *names, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    own = tmp_path / Path(fingerprints.__file__).relative_to(Path(tlbench.__file__).parents[1])
    own.parent.mkdir(parents=True)
    monkeypatch.setattr(fingerprints, "__file__", str(own))
    assert fingerprints.commit() == ("", None)
    git("init", "-q")
    own.touch()
    git("add", ".")
    git("commit", "-qm", "first")
    assert fingerprints.commit() == (git("rev-parse", "HEAD"), False)
    (tmp_path / "notes.txt").touch()
    assert fingerprints.commit()[1] is False
    (tmp_path / "tlbench" / "new.py").touch()
    assert fingerprints.commit()[1] is True


def test_a_package_inside_another_checkout_has_no_commit(tmp_path, monkeypatch):
    """As when it is installed into a virtual environment that lies in somebody's repository."""
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    inner = tmp_path / "venv" / "site" / "tlbench" / "planning"
    inner.mkdir(parents=True)
    monkeypatch.setattr(fingerprints, "__file__", str(inner / "fingerprints.py"))
    assert fingerprints.commit() == ("", None)


def test_names_that_are_not_utf8_count_as_any_other(table, memory):
    """Also in a folder of such a name; what is remembered of them is found again."""
    first = fingerprints.fingerprint([table], memory)
    folder = table.parent / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    latin = table.rename(folder / os.fsdecode(b"\xff.csv"))
    second = fingerprints.fingerprint([latin], memory)
    assert second != first
    assert fingerprints.fingerprint([latin], memory) == second
    assert fingerprints.fingerprint([latin.rename(folder / os.fsdecode(b"\xfe.csv"))], memory) != second


CPU_INFO = """\
processor\t: 0
{fields}

processor\t: 1
flags\t\t: none
"""


@pytest.mark.parametrize(
    ("fields", "ends_with"),
    [
        ("vendor_id\t: GenuineIntel\nflags\t: fpu avx avx2 fma", " GenuineIntel avx2"),
        ("vendor_id\t: GenuineIntel\nflags\t: avx avx2 fma avx512f avx512bw avx512dq avx512vl", " GenuineIntel avx512"),
        ("vendor_id\t: GenuineIntel\nflags\t: avx2 fma avx512f avx512_bf16 amx_tile", " GenuineIntel amx"),
        ("vendor_id\t: AuthenticAMD\nmodel name\t: B\nflags\t: avx avx2 fma", " AuthenticAMD avx2"),
        ("vendor_id\t: AuthenticAMD\nmodel name\t: C\nflags\t: fma avx2 avx fpu", " AuthenticAMD avx2"),
        ("vendor_id\t: AuthenticAMD\nflags\t: avx512f avx avx2 fma", " AuthenticAMD avx2"),
        ("Features\t: fp asimd sve bf16\nCPU implementer\t: 0x41", " 0x41 sve"),
        ("nothing that is known", ""),
    ],
)
def test_the_class_of_a_processor_is_its_maker_and_its_instructions(monkeypatch, tmp_path, fields, ends_with):
    monkeypatch.setattr(fingerprints, "CPU_INFO", tmp_path / "cpuinfo")
    fingerprints.CPU_INFO.write_text(CPU_INFO.format(fields=fields))
    assert fingerprints.processor_class.__wrapped__() == f"{platform.machine()}{ends_with}"


def test_a_system_that_says_nothing_of_its_processor_has_a_class(monkeypatch, tmp_path):
    monkeypatch.setattr(fingerprints, "CPU_INFO", tmp_path / "nothing")
    assert fingerprints.processor_class.__wrapped__() == platform.machine()
    assert fingerprints.processor.__wrapped__() != ""
