"""Predict with the model in this folder. README.md names the packages that it takes.

python predict.py FILE ...    predict files as those that the model learnt from, where the folder has a reader.py, and
                              raw examples: .npy (an array), .json (a text, a pair of them, or words), .txt; prepared
                              arrays: .npz
python predict.py "A TEXT"    predict a text of several words, where raw examples are texts
python predict.py --check     predict the examples of this folder, and compare with what was scored

A model that finds boxes also writes a picture of each image with its boxes: --draw FOLDER FILE ...
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import postprocess  # type: ignore[import-not-found]
from outputs import Outputs  # type: ignore[import-not-found]

try:
    from preprocess import preprocessor  # type: ignore[import-not-found]
except ImportError as missing:
    if __name__ != "__main__":
        raise
    sys.exit(f"Error: {missing}: install the packages that README.md names.")

HERE = Path(__file__).parent
TOLERANCE = 1e-3
RAW = (".npy", ".npz", ".json", ".txt")
"""What raw examples end in."""
TEXTS = ("a text", "a list of words")
"""What the metadata call a raw example that is made of one text."""


class Prepared(tuple[Any, ...]):
    """The arrays of an example that is prepared already, one for each input of the graph."""


class Model:
    """Raw examples -> predictions. Labels, preprocessing and the rest stand in the ONNX file's metadata."""

    def __init__(self, path: Path) -> None:
        # Its content: ONNX Runtime cannot open a path that is no UTF-8 text, as in a locale of ASCII alone.
        self.session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        self.inputs = [argument.name for argument in self.session.get_inputs()]
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.labels = json.loads(metadata["labels"])
        self.preprocess = preprocessor(**json.loads(metadata["preprocessing"]))
        self.kind = getattr(postprocess, metadata["postprocess"])()
        self.takes_text = metadata["example"] in TEXTS
        reading = json.loads(metadata["reading"])
        self.read_file = None if reading is None else reader_of(**reading)

    def __call__(self, examples: list[Any]) -> list[Any]:
        """Return the predictions of each example, as `predict` of `postprocess.py` makes them of its outputs.

        Of an example with one prediction `(C,)`, of words and tokens `(T, C)`, of the pixels of an image `(H, W)`, of
        spans, transcripts or boxes what the kind makes of the whole example, of prompts what it writes behind them.
        """
        if self.generates:
            return [self.generated(example) for example in examples]
        return [self.predict(outputs) for outputs in self.outputs(examples)]

    def predict(self, outputs: Any, target: Any = None) -> Any:
        """Return the prediction of one example, given its outputs `(..., C)`."""
        made = self.made(outputs, target)
        return made.reshape(*outputs.shape[:-1], *made.shape[1:]) if isinstance(made, np.ndarray) else made[0]

    def made(self, outputs: Any, target: Any = None) -> Any:
        """Return what the kind makes of one example: an array with a row for each unit, or a list of one array."""
        units = outputs.reshape(-1, outputs.shape[-1])
        return self.kind.predict(Outputs(units, shape=(1, *outputs.shape[:-1])), target)

    @property
    def generates(self) -> bool:
        """Whether predictions take several runs of the graph."""
        return hasattr(self.kind, "generate")

    def generated(self, example: Any) -> Any:
        """Return what a kind that generates makes of one example."""
        inputs = [np.asarray(array)[None] for array in self.prepare(example)]
        return self.kind.generate(self.run_batch, inputs, self.labels)[0]

    def outputs(self, examples: list[Any]) -> list[Any]:
        """Return the outputs of each example, `(..., C)`."""
        prepared = [self.prepare(example) for example in examples]
        # Together if all have one shape; sequences of several lengths one by one, without padding.
        batches = [prepared] if have_one_shape(prepared) else [[arrays] for arrays in prepared]
        outputs = [row for some in batches for row in self.run(some)]
        return list(map(self.kind.crop, outputs, examples, prepared))

    def prepare(self, example: Any) -> Any:
        """Return the arrays of an example, one for each input of the graph."""
        return example if isinstance(example, Prepared) else self.preprocess(example)

    def run(self, prepared: list[Any]) -> Any:
        """Return the outputs of a batch of prepared examples of one shape."""
        return self.run_batch([np.stack(arrays) for arrays in zip(*prepared, strict=True)])

    def run_batch(self, inputs: list[Any]) -> Any:
        """Return the outputs of a batch, given an array for each input of the graph."""
        return self.session.run(None, dict(zip(self.inputs, inputs, strict=True)))[0]

    def read(self, path: Path) -> Any:
        """Return the raw example of a file."""
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return Prepared(arrays.values())
        if path.suffix not in RAW:
            raise ValueError(f'"{path}" is no raw example: {", ".join(RAW)}.')
        text = path.read_text(encoding="utf-8")
        example = json.loads(text) if path.suffix == ".json" else text.strip()
        return self.parse(example) if isinstance(example, str) else example

    def parse(self, text: str) -> Any:
        """Return the raw example that a text is: as the reader of files makes it of a cell, if it says how."""
        return self.kind.parse(getattr(self.read_file, "text", str)(text))

    def examples(self, given: str) -> dict[str, Any]:
        """Return the raw examples of a file by name: a table has one in each row, a series in each window.

        Or a text that is given as such.
        """
        path = Path(given)
        if self.takes_text and len(given.split()) > 1 and not is_file(path):
            return {"text": self.parse(given)}
        if self.read_file is None or (path.suffix in RAW and not is_table(path)):
            return {str(path): self.read(path)}
        read = self.read_file(path)
        if not read:
            raise ValueError(f'"{path}" has no examples: add some.')
        place = getattr(self.read_file, "place", "row {}".format)
        return {f"{path}, {place(n)}": one for n, one in enumerate(read, 1)} if len(read) > 1 else {str(path): read[0]}


