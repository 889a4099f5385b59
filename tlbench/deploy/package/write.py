"""Stages -> a folder that serves what they scored."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tlbench import __version__
from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.specs import TaskSpec
from tlbench.deploy.package import prepared as arrays_alone
from tlbench.deploy.package.alone import POSTPROCESS, check_alone
from tlbench.deploy.package.card import card
from tlbench.deploy.package.carried import READERS, packages_of, source_of
from tlbench.deploy.package.examples import examples_of, form, predictions, reader_of, reading_of, settings_of
from tlbench.errors import ContractError, UsageError
from tlbench.results.files import canonical, write_bytes, write_json
from tlbench.results.row import Row

EXAMPLES = "examples"
# Read and not imported: the room that it is in imports torch, and an export is written without.
OUTPUTS = Path(__file__).parents[2] / "learning" / "outputs.py"


def write_bundle(
    folder: Path, row: Row, task: TaskSpec, backbone: BackboneSpec, exported: Path, prepared: Path
) -> list[Path]:
    """Write model, example, card, row and raw test examples into an empty folder; return the files.

    `model.onnx` is the scored file with metadata behind it: its first `onnx_bytes` bytes have the row's hash. Raises
    `UsageError` if the folder holds something, and `ContractError`, with nothing written, if the folder's own code
    does not make the predictions that were scored.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f'"{folder}" already exists and is not an empty folder: use another one.')
    module = backbone.preprocess() if backbone.preprocess else arrays_alone
    reading = reading_of(prepared, task, backbone)
    made_by = json.loads((exported / POSTPROCESS).read_text(encoding="utf-8"))
    scored = (exported / "model.onnx").read_bytes()
    metadata = describe(row, task, backbone, made_by, prepared, scored) | {"reading": canonical(reading)}
    texts = _code(module, task, backbone, made_by, with_reader=reading is not None)
    needed = [packages_of(texts.get(name, "")) for name in ("preprocess.py", "reader.py")]
    texts["README.md"] = card(row, task, backbone, metadata, _first_paragraph(module), *needed)
    # Appended, not written into the model: the scored bytes keep their hash.
    write_bytes(folder / "model.onnx", scored + _appendix(metadata))
    for name, text in texts.items():
        write_bytes(folder / name, text.encode())
    write_json(folder / "row.json", row.to_json())
    write_json(folder / EXAMPLES / "predictions.json", predictions(exported, prepared, backbone))
    for path in examples_of(prepared, backbone):
        write_bytes(folder / EXAMPLES / path.name, path.read_bytes())
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    _check(folder, files, row, task)
    return files


def _code(
    module: ModuleType, task: TaskSpec, backbone: BackboneSpec, made_by: Mapping[str, str], with_reader: bool
) -> dict[str, str]:
    """Return the modules of an export by file name: `module` is the preprocessing, `made_by` has the postprocessing."""
    carried = {"preprocess.py": (module.preprocessor, f'backbone "{backbone.name}"')}
    if with_reader:
        carried["reader.py"] = reader_of(task), f'task "{task.name}"'
    return {
        "predict.py": (Path(__file__).parent / "predict.py").read_text(encoding="utf-8"),
        "postprocess.py": check_alone(made_by["source"], made_by["module"], f'kind "{task.kind.name}"'),
        "outputs.py": check_alone(OUTPUTS.read_text(encoding="utf-8"), "tlbench.learning.outputs", "host"),
        **{
            name: check_alone(source_of(function, READERS), function.__module__, owner, READERS)
            for name, (function, owner) in carried.items()
        },
    }


def _check(folder: Path, files: Iterable[Path], row: Row, task: TaskSpec) -> None:
    """Run the written example on the written examples. Raises `ContractError`, and removes the files."""
    command = [sys.executable, "-B", "predict.py", "--check"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        for path in files:
            path.unlink()
        (folder / EXAMPLES).rmdir()
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ContractError(
            f'The export of "{row.file_name}" does not make the predictions that were scored ({"".join(said)}): mend '
            f'the postprocessing of the kind "{task.kind.name}" or the preprocessing of "{row.backbone}".'
        )


def describe(
    row: Row, task: TaskSpec, backbone: BackboneSpec, made_by: Mapping[str, str], prepared: Path, scored: bytes
) -> dict[str, str]:
    """Return the ONNX file's metadata, texts by name, of which lists and records are JSON.

    `made_by` is what `postprocess_record` returned when the file was scored.
    """
    labels = json.loads((prepared / "prepared.json").read_text(encoding="utf-8"))["target_labels"]
    return {
        "tlbench": __version__,
        "row": row.key,
        "onnx_sha256": row.onnx_sha256 or "",
        "task": row.task,
        "task_options": canonical(row.task_options),
        "backbone": row.backbone,
        "strategy": row.strategy,
        "kind": task.kind.name,
        "metric": row.metric,
        "score": str(row.score),
        "labels": canonical(labels),
        "outputs": made_by["outputs"],
        "postprocess": made_by["class"],
        "example": form(examples_of(prepared, backbone), made_by["parts"]),
        "inputs": canonical(_inputs(scored)),
        "preprocessing": canonical(settings_of(prepared, row, task)),
        "licence": _licences(task, backbone),
    }


def _licences(task: TaskSpec, backbone: BackboneSpec) -> str:
    """Return the licences that are named, each with what it is of."""
    named = {"data": task.licence, "weights": backbone.licence}
    return "; ".join(f"{what}: {licence}" for what, licence in named.items() if licence)


def _inputs(scored: bytes) -> list[dict[str, Any]]:
    """Return name, type and shape of each input; a text in a shape names an axis of any length."""
    import onnx

    return [
        {
            "name": argument.name,
            "dtype": str(onnx.helper.tensor_dtype_to_np_dtype(argument.type.tensor_type.elem_type)),
            "shape": [axis.dim_param or axis.dim_value for axis in argument.type.tensor_type.shape.dim],
        }
        for argument in onnx.load_from_string(scored).graph.input
    ]


def _appendix(metadata: Mapping[str, str]) -> bytes:
    """Return metadata as bytes that may stand behind an ONNX file: joined messages of Protocol Buffers are one."""
    import onnx

    model = onnx.ModelProto()
    onnx.helper.set_model_props(model, dict(metadata))
    appendix: bytes = model.SerializeToString(deterministic=True)
    return appendix


def _first_paragraph(module: ModuleType) -> str:
    return inspect.cleandoc(module.__doc__ or "").partition("\n\n")[0]
