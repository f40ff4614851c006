"""Cells run twice, or from the middle after a restart of the kernel: the same numbers, or a clear NameError."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks import Cell, Notebook, joined

pytestmark = pytest.mark.full


def texts(outputs: Sequence[Any]) -> list[str]:
    """What outputs say as text, figures by their digest; what is printed in one cell counts as one.

    A progress bar shows on stderr where the machine is slow.
    """
    streams = [output for output in outputs if output.get("name") == "stdout"]
    printed = "".join(joined(output["text"]) for output in streams)
    shown = [output["data"].get("text/plain", "") for output in outputs if "data" in output]
    return [printed, *map(joined, shown)]


def errors(outputs: Sequence[Any]) -> list[str]:
    failed = [output for output in outputs if output["output_type"] == "error"]
    return [f"{output['ename']}: {output['evalue']}" for output in failed]


def run(lesson: Notebook, cells: Sequence[Cell]) -> list[list[Any]]:
    """The outputs of cells that run one after the other in a fresh kernel, errors among them."""
    made = [nbformat.v4.new_code_cell(cell.source) for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=made)
    options = {"timeout": 900, "kernel_name": "python3", "allow_errors": True}
    options |= {"coalesce_streams": True, "store_widget_state": False}
    place = {"metadata": {"path": str(lesson.path.parent)}}
    client = NotebookClient(notebook, resources=place, **options)
    client.execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_cell_that_runs_twice_says_the_same_twice(lesson: Notebook) -> None:
    outputs = run(lesson, [cell for cell in lesson.code for _ in range(2)])
    again = {
        cell.id: (errors(found), texts(found))
        for cell, found in zip(lesson.code, outputs[1::2], strict=True)
    }
    assert again == {cell.id: ([], texts(cell.outputs)) for cell in lesson.code}


def test_from_the_middle_on_a_cell_says_the_same_or_names_what_is_missing(lesson: Notebook) -> None:
    imports, *others = lesson.code
    late = others[len(others) // 2 :]
    outputs = run(lesson, [imports, *late])[1:]
    for cell, found in zip(late, outputs, strict=True):
        failed = errors(found)
        if failed:
            assert failed[0].startswith("NameError"), (cell.id, failed)
        else:
            assert texts(found) == texts(cell.outputs), cell.id