class Album:
    """A folder for pictures of images with the boxes that were found in them."""

    def __init__(self, model: Model, folder: Path) -> None:
        if not hasattr(model.kind, "marks"):
            raise ValueError("--draw is for models that find boxes; this model finds none.")
        self.model, self.folder = model, folder
        self.written: set[Path] = set()

    def add(self, name: str, example: Any, prediction: Any) -> None:
        """Write the picture of an image `(H, W, C)` uint8, as PNG under the name of its file."""
        try:
            from PIL import Image, ImageDraw
        except ImportError as error:
            raise ValueError("pictures are written by Pillow: pip install pillow") from error
        if isinstance(example, Prepared):
            raise ValueError(f'"{name}" is prepared arrays: draw on an image.')
        pixels = np.asarray(example)
        picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))))
        pen = ImageDraw.Draw(picture)
        marks = self.model.kind.marks(prediction, example, self.model.labels)
        for left, top, right, bottom, text in reversed(marks):  # the best one last, on top of others
            pen.rectangle((left, top, right, bottom), outline=(255, 0, 0), width=max(1, max(picture.size) // 300))
            place = (left + 2, top - 12 if top >= 12 else top + 1)
            pen.rectangle(pen.textbbox(place, text), fill=(255, 0, 0))
            pen.text(place, text, fill=(255, 255, 255))
        self.folder.mkdir(parents=True, exist_ok=True)
        picture.save(self._free(Path(name).stem))

    def _free(self, stem: str) -> Path:
        """Return a path that no picture of this call has, so that files of one name in two folders are both drawn."""
        numbers = ("", *(f"-{number}" for number in range(2, len(self.written) + 3)))
        path = next(
            path for path in (self.folder / f"{stem}{number}.png" for number in numbers) if path not in self.written
        )
        self.written.add(path)
        return path


def reader_of(reader: str, settings: dict[str, Any]) -> Any:
    """Return the function from a file to its raw examples."""
    return getattr(importlib.import_module("reader"), reader)(**settings)


def is_file(path: Path) -> bool:
    """Return whether a path is that of a file; a long text is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_table(path: Path) -> bool:
    """Return whether a JSON file holds objects, as a table does and no raw example."""
    if path.suffix != ".json":
        return False
    text = path.read_text(encoding="utf-8-sig").lstrip()
    return text.startswith("{") or text[:1] + text[1:].lstrip()[:1] == "[{"


def have_one_shape(prepared: list[Any]) -> bool:
    """Return whether the arrays of all examples have one shape, so that they can be run together."""
    return all(len({array.shape for array in arrays}) == 1 for arrays in zip(*prepared, strict=True))


def check(model: Model) -> int:
    """Predict the folder's examples, compare with what was scored, and return the exit status."""
    folder = HERE / "examples"
    scored = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    examples = [model.read(folder / name) for name in scored]
    largest = 0.0
    for (name, known), example, outputs in zip(scored.items(), examples, model.outputs(examples), strict=True):
        target, prediction = np.array(known["target"]), np.array(known["prediction"])
        shown = model.generated(example) if model.generates else model.predict(outputs)
        made = np.asarray(model.predict(outputs, target))
        if model.generates:
            difference = generated_gap(made, shown, prediction)
        else:
            difference = gap(made, prediction, isinstance(model.made(outputs, target), list))
        largest = max(largest, difference)
        described = model.kind.describe(shown, example, model.labels)
        true = ", ".join(model.kind.name(target, model.labels))
        print(f"{name}: {described}   (true: {true}; differs by {difference:.1e})")
    agrees = largest < TOLERANCE
    print(f"These are {'' if agrees else 'NOT '}the predictions that were scored.")
    return 0 if agrees else 1


def gap(prediction: Any, scored: Any, whole: bool = False) -> float:
    """Return the largest difference, relative to the largest number above 1; of labels, the part that is another.

    Predictions of padding, behind those that were scored, do not count; those of a `whole` example, such as its boxes,
    have none, and must be as many.
    """
    if whole and prediction.size != scored.size:
        return float("inf")
    prediction, scored = prediction.ravel()[: scored.size], scored.ravel()
    if prediction.size < scored.size:
        return float("inf")
    if not scored.size:
        return 0.0
    if prediction.dtype.kind == "i":
        return float((prediction != scored).mean())
    return float(np.abs(prediction - scored).max(initial=0.0) / np.abs(scored).max(initial=1.0))


def generated_gap(made: Any, generated: Any, scored: Any) -> float:
    """Return the largest difference of what a kind that generates makes of the true answer; infinite if it generates
    anything else than what was scored, which stands behind that in `scored`.
    """
    first = made.size
    if scored.size < first or not np.array_equal(np.ravel(generated), scored.ravel()[first:]):
        return float("inf")
    return float(np.abs(made.ravel() - scored.ravel()[:first]).max(initial=0.0))


def main() -> int:
    """Predict what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="a file, a raw example, or a text")
    parser.add_argument("--draw", type=Path, metavar="FOLDER", help="write a picture of each image with its boxes")
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
        album = None if given.draw is None else Album(model, given.draw)
        for one in given.files:  # One by one: photographs are large.
            examples = model.examples(one)
            for (name, example), prediction in zip(examples.items(), model(list(examples.values())), strict=True):
                print(f"{name}: {model.kind.describe(prediction, example, model.labels)}")
                if album is not None:
                    album.add(name, example, prediction)
    except (OSError, ValueError) as error:
        sys.exit(f"Error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
