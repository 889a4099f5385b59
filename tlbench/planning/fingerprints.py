"""Hashes and names of what a result depends on: versions, data, machine. Light: torch is never imported."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.metadata
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench.assets.limits import check_file
from tlbench.errors import UsageError
from tlbench.results.files import digest, file_sha256, read_hashes, text_of, write_sealed

LIBRARIES = (
    "numpy", "onnx", "onnxruntime-gpu", "onnxruntime", "onnxscript", "scikit-learn", "scipy", "torch", "torchaudio",
    "torchvision", "timm", "transformers", "tokenizers", "pillow", "matplotlib", "seqeval", "mujoco",
    "espeakng-loader", "soundfile",
)  # fmt: skip
"""Distributions whose version may change a score. Rows hold the version of the plugin as well."""
SETTLED = 2 * 10**9
"""Age of a file's last change, in ns, from which on its hash is remembered. The clock of a file system may be so coarse
that two changes in a row leave the same times."""


@functools.cache
def versions() -> Mapping[str, str]:
    """Return the versions of Python, tlbench and the libraries that are installed."""
    installed = {"python": platform.python_version()}
    for name in ("tlbench", *LIBRARIES):
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


CPU_INFO = Path("/proc/cpuinfo")
INSTRUCTIONS: Mapping[str, tuple[str, ...]] = {
    "amx": ("amx_tile", "avx512f"),
    "avx512-bf16": ("avx512_bf16",),
    "avx512-vnni": ("avx512_vnni",),
    "avx512": ("avx512f", "avx512bw", "avx512dq", "avx512vl"),
    "avx2": ("avx2", "fma"),
    "avx": ("avx",),
    "sve2": ("sve2",),
    "sve": ("sve",),
    "bf16": ("bf16",),
    "asimd": ("asimd",),
}
"""Instruction sets by which torch, oneDNN, ONNX Runtime and numpy choose kernels, the richest first, and the flags of a
processor that has them."""


@functools.cache
def processor() -> str:
    """Return the name of the processor."""
    return _cpu_info().get("model name") or platform.processor() or platform.machine()


@functools.cache
def processor_class() -> str:
    """Return what the last bits of numbers depend on: architecture, maker and instruction set.

    Processors of one class choose the same kernels, and a result of one is that of another. The maker counts because
    the matrix products of MKL and OpenBLAS depend on it; the model does not.
    """
    info = _cpu_info()
    flags = set(info.get("flags", info.get("Features", "")).split())
    best = next((name for name, needed in INSTRUCTIONS.items() if flags.issuperset(needed)), "")
    return " ".join(filter(None, (platform.machine(), info.get("vendor_id", info.get("CPU implementer")), best)))


def _cpu_info() -> dict[str, str]:
    """Return what Linux says of the first processor, nothing on other systems."""
    try:
        first = CPU_INFO.read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return {}
    fields = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in fields}


@functools.cache
def graphics() -> str:
    """Return the name of the first CUDA device, or an empty string."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return ""
    count, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return ""
    driver.cuDeviceGetName(name, len(name), 0)
    return name.value.decode()


def device_name(device: str) -> str:
    """Return the name of the processor or of the CUDA device."""
    return graphics() if device == "cuda" else processor()


def resolve_device(device: str) -> str:
    """Return `cpu` or `cuda` for `auto`, `cpu` or `cuda`. Raises `UsageError` if there is no CUDA device."""
    if device == "cuda" and not graphics():
        raise UsageError("No GPU: CUDA finds no device. Check nvidia-smi, or use --device cpu.")
    return ("cuda" if graphics() else "cpu") if device == "auto" else device


def machine() -> str:
    """Return the hardware and system that latencies depend on: processor, GPU and operating system."""
    return ", ".join(filter(None, (processor(), graphics(), f"{platform.system()} {platform.machine()}")))


def fingerprint(paths: Sequence[Path], cache: Path, roots: Sequence[Path] = ()) -> str:
    """Return a hash of the files' names and contents. Hashes of files are remembered in `cache`.

    The name of a file's folder counts, because it may be the label, and so do all folders from one of the `roots` on:
    split, label and others. The folders above do not.
    """
    hashes = _hashes(paths, cache)
    return digest([(text_of(_folder(path, roots)), text_of(path.name), hashes[path]) for path in paths])


def _folder(path: Path, roots: Sequence[Path]) -> str:
    inside = [path.relative_to(root).parent for root in roots if path.is_relative_to(root)]
    deepest = min(inside, key=lambda folder: len(folder.parts), default=Path())
    return deepest.as_posix() if len(deepest.parts) > 1 else path.parent.name


def checkpoint_hash(files: Mapping[str, Path], cache: Path) -> str:
    """Return a hash of the contents of files by role, or an empty string for none. Names and folders do not count."""
    hashes = _hashes(files.values(), cache)
    return digest({role: hashes[path] for role, path in files.items()}) if files else ""


def _hashes(paths: Iterable[Path], cache: Path) -> dict[Path, str]:
    """Return the hash of each file's content.

    The hashes of a folder are remembered in one file, because a folder may contain very many files.
    """
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path)
    hashes: dict[Path, str] = {}
    for folder, members in folders.items():
        memory = cache / "files" / f"{digest(text_of(folder.resolve()))}.json"
        before = read_hashes(memory)
        remembered = dict(before)
        for path in members:
            hashes[path] = _hash(path, remembered)
        if remembered != before:
            # Without this memory the files are hashed again: slower, but no reason to stop.
            with contextlib.suppress(OSError):
                write_sealed(memory, {"files": remembered})
    return hashes


def _hash(path: Path, remembered: dict[str, list[Any]]) -> str:
    """Return a file's hash: the remembered one if the file is unchanged, else a new one, which is added.

    Raises `BadInputError` unless it is a regular file. Tools that copy times (`cp -p`, `rsync -t`) keep size and mtime,
    but change ctime or inode.
    """
    check_file(path)
    now, status = time.time_ns(), path.stat()
    stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    entry = remembered.get(path.name)
    if entry is not None and entry[:-1] == stamp:
        return str(entry[-1])
    sha256 = file_sha256(path)
    if now - status.st_ctime_ns >= SETTLED:
        remembered[path.name] = [*stamp, sha256]
    return sha256


def commit() -> tuple[str, bool | None]:
    """Return the commit of this checkout and whether the code was changed; `("", None)` if tlbench is installed."""
    import subprocess

    def git(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *words]
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="backslashreplace", check=True, timeout=10
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != Path(__file__).parents[2]:
            return "", None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--", ":/tlbench", ":/plugins"))
    except (OSError, subprocess.SubprocessError):
        return "", None
