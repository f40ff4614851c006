"""A notebook as the tests see it: cells with their sources, tags and what they printed. No Jupyter needed."""

import ast
import html
import json
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
CAPTIONS = FOLDER.parent / "helpers" / "captions"
LESSONS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
TEACHING = range(1, 14)  # lessons that teach; 00 opens the course and 14 closes it


def joined(source: Any) -> str:
    """Notebook files hold a text as one string or as a list of lines."""
    return source if isinstance(source, str) else "".join(source)


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell. `raw` is its JSON, `index` its place in the notebook, counted from 0."""

    raw: dict[str, Any]
    index: int

    @cached_property
    def source(self) -> str:
        return joined(self.raw["source"])

    @property
    def id(self) -> str:
        return str(self.raw.get("id", ""))

    @property
    def is_code(self) -> bool:
        return bool(self.raw["cell_type"] == "code")

    @property
    def is_markdown(self) -> bool:
        return bool(self.raw["cell_type"] == "markdown")

    @property
    def tags(self) -> list[str]:
        return list(self.raw["metadata"].get("tags", []))

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return list(self.raw.get("outputs", []))

    @property
    def code_lines(self) -> list[str]:
        return [line for line in self.source.splitlines() if line.strip()]

    @cached_property
    def printed(self) -> str:
        """What the cell prints, figures left out: their text is written by hand, not computed."""
        texts = []
        for output in self.outputs:
            data = output.get("data", {})
            if output["output_type"] == "stream":
                texts.append(joined(output["text"]))
            elif "image/png" not in data:
                texts.append(joined(data.get("text/plain", data.get("text/markdown", ""))))
        return "\n".join(texts)

    @property
    def figures(self) -> list[dict[str, Any]]:
        """The outputs that hold an image."""
        return [output for output in self.outputs if "image/png" in output.get("data", {})]

    @property
    def alts(self) -> list[str]:
        """The alt text of every figure, empty where there is none."""
        return [
            joined((figure.get("metadata", {}).get("image/png") or {}).get("alt", ""))
            for figure in self.figures
        ]

    @cached_property
    def captions(self) -> list[str]:
        """The keys of the captions that its `show` calls name, `show(figure, "01.scores")`."""
        return [
            str(node.args[1].value)
            for node in ast.walk(ast.parse(self.source))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) == "show"
            and len(node.args) > 1
            and isinstance(node.args[1], ast.Constant)
        ]

    @cached_property
    def literals(self) -> list[str]:
        """The texts that stand in the code itself: strings and the fixed parts of f-strings."""
        tree = ast.parse(self.source)
        specs = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None
            for part in ast.walk(node.format_spec)
        }
        return [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in specs
        ]


@dataclass(frozen=True)
class Notebook:
    """One lesson. `raw` is the JSON of the whole file."""

    path: Path
    raw: dict[str, Any]

    @cached_property
    def cells(self) -> list[Cell]:
        return [Cell(raw, index) for index, raw in enumerate(self.raw["cells"])]

    @property
    def number(self) -> str:
        return self.path.name[:2]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_code]

    @property
    def markdown(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_markdown]

    @cached_property
    def by_id(self) -> dict[str, Cell]:
        return {cell.id: cell for cell in self.cells}


@lru_cache(maxsize=32)
def _parsed(path: Path, stamp: int) -> Notebook:
    return Notebook(path, json.loads(path.read_text(encoding="utf-8")))


def read(path: Path) -> Notebook:
    """The notebook in a file."""
    return _parsed(path, path.stat().st_mtime_ns)


def lesson_path(number: str) -> Path:
    """The file of a lesson, given as "05".

    Raises ValueError when there is no such lesson, or more than one.
    """
    paths = sorted(FOLDER.glob(f"{number}_*.ipynb"))
    if len(paths) != 1:
        raise ValueError(
            f"lesson {number!r}: found {len(paths)} files notebooks/{number}_*.ipynb, expected one"
        )
    return paths[0]


def squeezed(text: str) -> str:
    """Letters and digits only, so that quotes, markup and line breaks make no difference."""
    return re.sub(r"[\W_]+", "", html.unescape(text)).lower()


def hidden(lesson: Notebook, *tags: str) -> set[str]:
    """Every piece of a lesson's folds and of its cells with these tags that stands nowhere else, squeezed."""
    fold = r"(?s)<details>.*?</details>"
    secret: list[str] = []
    rest: list[str] = []
    for cell in lesson.cells:
        inside = set(tags) & set(cell.tags)
        if cell.is_code:
            lines = [*cell.source.splitlines(), *cell.printed.splitlines()]
            (secret if inside else rest).extend(lines)
            continue
        text = re.sub(r"(?s)<!--.*?-->", "", cell.source)
        rest.append("" if inside else re.sub(fold, "", text))
        for part in [text] if inside else re.findall(fold, text):
            part = re.sub(r"<summary>.*?</summary>|\$[^$]+\$|\]\([^)]*\)", "\n", part)
            secret += re.split(r"[\n`*]|(?<=[.?!]) |</?\w+>", part)
    allowed = squeezed("\n".join(rest))
    needles = {squeezed(piece) for piece in secret}
    return {needle for needle in needles if len(needle) >= 12 and needle not in allowed}


def alt_template(key: str) -> str:
    """The alt text of a caption, its placeholders not filled in; empty where there is none."""
    lesson, _, name = key.partition(".")
    file = CAPTIONS / f"{lesson}.toml"
    captions = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return str(captions.get(name, {}).get("alt", ""))
