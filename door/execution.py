"""Executes lessons in place and stores what every run of them gives alike. Runs in the course's environment:
`python -m door.execution LESSON.ipynb …`, started by `course.py run`."""

from __future__ import annotations

import sys
import textwrap
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from door.lessons import write

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET = "application/vnd.jupyter.widget-view+json"


def clean(notebook: nbformat.NotebookNode) -> None:
    """Take out what differs from run to run, or means nothing outside the session: timings, versions, widget
    state. A widget's picture and its text stay."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = dict(KERNEL)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)


def execute(path: Path) -> str:
    """Run a lesson top to bottom in a fresh kernel, in its own folder, and store it.

    Returns what happened to the file: "stored" or "unchanged". Raises ValueError, naming lesson and cell, when a
    cell fails; the file then stays as it is.
    """
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        reason = str(error)
        if isinstance(error, CellExecutionError):
            reason = f"{error.ename}: {error.evalue}"
        failed = ([cell for cell in code if cell.execution_count] or code)[-1]  # the last that ran
        raise ValueError(
            f"{path.name} stopped, and is left as it was, at cell {notebook.cells.index(failed) + 1} "
            f"(id {failed.id}):\n\n{textwrap.indent(failed.source, '    ')}\n\n{reason}"
        ) from None
    clean(notebook)
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    if text == path.read_text("utf-8"):
        return "unchanged"
    write(path, text)
    return "stored"


def main(paths: list[str]) -> int:
    """Run each lesson; 1 at the first that fails."""
    for path in map(Path, paths):
        begun = time.monotonic()
        try:
            outcome = execute(path)
        except ValueError as error:
            print(error, file=sys.stderr, flush=True)
            return 1
        print(f"{path.stem}: {outcome} ({time.monotonic() - begun:.1f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
