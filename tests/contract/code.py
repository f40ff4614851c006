"""Code cells and what they put out, as the file stores them."""

import ast
import base64
import json
import re
import statistics
from collections.abc import Iterator

from tests.notebooks import FOLDER, Notebook, joined

LONGEST = 15  # lines of code in a cell
TYPICAL = 8
LARGEST_FIGURE = 100_000  # bytes
LARGEST_FILE = 1_000_000
ROOMS = {path.stem for path in (FOLDER.parent / "helpers").iterdir()}
HELPERS = {"fewgroups", "helpers", "helpers.figures", "helpers.explorables"}
# Differs from machine to machine or from run to run, or means nothing to a reader.
UNSTABLE = {
    "an address": r"\b0x[0-9a-fA-F]{6,}",
    "a bare object": r"<(?:[\w.]+ )?(?:object|Axes|Figure|function|bound method)\b[^>]*>|\[<matplotlib",
    "a path": r"(?<![\w/.:])/(?:\w[\w.-]*/)+\w|\b[A-Za-z]:\\\w|site-packages|ipykernel_",
    "a version": r"\b\d+\.\d+\.\d+\b",
}
SKIPS = re.compile(r"NBVAL_|nbval-|PYTEST_VALIDATE_IGNORE|raises-exception|skip-execution")


def ran_top_to_bottom(notebook: Notebook) -> Iterator[str]:
    counts = [cell.raw.get("execution_count") for cell in notebook.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}: run all cells, top to bottom"
    for cell in notebook.code:
        if not cell.source.strip():
            yield f"cell {cell.index}: an empty code cell"


def no_errors_or_warnings_shown(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.code:
        for output in cell.outputs:
            if output["output_type"] == "error":
                yield f"cell {cell.index}: an error in the output"
            if output.get("name") == "stderr":
                yield f"cell {cell.index}: stderr in the output: catch the warning and print one sentence about it"


def cells_are_short(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.code:
        if len(cell.code_lines) > LONGEST:
            yield f"cell {cell.index}: {len(cell.code_lines)} lines of code: expected at most {LONGEST}"
    typical = statistics.median([len(cell.code_lines) for cell in notebook.code] or [0])
    if typical > TYPICAL:
        yield f"the typical code cell has {typical} lines: expected at most {TYPICAL}"


def code_is_plain_python(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.code:
        try:
            ast.parse(cell.source)
        except SyntaxError:
            yield f"cell {cell.index}: not plain Python (a magic?)"
        for line in cell.code_lines:
            if re.search(r";\s*(?:#.*)?$", line):
                yield f"cell {cell.index}: a line ends in ';'"
        for word in ("filterwarnings", "sys.path", "get_ipython"):
            if word in cell.source:
                yield f"cell {cell.index}: {word}"


def imports_stand_in_the_first_cell(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.code:
        try:
            tree = ast.walk(ast.parse(cell.source))
        except SyntaxError:
            continue  # told by code_is_plain_python
        nodes = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
        if nodes and cell is not notebook.code[0]:
            yield f"cell {cell.index}: an import: they belong in the first code cell"
        for module in {module for node in nodes for module in _modules(node)}:
            if module.partition(".")[0] == "helpers" and module not in HELPERS:
                yield f"cell {cell.index}: imports {module}: lessons use {', '.join(sorted(HELPERS))} only"


def _modules(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The modules that a statement imports; of `from helpers import …` the rooms among what it names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    rooms = {
        f"helpers.{alias.name}"
        for alias in node.names
        if node.module == "helpers" and alias.name in ROOMS
    }
    return rooms | {node.module or ""}


def nothing_is_hidden_from_nbval(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.cells:
        marks = cell.source + " ".join(cell.tags) if cell.is_code else " ".join(cell.tags)
        if SKIPS.search(marks):
            yield f"cell {cell.index}: takes itself out of the comparison of outputs"


def outputs_are_stable(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.code:
        pages = [joined(output.get("data", {}).get("text/html", "")) for output in cell.outputs]
        text = "\n".join([cell.printed, *pages])
        no_tags = re.sub(r"https?://\S+|</?\w[^>]*>", "", text)
        for what, pattern in UNSTABLE.items():
            match = re.search(pattern, no_tags if what == "a path" else text)
            if match:
                yield f"cell {cell.index}: {what} in the output: {match[0][:40]!r}"
        if "base64" in text:
            yield f"cell {cell.index}: an image inside text or HTML"


def file_is_clean(notebook: Notebook) -> Iterator[str]:
    metadata = notebook.raw["metadata"]
    for key in set(metadata) - {"kernelspec", "language_info"}:
        yield f"metadata of the notebook: {key!r}: course.py run removes it"
    if metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not called python3"
    if "version" in metadata.get("language_info", {}):
        yield "metadata of the notebook: Python's version, which differs from machine to machine"
    for cell in notebook.cells:
        for key in set(cell.raw["metadata"]) - {"tags", "jupyter"}:
            yield f"cell {cell.index}: metadata {key!r}: course.py run removes it"
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if "widget" in kind or "javascript" in kind:
                    yield f"cell {cell.index}: an output of kind {kind}"
    size = notebook.path.stat().st_size if notebook.path.exists() else len(json.dumps(notebook.raw))
    if size > LARGEST_FILE:
        yield f"{size / 1e6:.1f} MB: expected at most {LARGEST_FILE / 1e6:.0f}"


def figures_are_described(notebook: Notebook) -> Iterator[str]:
    """What an alt text says is the business of test_captions.py."""
    for cell in notebook.code:
        for figure, alt in zip(cell.figures, cell.alts, strict=True):
            text = joined(figure["data"].get("text/plain", ""))
            if len(alt) > 600 or not alt or not text.startswith(alt):
                yield f"cell {cell.index}: text/plain does not state the alt text: nbval would not see a change"
            if "\ndrawn: " not in text:
                yield f"cell {cell.index}: text/plain does not say what is drawn: show the figure with show()"


def figures_are_small(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.code:
        for figure in cell.figures:
            size = len(base64.b64decode(joined(figure["data"]["image/png"])))
            if size > LARGEST_FIGURE:
                yield f"cell {cell.index}: a figure of {size / 1000:.0f} kB: expected at most 100"


def figures_are_followed_by_prose(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.code:
        if not cell.figures or {"solution", "exercise"} & set(cell.tags):
            continue
        after = notebook.cells[cell.index + 1 : cell.index + 2]
        if not (
            after
            and after[0].is_markdown
            and not after[0].source.lstrip().startswith(("#", "> **Predict"))
        ):
            yield f"cell {cell.index}: no words right after the figure on what it shows"
