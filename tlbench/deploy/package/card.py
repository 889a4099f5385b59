"""The model card: what a stranger must know of an exported model, as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.specs import TaskSpec
from tlbench.results.escapes import plain
from tlbench.results.row import Row

RUN = """\
In an environment that has these packages (`pip install {packages}`), and nothing else:

    python predict.py --check              # are the predictions for these examples those that were scored?
    python predict.py examples/sample-*    # the examples of this folder, one a file
{files}"""
READER = """\
    python predict.py FILE ...             # files like those of the training data{needs}
"""
NEEDS = {"pillow": " (needs pillow)", "pyarrow": " (Parquet needs pyarrow)", "soundfile": " (needs soundfile)"}
"""What reading files takes, by the package that `reader.py` imports."""
TEXT = """\
    python predict.py "A TEXT"             # a text of several words
"""
NO_READER = """
Files like those of the training data are not read here: {reason}.
"""
FILES = """\
- `model.onnx`: the scored file with metadata behind it (labels, preprocessing, ...). Its first {bytes} bytes are the
  scored file itself, sha256 `{sha256}`.
- `predict.py`: the example; a service needs its `Model`. `preprocess.py`: raw examples to model inputs, the code that
  prepared the training data. `postprocess.py`: outputs to predictions, the code that scored them; `outputs.py` is what
  it reads.{reader}
- `examples/`: examples of the target test split, raw, or prepared (`.npz`) where a raw one is large, and in
  `predictions.json` what the file predicted for them when it was scored, beside the targets.
- `row.json`: the row of the board, with every option and version.
"""
READER_FILE = "\n- `reader.py`: files to raw examples, the code that read the training data."
INTERVALS = {
    "wilson": " (Wilson's, for a proportion)",
    "bca": " (bootstrap, bias-corrected and accelerated)",
    "percentile": " (bootstrap)",
    None: " (bootstrap)",
}
"""How the interval of a score was made, as rows name it; rows that name nothing are older than other ways."""
LIMITS = """\
A benchmark made it, to compare ways of transfer. Its scores are those of one test split of the target above and of one
seed, in fp32; they say nothing of other data. Before it serves anybody, test it on data of the place where it is to
serve.
"""
SECOND = re.compile(r";[^;]* is the source\.$")
"""What summaries of tasks on a user's files say of a source, which a task may lack."""
SOURCE_INPUTS = "source's training inputs"
FITTED = {
    "label budget": "target's training inputs under the label budget",
    "target training inputs": "target's training inputs",
}
LONGEST = 60
"""Characters of a learnt value that the card still shows."""
MOST_LABELS = 100


def card(
    row: Row,
    task: TaskSpec,
    backbone: BackboneSpec,
    metadata: Mapping[str, str],
    example: str,
    packages: Sequence[str] = (),
    reader_packages: Sequence[str] = (),
) -> str:
    """Return the card; `example` says what a raw example is, in Markdown, `packages` what its preparation imports.

    `reader_packages` is what reading files imports.
    """
    reads = metadata["reading"] != "null"
    sections = {
        "What it is": _what(row, task, backbone),
        "Run it": _run(task, backbone, metadata, packages, reader_packages),
        "Scores": _scores(row),
        "What goes in": _inputs(row, metadata, example),
        "What comes out": _outputs(metadata),
        "What it saw": _saw(row),
        "Intended use and limits": LIMITS,
        "Licence": licences(task.licence, backbone.licence),
        "Files": FILES.format(bytes=row.onnx_bytes, sha256=row.onnx_sha256, reader=READER_FILE if reads else ""),
    }
    title = f"# {escape(task.title)}: {escape(row.backbone)}, {escape(row.strategy)}\n"
    return "\n".join([title, *(f"## {name}\n\n{text.rstrip()}\n" for name, text in sections.items())])


def _run(
    task: TaskSpec,
    backbone: BackboneSpec,
    metadata: Mapping[str, str],
    packages: Sequence[str],
    reader_packages: Sequence[str],
) -> str:
    files = TEXT if metadata["example"] in ("a text", "a list of words") else ""
    if metadata["reading"] == "null":
        files += NO_READER.format(reason=_why_no_file(task, backbone))
    else:
        files = READER.format(needs="".join(NEEDS.get(name, "") for name in reader_packages)) + files
    return RUN.format(packages=" ".join(["onnxruntime", "numpy", *packages]), files=files)


def _why_no_file(task: TaskSpec, backbone: BackboneSpec) -> str:
    """Return why an export reads no files like those of the training data."""
    if backbone.preprocess is None:
        return f"the backbone {escape(backbone.name)} gives exports no preprocessing, so they take prepared arrays"
    return f"the task {escape(task.name)} gives exports no reader"


