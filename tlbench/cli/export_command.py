"""`tlbench export`."""

from __future__ import annotations

from pathlib import Path

import click

from tlbench.cli.board import board_option, find_row
from tlbench.cli.output import print_json, say


@click.command("export")
@click.argument("row")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to write: a new or an empty one.",
)
@board_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(row: str, output: Path, board: Path, as_json: bool) -> None:
    """Write the model of ROW, ready to serve: ONNX file, a runnable example, a model card.

    ROW is a row's file, or a part of its name below the board that no other row has, such as its key. The example runs
    where there are onnxruntime and numpy, without tlbench.
    """
    from tlbench.assets.folders import cache_folder
    from tlbench.deploy.package.write import write_bundle
    from tlbench.engine.lookup import find_stages
    from tlbench.engine.store import Store
    from tlbench.planning.catalog import load_catalog

    _, chosen = find_row(board, row)
    catalog = load_catalog()
    store = Store(root=cache_folder(), notify=catalog.notify)
    export, prepare = find_stages(chosen, board, store, catalog)
    task, backbone = catalog.task(chosen.task), catalog.backbone(chosen.backbone)
    paths = write_bundle(output, chosen, task, backbone, export.folder, prepare.folder)
    if as_json:
        print_json({"row": chosen.file_name, "files": [str(path) for path in paths]})
        return
    say(f"{chosen.file_name}: {chosen.metric} {chosen.score:.3f} on {chosen.test_size} test examples")
    for path in paths:
        say(f"  {path}")
    say(f"With onnxruntime and numpy alone: python {output / 'predict.py'} --check")
