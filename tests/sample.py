"""A small lesson that keeps the whole contract, to be spoilt in one way at a time."""

import base64
import copy
import json
import struct
import zlib
from pathlib import Path
from typing import Any

from tests.notebooks import Notebook

ALT = (
    "Scatter plot of score, from .6 to 1, against repeat: the points of the long session lie lower."
)
FOLDED = {"tags": ["solution"], "jupyter": {"source_hidden": True, "outputs_hidden": True}}
FILLING = (
    "Four athletes do push-ups in two sessions, and every repeat is scored by a trained eye. " * 26
)

HEAD = """# 05 · Reading a printout
*What every line of a printout claims, in one sentence about four athletes and their push-ups.*

Which line answers the coach's question?

**Minutes:** 25
**Know first:** what a mean is.

**You will be able to**

- read the first line;
- read the second line;
- read the last line."""

PREDICT = "> **Predict first.** Which number will be larger?"

MEANING = f"""A mean says where a drop ends. {FILLING}

> **Common misreading.** "The mean is everybody's score." It is nobody's.

> **Check yourself.** Is it a variance?
>
> <details><summary>Answer</summary>
>
> No, it is a mean of scores.
>
> </details>

> **Check yourself.** And a standard deviation?
>
> <details><summary>Answer</summary>
>
> No, that is another thing.
>
> </details>"""

TEACHER = """<details><summary>For the teacher</summary>

> **For the teacher.** Ask for a show of hands.

</details>"""

EXERCISE = """### Exercise 5.{k} ★ Find the line

Which line holds the mean? `hint("5.{k}")` helps."""

END = """## Key points

- One.
- Two.
- Three.

## Further reading

- Barr DJ et al. (2013). Random effects. *JML* 68:255.
- Aarts E et al. (2015). Dependency. *BMC Neurosci* 16:94.

## Next

The next lesson is being written."""


def png(width: int, height: int) -> str:
    """A white image, as notebooks store it."""
    rows = b"".join(b"\0" + b"\xff" * width for _ in range(height))

    def part(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


def markdown(name: str, text: str, **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": metadata, "source": text}


def code(name: str, text: str, *outputs: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "execution_count": None,
        "source": text,
        "outputs": list(outputs),
    }


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def figure(alt: str = ALT) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "data": {
            "image/png": png(40, 20),
            "text/plain": f"{alt}\ndrawn: axes “Scores fall” · x “repeat” 1 to 30",
        },
        "metadata": {"image/png": {"width": 20, "height": 10, "alt": alt}},
    }


def cells() -> list[dict[str, Any]]:
    """The cells of a lesson without fault."""
    made = [
        markdown("title", HEAD),
        code("imports", "import numpy as np\n\nfrom helpers import check, show"),
        markdown("predict-means", f"## The means\n\nEvery athlete has a mean.\n\n{PREDICT}"),
        code(
            "means",
            "print(table)",
            stream("mean      0.8458\neffect   -0.0727\nrows         200\n"),
        ),
        markdown("answer", "The mean is .846, a drop of .073 from before.", tags=["happened"]),
        markdown("meaning", MEANING),
        markdown("predict-picture", PREDICT),
        code("picture", 'show(picture, "05.scores")', figure()),
        markdown("picture-meaning", "The long session lies lower.", tags=["happened"]),
        markdown("predict-counts", PREDICT),
        code("counts", "print(counts)", stream("session_20    80\nsession_30   120\n")),
        markdown("counts-meaning", "There are 120 scores of 80 + 120.", tags=["happened"]),
        markdown("note", TEACHER, tags=["teacher"]),
        markdown("exercises", "## Exercises"),
    ]
    for k in (1, 2, 3):
        unanswered = stream(f"5.{k}: nothing answered yet.\n")
        right = stream(f"5.{k}: right. It is the first.\n")
        made += [
            markdown(f"exercise-{k}", EXERCISE.format(k=k)),
            code(
                f"stub-{k}", f'answer = ...\ncheck("5.{k}", answer)', unanswered, tags=["exercise"]
            ),
            code(
                f"solution-{k}",
                f'answer = 1\ncheck("5.{k}", answer)',
                right,
                **copy.deepcopy(FOLDED),
            ),
        ]
    made.append(markdown("aside", "## Going deeper\n\nA mean has a variance.", tags=["deeper"]))
    made.append(markdown("end", END))
    count = 0
    for cell in made:
        if cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count
    return made


def raw() -> dict[str, Any]:
    """The file of a lesson without fault."""
    metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    return {"cells": cells(), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def notebook(
    content: dict[str, Any], folder: Path, name: str = "05_reading_a_printout.ipynb"
) -> Notebook:
    """A lesson with this content, in a file of its own."""
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return Notebook(path, content)
