"""How an exercise answers: what is right, what is a classic slip, what to try next."""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import import_module
from typing import Any

import numpy as np
from IPython.display import display

from helpers import answers


@dataclass(frozen=True)
class Slip:
    """A classic wrong answer: the rule that gives it (computed when asked), and the misconception that it shows."""

    answer: Callable[[], Any]
    misconception: str


@dataclass(frozen=True)
class Exercise:
    """One exercise."""

    key: Callable[[], Any]  # computes the right answer when asked: a number or a word
    right: str  # the comment on a right answer; `{key}` stands for it
    hints: tuple[str, ...]  # from a nudge to nearly there
    slips: tuple[Slip, ...] = ()  # looked through in order when the answer is wrong
    places: int = 3  # a number is right if it is the key rounded to so many decimals, or closer
    luck: float = 0.0  # how far simulation may take a right answer from the key, besides


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by id, such as "3.1", in reading order."""
    names = sorted(module.name for module in pkgutil.iter_modules(answers.__path__))
    found: dict[str, Exercise] = {}
    for name in names:
        if name.startswith("lesson_"):
            found |= import_module(f"helpers.answers.{name}").EXERCISES
    return found


LOOKS = {  # a mark, and a colour that stands out on white and on black
    "right": ("✓", "22, 163, 74"),
    "not yet": ("↻", "217, 119, 6"),
    "slip": ("≠", "147, 51, 234"),
    "open": ("…", "107, 114, 128"),
    "hint": ("→", "37, 99, 235"),
}


@dataclass(frozen=True)
class Reply:
    """What an exercise answers: plain text, and in a notebook a line with a coloured edge."""

    look: str  # one of LOOKS
    lead: str
    text: str

    def __repr__(self) -> str:
        return f"{self.lead} {self.text}"

    def _repr_html_(self) -> str:
        mark, colour = LOOKS[self.look]
        edge = f"border-left: 4px solid rgb({colour}); background: rgba({colour}, 0.08)"
        lead, text = escape(self.lead), escape(self.text)
        return (
            f'<div class="reply" style="{edge}; padding: 4px 12px; max-width: 60em">'
            f"<b>{mark} {lead}</b> {text}</div>"
        )


def check(exercise: str, answer: Any) -> None:
    """Say whether an answer is right, and if it is not, what to think about.

    `exercise` is its id in quotes, such as "3.1". `answer` is a number or a word; `...` counts as not answered yet.
    What is no exercise and no answer gets a sentence that says so.
    """
    found = _find(exercise)
    display(found if isinstance(found, Reply) else _reply(exercise, found, answer))


def hint(exercise: str, number: int = 1) -> None:
    """Show a hint: `number` 1 is the first one, and a higher one gives more away.

    `exercise` is its id in quotes, such as "3.1". What is no exercise and no hint gets a sentence that says so.
    """
    found = _find(exercise)
    if isinstance(found, Reply):
        display(found)
        return
    count = len(found.hints)
    if isinstance(number, bool) or number not in range(1, count + 1):
        problem = f"The hints of {exercise} have the numbers 1 to {count}; yours is {number!r}."
        display(Reply("open", "No such hint.", problem))
        return
    more = f' (hint("{exercise}", {number + 1}) says more)' if number < count else ""
    lead = f"Hint {number} of {count} for {exercise}:"
    display(Reply("hint", lead, f"{found.hints[number - 1]}{more}"))


def _find(exercise: Any) -> Exercise | Reply:
    """The exercise of an id, or what to say where there is none."""
    if isinstance(exercise, str) and exercise in exercises():
        return exercises()[exercise]
    quoted = str(exercise) if isinstance(exercise, int | float) else ""
    if quoted in exercises():
        return Reply("open", "Put the number in quotes:", f'"{quoted}".')
    lessons = sorted({int(key.partition(".")[0]) for key in exercises()})
    said = (
        f'An exercise is named by lesson and number, in quotes: "3.1" is the first of lesson 03. '
        f"Lessons {lessons[0]:02} to {lessons[-1]:02} have exercises."
    )
    return Reply("open", f"There is no exercise {exercise!r}.", said)


def _reply(name: str, exercise: Exercise, answer: Any) -> Reply:
    """How the answer is judged."""
    if answer is ...:
        said = f'Replace the ... and run the cell again; hint("{name}") helps.'
        return Reply("open", f"{name}: nothing answered yet.", said)
    key = exercise.key()
    not_yet = f"{name}: not yet."
    if problem := _wrong_kind(answer, key):
        return Reply("not yet", not_yet, problem)
    if _same(answer, key, exercise.places, exercise.luck):
        shown = f"{key:.{exercise.places}f}" if isinstance(key, float) else key
        return Reply("right", f"{name}: right.", exercise.right.format(key=shown))
    for slip in exercise.slips:
        if _same(answer, slip.answer(), exercise.places):
            return Reply("slip", not_yet, slip.misconception)
    fewer = range(int(abs(key) < 10), exercise.places) if isinstance(key, float) else ()
    if _number(answer) in [round(key, places) for places in fewer]:
        return Reply("not yet", not_yet, "Right as far as it goes: give more decimals.")
    return Reply("not yet", not_yet, f'Look again; hint("{name}") gives a nudge.')


def _wrong_kind(answer: Any, key: Any) -> str:
    """What is wrong with the kind of the answer, or nothing."""
    value = _number(answer)
    if answer is None:
        kind = "empty (a cell that ends in print, for example, gives nothing back)"
    elif isinstance(answer, bool | np.bool_):
        kind = f"{answer}, a yes or no"
    elif isinstance(answer, str):
        kind = f"text, {answer!r}: leave the quotes away"
    elif callable(answer):
        kind = "a function: put () behind its name to call it"
    elif value is None:
        kind = "a collection" if hasattr(answer, "__len__") else "something else"
    else:
        kind = "a number"
    if isinstance(key, str):
        asked = 'The answer is a word in quotes, such as "a"'
        return "" if isinstance(answer, str) else f"{asked}; yours is {kind}."
    if value is None:
        return f"The answer is one number; yours is {kind}."
    return "" if math.isfinite(value) else f"The answer is a finite number; yours is {value}."


def _number(answer: Any) -> float | None:
    """A lone number out of what Python, NumPy or pandas gives, or None."""
    try:
        array = np.asarray(answer)
    except ValueError:  # rows of different lengths
        return None
    return float(array.item()) if array.size == 1 and array.dtype.kind in "iuf" else None


def _same(answer: Any, key: Any, places: int, luck: float = 0.0) -> bool:
    if isinstance(key, str):
        return answer.strip(" ().").casefold() == key.casefold()  # "(b)" is b
    value = _number(answer)
    if isinstance(key, int):  # a number of athletes is whole
        return value == key
    # Half a unit of the last asked-for digit, and a little for values typed with just those digits.
    allowed = 0.5 * 10**-places * (1 + 1e-6) + luck
    return value is not None and abs(value - float(key)) <= allowed
