"""Finds, for every number of a block, the output that shows it."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from tests import numbers as num
from tests.notebooks import Cell, Notebook, lesson_path, read
from tests.numbers import Number, Printed
from tests.prose.blocks import Block, blank, blocks

Key = tuple[str, Decimal, bool]
WEAKEST = 0.125  # the largest share of one-digit changes that may go unnoticed


@dataclass(frozen=True)
class Problem:
    """Something that the prose of a lesson may not leave as it is."""

    cell: Cell
    what: str
    context: str

    def __str__(self) -> str:
        name = f"cell {self.cell.index}" + (f" ({self.cell.id})" if self.cell.id else "")
        return f"{name}: {self.what}\n      {self.context}"


@dataclass(frozen=True)
class Binding:
    """The outputs that show a number of the prose; none for a given constant."""

    shown_by: list[Printed]
    weakness: float  # the share of its one-digit changes that would pass


@lru_cache(maxsize=4096)
def outputs(cell: Cell) -> tuple[Printed, ...]:
    """The numbers that a cell computed and printed: digits typed in its own strings are no evidence."""
    text = cell.printed
    for literal in cell.literals:
        if literal.strip() and re.search(r"\d", literal):
            text = blank(text, rf"(?<![\d.]){re.escape(literal.strip())}(?!\d)")
    return tuple(num.printed(text, cell.id or f"cell {cell.index}"))


def _named(name: str, block: Block, notebook: Notebook) -> list[Printed] | str:
    """The outputs that a `from:` names, or what is wrong with the name."""
    lesson, _, rest = name.rpartition(":")
    ident, _, row = rest.partition("/")
    if lesson and lesson != notebook.number:
        try:
            cells = read(lesson_path(lesson)).code
        except ValueError as error:
            return str(error)
    else:
        cells = [cell for cell in notebook.code if cell.index <= block.cell.index]
    cells = [cell for cell in cells if cell.id == ident]
    if not cells:
        return f"from: {name}: no code cell above has the id {ident!r}"
    pool = [output for output in outputs(cells[0]) if not row or row.lower() in output.line.lower()]
    return pool or f"from: {name}: that prints no number"


def _nearest(block: Block) -> tuple[Printed, ...]:
    """What the nearest cell above prints that prints numbers, in the section of the block."""
    return next(filter(None, map(outputs, block.above)), ())


def _pool(block: Block, notebook: Notebook) -> tuple[list[Printed], list[str]]:
    """The outputs that a block's numbers may come from, and what is wrong with its comment."""
    if "from" not in block.marks:
        return list(_nearest(block)), []
    pool: list[Printed] = []
    wrong = []
    for name in block.marks["from"]:
        found = _named(name, block, notebook)
        if isinstance(found, str):
            wrong.append(found)
        elif not any(num.bound(number, found) for number in block.numbers):
            wrong.append(f"from: {name}: no number of this block stands there")
        else:
            pool += found
    return pool, wrong


def check(notebook: Notebook) -> tuple[list[Binding], list[Problem]]:
    """Every number of a lesson's prose with what binds it, and everything that is wrong."""
    bindings: list[Binding] = []
    problems: list[Problem] = []
    for block in blocks(notebook):
        pool, wrong = _pool(block, notebook)
        given, missing = _givens(block)
        start = block.text.strip()[:70]
        wrong += missing + [f"comment not understood: {mark}" for mark in block.bad_marks]
        problems += [Problem(block.cell, what, start) for what in wrong]
        for number in block.numbers:
            is_given = number.key in given
            shown_by = [] if is_given else num.bound(number, pool)
            weakness = _weakness(number, block, given, pool)
            if is_given or shown_by:
                bindings.append(Binding(shown_by, weakness))
            what = ""
            if is_given and _is_result(number, block):
                what = "is listed as given but printed above"
            elif not is_given and not shown_by:
                others = f"not among {len(pool)} numbers of {pool[0].cell}" if pool else ""
                what = f"is not bound: {others or 'no output above in this section'}"
            elif weakness > WEAKEST:
                what = f"is weakly bound: {weakness:.0%} of its one-digit changes would pass too"
            if what:
                what = f"{number.text!r} {what}"
                problems.append(Problem(block.cell, what, block.around(number)))
    return bindings, problems


def _is_result(number: Number, block: Block) -> bool:
    """Three digits that the output right above shows are a result, not a constant."""
    long = len(number.value.as_tuple().digits) >= 3 and number.quantum < 0
    return long and bool(num.bound(number, _nearest(block)))


def _givens(block: Block) -> tuple[set[Key], list[str]]:
    """The constants that a block's comment lists, and what is wrong with the list."""
    given: set[Key] = set()
    wrong = []
    for text in block.marks.get("given", []):
        listed = [number.key for number in num.numbers(text)]
        keys = {one.key for one in block.numbers if one.text == text or listed == [one.key]}
        if keys:
            given |= keys
        else:
            wrong.append(f"given: {text}: no such number in this block")
    return given, wrong


def _weakness(number: Number, block: Block, given: set[Key], pool: list[Printed]) -> float:
    """The share of a number's one-digit changes that nobody would notice."""
    if number.key in given and sum(number.key == other.key for other in block.numbers) == 1:
        return 0.0  # the list would name a number that stands nowhere
    return num.weakness(number, lambda changed: changed.key in given or num.bound(changed, pool))
