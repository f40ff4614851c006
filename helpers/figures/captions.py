"""Titles and alt texts of the lessons' figures, from `helpers/captions/NN.toml`.

They do not stand in the cell that draws: there, they would answer what the reader was asked to predict. The key
"01.scores" is the table `[scores]` of `01.toml`, which holds

title    the figure's message
alt      what it shows, for those who do not see it; on one line when shown
titles   one for each panel, where the drawing does not name them itself (optional)

All of them may hold values as `str.format` writes them, `{rate:.3f}`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from string import Formatter
from typing import Any

FOLDER = files("helpers") / "captions"


def caption(key: str, values: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    """Title, alt text and panels' titles of the caption `key` ("01.scores"), filled with `values`.

    `values` holds one for every placeholder of the texts, and no others. ValueError, with the file and the key: there
    is no such caption, or a value is missing, not used or does not fit its format.
    """
    lesson, _, name = str(key).partition(".")
    file = FOLDER / f"{lesson}.toml"
    where = f"caption {key!r} of helpers/captions/{lesson}.toml"
    if not file.is_file():
        raise ValueError(f"{where}: no such file; a key is a lesson and a name, as in '01.scores'")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    texts = table.get(name, {})
    if not {"title", "alt"} <= set(texts) <= {"title", "alt", "titles"}:
        raise ValueError(
            f"{where} has {', '.join(texts) or 'nothing'}; expected title, alt and perhaps titles "
            f"(the file has {', '.join(table)})"
        )
    lines = [texts["title"], texts["alt"], *texts.get("titles", ())]
    try:
        parsed = [part for line in lines for part in Formatter().parse(line)]
        fields = {field for _, field, _, _ in parsed if field is not None}
        if fields != set(values):
            raise ValueError(f"has places for {sorted(fields)}; given {sorted(values)}")
        title, alt, *titles = (" ".join(line.format(**values).split()) for line in lines)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None
    return title, alt, titles
