"""A lesson as it is stored: read from its notebook, refused with one sentence when it is not whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class LessonError(ValueError):
    """A lesson that no page can be made of; the message is one sentence: which, why and what would do."""


@dataclass(frozen=True)
class Cell:
    """One cell: its id, "markdown" or "code", its source, tags and outputs (as nbformat 4 stores them)."""

    id: str
    kind: str
    source: str
    tags: frozenset[str]
    outputs: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Lesson:
    """One lesson: `title` is the notebook's heading, `promise` the line under it, `minutes` as written."""

    path: Path
    title: str
    promise: str
    minutes: str
    cells: tuple[Cell, ...]

    @property
    def stem(self) -> str:
        """The file's name without ending, such as "03_simulating_data"."""
        return self.path.stem

    @property
    def number(self) -> str:
        """The two digits that the file's name starts with; "" for a page that is no lesson."""
        return self.path.name[:2] if self.path.name[:2].isdigit() else ""


def joined(text: Any) -> str:
    """Notebook files hold a text as one string or as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def lesson_paths(folder: Path) -> list[Path]:
    """The notebooks of a folder in reading order.

    Raises LessonError when there is none.
    """
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    paths = [*folder.glob("before_you_begin.ipynb"), *paths]
    if not paths:
        raise LessonError(f"there is no lesson (NN_name.ipynb) in {folder}")
    return paths


def select(paths: list[Path], numbers: list[str]) -> list[Path]:
    """The lessons whose numbers are given ("3", "03" or "03_simulating_data"); all when none is given.

    Raises LessonError for a number that no lesson has.
    """
    chosen = []
    for number in numbers:
        wanted = number.removesuffix(".ipynb")
        found = [path for path in paths if wanted.zfill(2) == path.name[:2] or wanted == path.stem]
        if not found:
            have = ", ".join(path.name[:2] for path in paths)
            raise LessonError(f"there is no lesson {number!r}; the lessons are {have}")
        chosen += found
    return [path for path in paths if path in chosen] if numbers else paths


def read(path: Path) -> Lesson:
    """The lesson in a notebook file.

    Raises LessonError when the file is missing, is no notebook, was not run from top to bottom, stopped with
    an error, or has no title.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LessonError(
            f"{path.name} is missing: there is no such file in {path.parent}"
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise LessonError(
            f"{path.name} is damaged and cannot be read ({error}): bring it back with "
            f"`git checkout notebooks/{path.name}`"
        ) from None
    try:
        cells = tuple(
            _cell(raw_cell, place) for place, raw_cell in enumerate(raw["cells"], start=1)
        )
        counts = [
            cell["execution_count"]
            for cell in raw["cells"]
            if cell["cell_type"] == "code" and joined(cell["source"]).strip()
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise LessonError(
            f"{path.name} is damaged: it is JSON but no notebook of format 4 "
            f"({type(error).__name__}: {error}); bring it back with git"
        ) from None
    again = f"run it with `python3 course.py run {path.name[:2]}`"
    for cell in cells:
        for output in cell.outputs:
            if output["output_type"] == "error" and "raises-exception" not in cell.tags:
                raise LessonError(
                    f"{path.name} stopped in cell {cell.id!r} with {output.get('ename')}: mend it, "
                    f"then {again}"
                )
    if None in counts:
        raise LessonError(f"{path.name} was not run (cells without a run number): {again}")
    if counts != list(range(1, len(counts) + 1)):
        raise LessonError(
            f"{path.name} was not run from top to bottom in one go (run numbers {counts}): {again}"
        )
    return _lesson(path, cells)


def _cell(raw: dict[str, Any], place: int) -> Cell:
    source = joined(raw["source"])
    for name, picture in raw.get("attachments", {}).items():
        ((kind, data),) = picture.items()
        source = source.replace(f"(attachment:{name})", f"(data:{kind};base64,{joined(data)})")
    return Cell(
        id=str(raw.get("id", place)),
        kind=raw["cell_type"],
        source=source,
        tags=frozenset(raw["metadata"].get("tags", [])),
        outputs=tuple(raw.get("outputs", [])),
    )


def _lesson(path: Path, cells: tuple[Cell, ...]) -> Lesson:
    text = cells[0].source if cells and cells[0].kind == "markdown" else ""
    title = re.search(r"^# +(.+?) *$", text, re.MULTILINE)
    if not title:
        raise LessonError(
            f"{path.name} has no title: its first cell must be text that starts with `# `"
        )
    promise = re.search(r"^\*([^*\n].*?)\* *$", text, re.MULTILINE)
    minutes = re.search(r"^\*\*Minutes:\*\* *(.+?) *$", text, re.MULTILINE)
    return Lesson(
        path, title[1], promise[1] if promise else "", minutes[1] if minutes else "", cells
    )
