"""What a plugin looks like from a fresh process: what its light module imports, and the data that a task loads.

`python -m tlbench.testing.child` reads a job as JSON from standard input and writes the answer as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.contract.requests import LoadRequest
from tlbench.engine.processes import ending, run_module
from tlbench.errors import ContractError
from tlbench.planning.catalog import HOOKS
from tlbench.planning.discovery import PluginCandidate, PluginOrigin, installed, package_folder, plugin_file
from tlbench.planning.guard import pass_signal
from tlbench.testing.toy import toy_candidate

if TYPE_CHECKING:
    from tlbench.contract.task_data import ExampleSequence, TaskData

HEAVY = frozenset(
    {
        *("datasets", "numpy", "onnx", "onnxruntime", "onnxscript", "pandas", "pooch", "pyarrow", "requests", "scipy"),
        *("sklearn", "timm", "torch", "transformers"),
    }
)
"""What no light module imports."""


def sources_of(plugin: Path) -> list[PluginCandidate]:
    """Return the plugins of a folder with a pyproject.toml, or of a single file. Raises `UsageError`."""
    return package_folder(plugin) if plugin.is_dir() else [plugin_file(plugin)]


def ask(origin: PluginOrigin, plugin: Path | None, request: LoadRequest | None = None) -> dict[str, Any]:
    """Return what a fresh process, with another hash seed, finds.

    `heavy`: the heavy libraries that loading the plugin and listing its specs import; and of the requested task
    `heavy_files`, those that listing its files imports in addition, and `digest`, a hash of its data. Raises
    `ContractError` if the process fails.
    """
    job: dict[str, Any] = {"entry_point": origin.entry_point, "distribution": origin.distribution}
    job["plugin"] = str(plugin) if plugin else None
    if request:
        job["load"] = {"task": request.task, "options": dict(request.options)}
        job["data_root"] = str(request.data_root) if request.data_root else None
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = run_module("tlbench.testing.child", timeout=600, input=json.dumps(job), env=environment)
    if done.returncode:
        raise ContractError(f"Loading the plugin in a fresh process failed: the process {ending(done)}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _answer(job: Mapping[str, Any]) -> dict[str, Any]:
    source = next(source for source in _candidates(job) if _matches(source.origin, job))
    module = source.load()
    specs = [spec for hook in HOOKS if hasattr(module, hook) for spec in _listed(getattr(module, hook))]
    answer: dict[str, Any] = {"heavy": sorted(HEAVY & set(sys.modules))}
    if "load" in job:
        root = Path(job["data_root"]) if job["data_root"] else None
        request = LoadRequest(**job["load"], data_root=root)
        (task,) = (spec for spec in specs if spec.name == request.task)
        task.files(request)
        answer["heavy_files"] = sorted(HEAVY & set(sys.modules) - set(answer["heavy"]))
        answer["digest"] = data_digest(task.load(request))
    return answer


def _listed(hook: Callable[[], Iterable[Any]]) -> list[Any]:
    """Return what a hook returns; nothing if it fails, which is a problem that the catalog reports."""
    try:
        return list(hook())
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        pass_signal(error)
        return []


def _candidates(job: Mapping[str, Any]) -> Iterator[PluginCandidate]:
    yield toy_candidate()
    yield from sources_of(Path(job["plugin"])) if job["plugin"] else installed()


def _matches(origin: PluginOrigin, job: Mapping[str, Any]) -> bool:
    return (origin.entry_point, origin.distribution) == (job["entry_point"], job["distribution"])


def data_digest(data: TaskData) -> str:
    """Return a hash of every example, label, group and reference of a task."""
    from tlbench.results.files import digest

    sides = [side for side in (data.source, data.target) if side is not None]
    splits = [split for side in sides for split in (side.train, side.test)]
    parts = [part for one in splits for part in (one.inputs, one.labels, one.groups, one.references)]
    hashes = [None if part is None else _rows_digest(part) for part in parts]
    return digest([[side.labels for side in sides], data.sample_rate, *hashes])


def _rows_digest(rows: ExampleSequence) -> str:
    """Arrays are hashed whole; other sequences one example after another."""
    return example_digest(rows if hasattr(rows, "dtype") else list(rows))


def example_digest(example: Any) -> str:
    """Return a hash of one raw example or reference: an array, a text, a dict or None, or a list of such."""
    import hashlib

    import numpy as np

    if example is None or isinstance(example, dict):
        content = f"json {json.dumps(example, sort_keys=True)}".encode()
    elif isinstance(example, str):
        content = f"str {example}".encode("utf-8", "surrogatepass")
    elif isinstance(example, list | tuple):
        content = "\0".join(map(example_digest, example)).encode()
    else:
        array = np.asarray(example)
        content = f"{array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes()
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    # What a plugin prints must not be taken for the answer.
    out, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(_answer(json.load(sys.stdin))), file=out)
