"""How an exercise answers: what is right, what is a classic slip, what to try next."""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

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


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by id, such as "3.1", in reading order."""
    names = [module.name for module in pkgutil.iter_modules(answers.__path__)]
    lessons = sorted(name for name in names if name.startswith("lesson_"))
    modules = [import_module(f"helpers.answers.{name}") for name in lessons]
    return {key: exercise for module in modules for key, exercise in module.EXERCISES.items()}


def check(exercise: str, answer: Any) -> None:
    """Print whether an answer is right, and if it is not, what to think about.

    Parameters
    ----------
    exercise : str
        The exercise's id, such as "3.1".
    answer : number or str
        `...` counts as not answered yet.

    Raises
    ------
    ValueError
        There is no such exercise.
    """
    verdict, comment = _verdict(exercise, _find(exercise), answer)
    print(f"{exercise}: {verdict}. {comment}")


def hint(exercise: str, number: int = 1) -> None:
    """Print a hint; a higher number gives more away.

    Parameters
    ----------
    exercise : str
        The exercise's id, such as "3.1".
    number : int
        1 for the first hint.

    Raises
    ------
    ValueError
        There is no such exercise, or no such hint.
    """
    hints = _find(exercise).hints
    if number not in range(1, len(hints) + 1):
        raise ValueError(
            f"number must be 1 to {len(hints)}, the hints of {exercise}; given {number!r}"
        )
    number = int(number)
    more = f' (hint("{exercise}", {number + 1}) says more)' if number < len(hints) else ""
    print(f"Hint {number} of {len(hints)} for {exercise}: {hints[number - 1]}{more}")


def _find(exercise: Any) -> Exercise:
    if not isinstance(exercise, str) or exercise not in exercises():
        known = ", ".join(exercises())
        raise ValueError(f"exercise must be the id of one, in quotes: {known}; given {exercise!r}")
    return exercises()[exercise]


def _verdict(name: str, exercise: Exercise, answer: Any) -> tuple[str, str]:
    """How the answer is judged ("right", "not yet" or "nothing answered yet"), and a comment."""
    if answer is ...:
        advice = f'Replace the ... and run the cell again; hint("{name}") helps.'
        return "nothing answered yet", advice
    key = exercise.key()
    if problem := _wrong_kind(answer, key):
        return "not yet", problem
    if _same(answer, key, exercise.places):
        shown = f"{key:.{exercise.places}f}" if isinstance(key, float) else key
        return "right", exercise.right.format(key=shown)
    for slip in exercise.slips:
        if _same(answer, slip.answer(), exercise.places):
            return "not yet", slip.misconception
    return "not yet", f'Look again; hint("{name}") gives a nudge.'


def _wrong_kind(answer: Any, key: Any) -> str:
    """What is wrong with the kind of the answer, or nothing."""
    if isinstance(key, str):
        asked = 'The answer is a word in quotes, such as "a"'
        return "" if isinstance(answer, str) else f"{asked}; yours is {answer!r}."
    value = _number(answer)
    if value is None:
        return f"The answer is one number; yours is a {type(answer).__name__}."
    return "" if math.isfinite(value) else f"The answer is a finite number; yours is {value}."


def _number(answer: Any) -> float | None:
    """A lone number out of what Python, NumPy or pandas gives, or None."""
    try:
        array = np.asarray(answer)
    except ValueError:  # rows of different lengths
        return None
    return float(array.item()) if array.size == 1 and array.dtype.kind in "iuf" else None


def _same(answer: Any, key: Any, places: int) -> bool:
    if isinstance(key, str):
        return answer.strip().casefold() == key.casefold()
    value = _number(answer)
    # Half a unit of the last asked-for digit, and a little for values typed with just those digits.
    return value is not None and abs(value - float(key)) <= 0.5 * 10**-places * (1 + 1e-6)
