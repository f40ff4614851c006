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
from dataclasses import dataclass
from importlib.resources import files
from string import Formatter
from typing import Any

FOLDER = files("helpers") / "captions"


@dataclass(frozen=True)
class Caption:
    """What is written over a figure, and what is said to those who do not see it."""

    title: str
    alt: str
    titles: tuple[str, ...] = ()


def caption(key: str, values: Mapping[str, Any]) -> Caption:
    """The caption `key`, filled with `values`.

    Parameters
    ----------
    key : str
        Lesson and name, "01.scores".
    values : mapping of name to value
        One for every placeholder of the caption's texts, and no others.

    Raises
    ------
    ValueError
        If there is no such caption, if a value is missing, not used or does not fit its format, or if a brace is
        left over. The message names the file and the key.
    """
    lesson, _, name = str(key).partition(".")
    file = FOLDER / f"{lesson}.toml"
    if not file.is_file():
        raise ValueError(
            f"caption {key!r}: there is no helpers/captions/{lesson}.toml; "
            "a key is a lesson and a name, as in '01.scores'"
        )
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    if name not in table:
        raise ValueError(
            f"caption {key!r}: {name!r} is not in helpers/captions/{file.name}, "
            f"which has {', '.join(table)}"
        )
    where = f"caption {name!r} of helpers/captions/{file.name}"
    return _filled(table[name], values, where)


def _filled(texts: Mapping[str, Any], values: Mapping[str, Any], where: str) -> Caption:
    if not {"title", "alt"} <= set(texts) <= {"title", "alt", "titles"}:
        raise ValueError(
            f"{where} has {', '.join(texts)}; it needs title and alt, and may have titles"
        )
    lines = [texts["title"], texts["alt"], *texts.get("titles", ())]
    try:
        fields = [field for line in lines for _, field, _, _ in Formatter().parse(line)]
        wanted = {field for field in fields if field is not None}
        if wanted != set(values):
            missing, surplus = sorted(wanted - set(values)), sorted(set(values) - wanted)
            raise ValueError(
                "; ".join(
                    f"{what} {', '.join(map(repr, names))}"
                    for what, names in (("no value for", missing), ("nothing to do with", surplus))
                    if names
                )
            )
        title, alt, *titles = (" ".join(line.format(**values).split()) for line in lines)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None
    if any(brace in line for line in (title, alt, *titles) for brace in "{}"):
        raise ValueError(f"{where}: a brace is left over in {title!r} or {alt!r}")
    return Caption(title, alt, tuple(titles))
