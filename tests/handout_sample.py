"""Two small lessons that hold everything a page has to cope with, as notebooks that seem to have been run."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from PIL import Image

NAMES = ("01_first.ipynb", "02_second.ipynb")
ALT = "Dot plot of eight made-up scores between 0 and 1; the second session lies lower than the first one."


def png() -> str:
    """A grey picture of 1400 by 700 pixels, as notebooks store it."""
    out = io.BytesIO()
    Image.new("L", (1400, 700), 200).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def markdown(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "markdown",
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source,
    }


def code(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source,
        "outputs": list(outputs),
        "execution_count": None,
    }


def printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def shown(**data: str) -> dict[str, Any]:
    data = {kind.replace("__", "/"): text for kind, text in data.items()}
    metadata = (
        {"image/png": {"alt": ALT, "width": 700, "height": 350}} if "image/png" in data else {}
    )
    return {"output_type": "display_data", "data": data, "metadata": metadata}


TABLE = """<div><style scoped>td {color: red}</style>
<table border="1"><thead><tr><th></th><th>estimate</th></tr></thead>
<tbody><tr><th>Intercept</th><td>0.846</td></tr></tbody></table></div>"""


def cells(secret: str = "kestrel") -> list[dict[str, Any]]:
    """The first lesson; `secret` stands in every solution, answer and note to the teacher."""
    return [
        markdown(
            "# 01 · The first lesson\n*One sentence that promises much.*\n\n"
            "**Minutes:** 10 in class · 20 alone  \n"
            "**Know first:** nothing ([lesson 02](02_second.ipynb#The-end), [gone](09_gone.ipynb)).\n\n"
            "**You will be able to**\n\n- turn a notebook into a page."
        ),
        code("import numpy as np"),
        markdown(
            "## What is it?\n\nA sentence of ordinary length, long enough to fill three or four lines, since "
            "the width of a line is measured on it: it goes on about athletes who do push-ups in two "
            "sessions, and about scores between nought and one. <!-- from: scores --> <!-- given: 7 -->\n\n"
            "> **Predict first.** Which session lies lower?"
        ),
        code(
            "scores = {  # a comment\n    \"session_20\": 0.85, 'session_30': "
            + "0.123456789 + " * 12
            + "0}\nprint(scores)",
            printed("session_20"),
            printed("  0.846\n" + "wide " * 60 + "\n"),
        ),
        markdown("The second session lies lower, as the heron said.", "happened"),
        code(
            'show(figure, "01.heron", miles=2)',
            shown(image__png=png(), text__plain="digest of the figure"),
        ),
        markdown(
            '> **Common misreading.** "It is so." It is not.\n\n### Then maths\n\n'
            "Inline $\\hat\\beta_1 \\approx -.073$, and set apart\n\n"
            "$$\\begin{aligned} y_{ij} &= "
            "\\underbrace{\\beta_0 + u_{0i}}_{\\text{level}} + \\varepsilon_{ij} \\\\ "
            "&\\sim \\mathcal{N}(0, \\sigma^2) \\end{aligned}$$\n\n"
            "$$f = \\begin{cases} \\sqrt{\\tau^2} & j = k \\\\ "
            "\\mathbf{V} & \\text{otherwise} \\end{cases}$$\n\n"
            '```python\ndef in_the_text():\n    return "kept"\n```\n\n'
            "| symbol | what it is |\n|---|---|\n| $\\boldsymbol\\beta$ | effects |"
        ),
        code("table", shown(text__html=TABLE, text__plain="a table")),
        markdown(
            "> **Check yourself.** Is it so?\n>\n> <details><summary>Answer</summary>\n>\n"
            f"> No, says the {secret} of the answer, `it is`.\n>\n> </details>\n\n"
            "<details><summary>For the teacher</summary>\n\n"
            f"> **For the teacher.** Five minutes with the {secret} of the note.\n\n"
            "</details>\n\nThe text goes on."
        ),
        markdown(f"> **For the teacher.** A bare {secret} of a note.\n\nAnd after it."),
        markdown(f"A whole cell of {secret} notes.", "teacher"),
        markdown("## Exercises"),
        markdown("### Exercise 1.1 ★ Count\n\nHow many?"),
        code(
            "answer = ...\ncheck('1.1', answer)",
            printed("Nothing was answered yet.\n"),
            tags=("exercise",),
        ),
        code(
            f"answer = 'the {secret} of the solution'\nprint(answer)",
            printed(f"the {secret} of the solution\n"),
            tags=("solution",),
        ),
        markdown(
            f"<details><summary>In a sentence</summary>\n\nIt takes a {secret} of a sentence.\n\n</details>",
            "solution",
        ),
        markdown(
            "## Next\n\nGo on to [lesson 02](02_second.ipynb), with its "
            "**[random slope](02_second.ipynb#Random-slope)** and [variance](02_second.ipynb#The_variance)."
        ),
    ]


def write(folder: Path, name: str = NAMES[0], content: list[dict[str, Any]] | None = None) -> Path:
    """Write a notebook with run numbers 1..n and cell ids; the content is the first lesson's unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    content = cells() if content is None else content
    run = 0
    for place, cell in enumerate(content):
        cell["id"] = f"cell-{place}"
        if cell["cell_type"] == "code":
            run += 1
            cell["execution_count"] = run
    raw = {
        "cells": content,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = folder / name
    path.write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    return path


def write_course(folder: Path, secret: str = "kestrel") -> Path:
    """Both lessons; returns the folder."""
    write(folder, content=cells(secret))
    write(
        folder,
        NAMES[1],
        [
            markdown(
                "# 02 · The second lesson\n*It is short.*\n\n**Minutes:** 5 in class\n\n"
                "## The end\n\nBack to [lesson 01](01_first.ipynb).\n\n### Random slope\n\nSee "
                '[the first use](01_first.ipynb#What-is-it?).\n\n- <a id="The_variance"></a>**variance**: a square.'
            )
        ],
    )
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
