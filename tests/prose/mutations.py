"""Changes one digit in a lesson's prose, as a slip or a stale paste would, to measure how often that is noticed."""

import copy
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.notebooks import Notebook
from tests.prose.binding import check
from tests.prose.blocks import COMMENT, blank, results, visible


@dataclass(frozen=True)
class Place:
    """A digit of a number that prose states: which cell, where in its source, and the number."""

    cell: int
    at: int
    number: str


def places(notebook: Notebook) -> list[Place]:
    """The digits of all bound and given numbers in markdown cells."""
    found = []
    stated = Counter(
        (one.block.cell.index, one.number.text) for one in check(notebook, weigh=False)[0]
    )
    for cell in notebook.markdown:
        text = visible(blank(cell.source, COMMENT))
        text = blank(text, r"(?m)^[ \t>]*(?:\d+[.)]\s|#.*$|\*\*Minutes:\*\*.*$)")
        for number in results(text):
            if stated[cell.index, number.text] > 0:
                stated[cell.index, number.text] -= 1
                digits = [at for at in range(number.start, number.end) if text[at] in "0123456789"]
                found += [Place(cell.index, at, number.text) for at in digits]
    return found


def changed(notebook: Notebook, place: Place, digit: str) -> Notebook:
    """The lesson with one digit replaced."""
    raw = {**notebook.raw, "cells": list(notebook.raw["cells"])}
    cell = copy.copy(raw["cells"][place.cell])
    source = notebook.cells[place.cell].source
    cell["source"] = source[: place.at] + digit + source[place.at + 1 :]
    raw["cells"][place.cell] = cell
    return Notebook(notebook.path, raw)


def trials(notebook: Notebook, count: int, seed: int) -> Iterator[tuple[str, bool]]:
    """Random one-digit changes, each on the untouched lesson: what was changed, and whether the check noticed."""
    rng = random.Random(seed)
    choices = places(notebook)
    before = Counter(str(problem) for problem in check(notebook, weigh=False)[1])
    for place in rng.choices(choices, k=count) if choices else []:
        old = notebook.cells[place.cell].source[place.at]
        new = rng.choice("0123456789".replace(old, ""))
        after = Counter(
            str(problem) for problem in check(changed(notebook, place, new), weigh=False)[1]
        )
        around = notebook.cells[place.cell].source[max(0, place.at - 20) : place.at + 20]
        yield (
            f"cell {place.cell}: {old} → {new} in {' '.join(around.split())!r}",
            bool(after - before),
        )
