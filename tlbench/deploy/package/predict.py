"""Predict with the model in this folder. It takes onnxruntime and numpy, and nothing else.

python predict.py FILE ...    predict raw examples: .npy (an array), .json (a text, a pair of them, or words), .txt
python predict.py --check     predict the examples of this folder, and compare with what was scored
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
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
        self.of_words, self.of_pixels, self.of_tokens = (
            metadata["unit"] == unit for unit in ("word", "pixel", "token")
        )
        self.activation = metadata["activation"]

    def __call__(self, examples: list[Any]) -> list[Any]:
        """Return the prediction of each example: one number a label, `(C,)`; for a list of words `(words, C)`; for the
        tokens of a language model `(tokens, C)`; for an image whose pixels have labels `(H, W)`, the index of each
        pixel's.
        """
        prepared = [self.prepare(example) for example in examples]
        if self.of_pixels:  # Images may be of several sizes.
            return [self.run([example])[0] for example in prepared]
        predictions = self.run(prepared)
        if not self.of_words and not self.of_tokens:
            return predictions
        parts = examples if self.of_words else [arrays[-1] for arrays in prepared]
        return [found[: len(part)] for found, part in zip(predictions, parts, strict=True)]

    def run(self, prepared: list[Any]) -> list[Any]:
        """Return the predictions of a batch of prepared examples."""
        columns = [batch(arrays) for arrays in zip(*prepared, strict=True)]
        outputs = self.session.run(None, dict(zip(self.inputs, columns, strict=True)))[0]
        return list(ACTIVATIONS[self.activation](outputs))

    def read(self, path: Path) -> Any:
        """Return the raw example of a file."""
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return list(arrays.values())
        text = path.read_text(encoding="utf-8")
        example = json.loads(text) if path.suffix == ".json" else text.strip()
        return example.split() if self.of_words and isinstance(example, str) else example

    def kept(self, prediction: Any, true: Any) -> Any:
        """Return what is kept of a prediction when it is scored: of tokens the log-likelihood of the true ones."""
        if not self.of_tokens:
            return prediction
        return np.log(prediction[np.arange(len(true)), [self.labels.index(token) for token in true]])

    def describe(self, example: Any, prediction: Any) -> str:
        """Return the best label with its probability, or one for each word; else every label with its number."""
        if self.of_pixels:
            shares = np.bincount(prediction.ravel(), minlength=len(self.labels)) / prediction.size
            return "pixels: " + "  ".join(
                f"{name} {share:.1%}" for name, share in zip(self.labels, shares, strict=True)
            )
        if self.activation != "softmax":
            if prediction.shape != (len(self.labels),):
                return str(prediction.tolist())
            return "  ".join(f"{name} {value:.4g}" for name, value in zip(self.labels, prediction, strict=True))
        rows = np.atleast_2d(prediction)
        words = [f"{word} " for word in example] if self.of_words else [""] * len(rows)
        best = [f"{self.labels[row.argmax()]} {row.max():.3f}" for row in rows]
        return "  ".join(map(str.__add__, words, best))


def batch(arrays: Any) -> Any:
    """Return arrays of one shape as one; sequences are padded with 0 on the right to the longest of them."""
    if len({array.shape for array in arrays}) > 1:
        longest = max(map(len, arrays))
        arrays = [np.pad(array, (0, longest - len(array))) for array in arrays]
    return np.stack(arrays)


def softmax(outputs: Any) -> Any:
    """Return probabilities along the last axis."""
    powers = np.exp(outputs - outputs.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "": lambda outputs: outputs,
    "softmax": softmax,
    "sigmoid": lambda outputs: 1 / (1 + np.exp(-outputs)),
    "argmax": lambda outputs: outputs.argmax(-1),
}


def check(model: Model) -> int:
    """Predict the folder's examples, compare with what was scored, and return the exit status."""
    folder = HERE / "examples"
    scored = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    examples = [model.read(folder / name) for name in scored]
    largest = 0.0
    for (name, known), example, found in zip(scored.items(), examples, model(examples), strict=True):
        difference = gap(model.kept(found, known["true"]), np.array(known["prediction"]))
        largest = max(largest, difference)
        true = ", ".join(np.atleast_1d(known["true"]))
        print(f"{name}: {model.describe(example, found)}   (true: {true}; differs by {difference:.1e})")
    agrees = largest < TOLERANCE
    print(f"These are {'' if agrees else 'NOT '}the predictions that were scored.")
    return 0 if agrees else 1


def gap(found: Any, expected: Any) -> float:
    """Return the largest difference, relative to the largest number above 1; of pixels, the part with another label.

    Words behind those that were scored do not count.
    """
    if found.dtype.kind == "i":
        return float((found.ravel() != expected).mean())
    difference = np.abs(found[: len(expected)] - expected).max(initial=0.0)
    return float(difference / np.abs(expected).max(initial=1.0))


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
        print(f"{path}: {model.describe(example, prediction)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
