"""`tlbench export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tlbench.cli.board import board_option, find_row
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import print_json, say
from tlbench.planning.named_files import catalog_with


@click.command("export")
@click.argument("name", metavar="RESULT")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for the exported model, new or empty.",
)
@board_option
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str, output: Path, board: Path, plugins: Sequence[Path], as_json: bool) -> None:
    """Export the model of RESULT for serving: ONNX file, runnable example and model card.

    RESULT is the file of a result, or a unique part of its name in --board, such as its key. The example needs only
    onnxruntime and numpy; tokenizers for text models of transformers, and Pillow for photographs that are resized.

    Of a task on your own files it also predicts files like those of the training data, by the code that read these:
    images with Pillow, sounds with soundfile, tables of numbers, texts or time series. `python predict.py "A TEXT"`
    predicts a text. Models of other tasks take raw examples: .npy, .json or .txt.
    """
    from tlbench.assets.folders import cache_folder
    from tlbench.deploy.package.write import write_bundle
    from tlbench.engine.lookup import find_stages
    from tlbench.engine.store import Store

    _, row = find_row(board, name)
    catalog = catalog_with(plugins)
    store = Store(root=cache_folder(), notify=catalog.notify)
    export, prepare = find_stages(row, board, store, catalog)
    task, backbone = catalog.task(row.task), catalog.backbone(row.backbone)
    paths = write_bundle(output, row, task, backbone, export.folder, prepare.folder)
    if as_json:
        print_json({"row": row.file_name, "files": [str(path) for path in paths]})
        return
    say(f"{row.file_name}: {row.metric} {row.score:.3f} on {row.test_size} test examples")
    for path in paths:
        say(f"  {path}")
    say(f"Test it (needs only what README.md there names): python {output / 'predict.py'} --check")