def _what(row: Row, task: TaskSpec, backbone: BackboneSpec) -> str:
    alone = row.setting == "target-only"
    summary = SECOND.sub(".", task.summary) if alone else task.summary
    return "\n".join(
        [
            f"{escape(summary)} The model is the backbone {escape(row.backbone)}, adapted to the target by the "
            f"strategy {escape(row.strategy)} with seed {row.seed}. {escape(backbone.summary)}\n",
            *([] if alone else [f"- source: {escape(task.source)}"]),
            f"- target: {escape(task.target)}",
            *([] if alone else [f"- shift: {escape(task.shift)}"]),
        ]
    )


def _scores(row: Row) -> str:
    others = [f"{escape(name)} {_number(value)}" for name, value in row.scores.items() if name != row.metric]
    lines = [
        f"- **{escape(row.metric)} {_number(row.score)}** on {row.test_size} target test examples; 95 % interval over "
        f"them {_number(row.score_low)} to {_number(row.score_high)}{INTERVALS[row.interval_method]}.",
        f"- Also: {', '.join(others)}." if others else "",
        _forgetting(row),
        _latency(row),
        f"- Size: {row.onnx_bytes} bytes, {row.parameters} parameters.",
    ]
    return "\n".join(filter(None, lines))


def _forgetting(row: Row) -> str:
    if row.remembered and row.forgetting_probe is not None:
        return (
            f"- Forgetting of {escape(row.remembered)}: by a linear probe {escape(row.source_metric or row.metric)} "
            f"{_number(row.probe_before)} before adaptation, {_number(row.probe_after)} after: "
            f"{_number(row.forgetting_probe)} lost."
        )
    if row.setting == "target-only":
        return ""
    if row.forgetting_head is None or row.score_matrix is None:
        return "- Forgetting of the source: none to measure."
    return (
        f"- Forgetting: source {escape(row.source_metric or row.metric)} {_number(row.score_matrix[0][0])} before "
        f"adaptation, {_number(row.score_matrix[1][0])} after by the same head: {_number(row.forgetting_head)} lost; "
        f"by a refitted probe {_number(row.forgetting_probe)} lost."
    )


def _latency(row: Row) -> str:
    if row.p50_ms is None:
        return "- Latency: not measured."
    busy = " The machine was busy with something else meanwhile." if row.contended else ""
    return (
        f"- Latency: p50 {row.p50_ms:.3g} ms, p99 {row.p99_ms or row.p50_ms:.3g} ms at batch 1 on "
        f"{escape(row.machine)}, {escape(row.provider or row.device)}, threads: {row.threads}.{busy}"
    )


def _inputs(row: Row, metadata: Mapping[str, str], example: str) -> str:
    settings, options = json.loads(metadata["preprocessing"]), _values(row.task_options)
    learnt = _values({name: value for name, value in settings["fitted"].items() if len(str(value)) < LONGEST})
    lines = [
        f"{example} Those of this folder: {escape(metadata['example'])}.\n",
        f"- Files become raw examples by the task {escape(row.task)}" + (f", with {options}." if options else "."),
        f"- Learnt from the {FITTED.get(row.fitted_on or '', SOURCE_INPUTS)}: {learnt}." if learnt else "",
    ]
    tensors = [
        f"- The graph's `{part['name']}`: {part['dtype']} ({', '.join(map(str, part['shape']))})."
        for part in json.loads(metadata["inputs"])
    ]
    return "\n".join([*filter(None, lines), *tensors])


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{escape(name)} {escape(str(value))}" for name, value in sorted(values.items()))


def _outputs(metadata: Mapping[str, str]) -> str:
    labels = json.loads(metadata["labels"])
    if not labels:
        return metadata["outputs"]
    listed = ", ".join(map(escape, labels))
    if len(labels) > MOST_LABELS:
        listed = f"{len(labels)}, in the file's metadata, from {escape(labels[0])} to {escape(labels[-1])}"
    return f"{metadata['outputs']} In order: {listed}."


def _saw(row: Row) -> str:
    seen = " and ".join(part.replace("-", " ") for part in row.access) or "nothing"
    budget = f", a budget of {row.label_budget} {row.budget_unit}" if "target-labels" in row.access else ""
    return f"Adaptation saw {escape(seen + budget)}. Rule that picked the model: {escape(row.selection)}."


def licences(data: str, weights: str) -> str:
    """Return the terms of the data and of the weights that training began with: one says nothing of the other."""
    if not data and not weights:
        return "None is named for the data and the weights: both, and the examples of this folder, are their owner's."
    terms = f"{escape(data)}." if data else "no licence is named, so it is its owner's."
    began = f" Weights that training began with: {escape(weights)}." if weights else ""
    return f"Data: {terms} The examples of this folder are a part of it.{began}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def escape(text: str) -> str:
    """Return text that stays text in Markdown: no tag, no link, no code, one line, all of it visible."""
    text = plain(" ".join(text.split()))
    for sign in "\\`*_[]|#":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
