"""Two small lessons that hold everything a page has to cope with, as notebooks that seem to have been run."""

import base64
import io
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

LESSONS = Path(__file__).with_name("sample_lessons.toml")
ALT = "Dot plot of eight made-up scores between 0 and 1; the second session lies lower than the first one."
SECRET = "kestrel"  # stands in every solution, answer and note to the teacher


def outputs(cell: dict[str, Any]) -> list[Any]:
    """What a cell of the sample prints and shows; every image is a grey picture of 1400 by 700 pixels."""
    found: list[Any] = [new_output("stream", text=text) for text in cell.get("prints", [])]
    if shown := cell.get("shows", {}):
        metadata = {}
        if "image/png" in shown:
            Image.new("L", (1400, 700), 200).save(out := io.BytesIO(), "PNG")
            shown = shown | {"image/png": base64.b64encode(out.getvalue()).decode()}
            metadata = {"image/png": {"alt": ALT, "width": 700, "height": 350}}
        found.append(new_output("display_data", shown, metadata=metadata))
    return found


def cells(lesson: str = "01_first", secret: str = SECRET) -> list[Any]:
    """The cells of one of the two lessons."""
    text = LESSONS.read_text(encoding="utf-8").replace(SECRET, secret)
    made, run = [], 0
    for place, one in enumerate(tomllib.loads(text)[lesson]):
        common: dict[str, Any] = {"id": f"cell-{place}", "metadata": {"tags": one.get("tags", [])}}
        if "text" in one:
            made.append(new_markdown_cell(one["text"].strip(), **common))
        else:
            run += 1
            common |= {"outputs": outputs(one), "execution_count": run}
            made.append(new_code_cell(one["code"].strip(), **common))
    return made


def write(folder: Path, name: str, content: list[Any]) -> None:
    """A notebook of these cells, `name`.ipynb."""
    folder.mkdir(parents=True, exist_ok=True)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=content, metadata=kernel), folder / f"{name}.ipynb")


def write_course(folder: Path, secret: str = SECRET) -> Path:
    """Both lessons; returns the folder."""
    for name in ("01_first", "02_second"):
        write(folder, name, cells(name, secret))
    return folder


def need_packages() -> None:
    """Skip a test or, called at its top, a whole file, and say why, where pages cannot be made."""
    for package in ("pypandoc", "ziamath"):
        pytest.importorskip(
            package,
            reason="handouts need the packages of requirements-dev.txt, which are not installed",
        )


def built(notebooks: Path, out: Path) -> Path:
    """All editions of the lessons in a folder, made in `out`, which is returned."""
    need_packages()
    from handouts.build import build

    build(notebooks, out, say=quiet)
    return out


def quiet(line: str) -> None:
    """Progress that nobody reads."""


def files(folder: Path) -> dict[str, bytes]:
    """What every file of a folder holds, by its path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def soup_of(folder: Path, edition: str, name: str = "01_first.html") -> Any:
    """A built page as a tree (`Any`: a test that meets None where it expects an element should fail)."""
    return BeautifulSoup((folder / edition / name).read_text(encoding="utf-8"), "html.parser")
