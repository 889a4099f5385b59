"""Predict with the model in this folder. It takes onnxruntime and numpy, and nothing else.

python predict.py FILE ...    predict raw examples: .npy (an array), .json (a text, a pair of them, or words), .txt
python predict.py --check     predict the examples of this folder, and compare with what was scored
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import postprocess  # type: ignore[import-not-found]
from preprocess import preprocessor  # type: ignore[import-not-found]

HERE = Path(__file__).parent
TOLERANCE = 1e-3


class Model:
    """Raw examples -> predictions. Labels, preprocessing and the rest stand in the ONNX file's metadata."""

    def __init__(self, path: Path) -> None:
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.inputs = [argument.name for argument in self.session.get_inputs()]
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.labels = json.loads(metadata["labels"])
        self.prepare = preprocessor(**json.loads(metadata["preprocessing"]))
        self.kind = getattr(postprocess, metadata["postprocess"])()

    def __call__(self, examples: list[Any]) -> list[Any]:
        """Return the predictions of each example, as `predict` of `postprocess.py` makes them of its outputs.

        Of an example with one prediction `(C,)`, of words and tokens `(T, C)`, of the pixels of an image `(H, W)`.
        """
        return [self.kind.predict(outputs) for outputs in self.outputs(examples)]

    def outputs(self, examples: list[Any]) -> list[Any]:
        """Return the outputs of each example, `(..., C)`."""
        prepared = [self.prepare(example) for example in examples]
        batches = [prepared] if can_batch(prepared) else [[arrays] for arrays in prepared]
        outputs = [row for some in batches for row in self.run(some)]
        return list(map(self.kind.crop, outputs, examples, prepared))

    def run(self, prepared: list[Any]) -> Any:
        """Return the outputs of a batch of prepared examples, those of padding included."""
        columns = [batch(arrays) for arrays in zip(*prepared, strict=True)]
        return self.session.run(None, dict(zip(self.inputs, columns, strict=True)))[0]

    def read(self, path: Path) -> Any:
        """Return the raw example of a file."""
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return list(arrays.values())
        text = path.read_text(encoding="utf-8")
        example = json.loads(text) if path.suffix == ".json" else text.strip()
        return self.kind.parse(example) if isinstance(example, str) else example


def can_batch(prepared: list[Any]) -> bool:
    """Return whether examples can be run together: sequences of numbers are padded, other arrays have one shape."""
    columns = zip(*prepared, strict=True)
    return all(arrays[0].ndim == 1 or len({array.shape for array in arrays}) == 1 for arrays in columns)


def batch(arrays: Any) -> Any:
    """Return arrays as one; sequences are padded with 0 on the right to the longest of them."""
    if len({array.shape for array in arrays}) > 1:
        longest = max(map(len, arrays))
        arrays = [np.pad(array, (0, longest - len(array))) for array in arrays]
    return np.stack(arrays)


def check(model: Model) -> int:
    """Predict the folder's examples, compare with what was scored, and return the exit status."""
    folder = HERE / "examples"
    scored = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    examples = [model.read(folder / name) for name in scored]
    largest = 0.0
    for (name, known), example, outputs in zip(scored.items(), examples, model.outputs(examples), strict=True):
        target = np.array(known["target"])
        difference = gap(model.kind.predict(outputs, target), np.array(known["prediction"]))
        largest = max(largest, difference)
        described = model.kind.describe(model.kind.predict(outputs), example, model.labels)
        true = ", ".join(model.kind.name(target, model.labels))
        print(f"{name}: {described}   (true: {true}; differs by {difference:.1e})")
    agrees = largest < TOLERANCE
    print(f"These are {'' if agrees else 'NOT '}the predictions that were scored.")
    return 0 if agrees else 1


def gap(prediction: Any, scored: Any) -> float:
    """Return the largest difference, relative to the largest number above 1; of labels, the part that is another.

    Predictions of padding, behind those that were scored, do not count.
    """
    prediction, scored = prediction.ravel()[: scored.size], scored.ravel()
    if prediction.dtype.kind == "i":
        return float((prediction != scored).mean())
    return float(np.abs(prediction - scored).max(initial=0.0) / np.abs(scored).max(initial=1.0))


def main() -> int:
    """Predict what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a raw example")
    parser.add_argument("--check", action="store_true", help="compare with the predictions that were scored")
    given = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):  # What the terminal's encoding lacks is shown as its escape.
        sys.stdout.reconfigure(errors="backslashreplace")
    model = Model(HERE / "model.onnx")
    if given.check:
        return check(model)
    if not given.files:
        parser.error("name a FILE, or --check")
    try:
        examples = [model.read(path) for path in given.files]
        predictions = model(examples)
    except (OSError, ValueError) as error:
        sys.exit(f"Error: {error}")
    for path, example, prediction in zip(given.files, examples, predictions, strict=True):
        print(f"{path}: {model.kind.describe(prediction, example, model.labels)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
