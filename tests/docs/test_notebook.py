"""The notebook on the Python API: every cell runs, in a kernel of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "python-api.ipynb"
nbformat = pytest.importorskip("nbformat")


def test_the_notebook_is_committed_without_outputs():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells if cell.cell_type == "code")


@pytest.fixture(scope="module")
def executed(tmp_path_factory, session_cache):
    """The notebook after a run in an empty folder."""
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    for library in ("pandas", "matplotlib", "ipywidgets"):
        pytest.importorskip(library)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def outputs(notebook, code: str) -> list:
    """Return the outputs of the cell that ends with some code."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.rstrip().endswith(code)]
    return cell.outputs


def test_tables_are_html_and_every_run_is_well(executed):
    tables = [
        outputs(executed, code)[-1]["data"]["text/html"] for code in ("\nresults", "results.best()", "mine.best()")
    ]
    assert all("<table" in table for table in tables)
    assert re.search(r"results: \d+ ok, 0 failed, 0 skipped", tables[0])
    assert "blended" in tables[2]
    assert "blended" in outputs(executed, "for row in board})")[-1]["data"]["text/plain"]


def test_a_plot_is_a_picture(executed):
    assert "image/png" in outputs(executed, 'results.plot("scores")')[-1]["data"]


def test_progress_is_a_widget_and_nothing_is_printed(executed):
    every = [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in every if output.output_type == "stream"]
    first = outputs(executed, "\nresults")
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in first)
