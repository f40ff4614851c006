"""How an exercise answers: what is right, what is a classic slip, what to try next."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from numbers import Integral, Number, Real
from typing import Any

import numpy as np

LESSONS_WITH_EXERCISES = range(12)


@dataclass(frozen=True)
class Slip:
    """A classic wrong answer: the rule that gives it (computed when asked) and the misconception that it shows."""

    answer: Callable[[], Any]
    says: str


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Parameters
    ----------
    key : callable
        Computes the right answer from the data, when asked: a number, a bool, or a word (a choice such as "b").
    places : int
        A number counts as right when it equals the key rounded to this many decimals, or comes closer to it than that.
    right : str
        Said of a right answer; `{key}` stands for it.
    hints : tuple of str
        From a nudge to nearly there.
    slips : tuple of Slip
        Looked through in order when the answer is wrong.
    """

    key: Callable[[], Any]
    right: str
    hints: tuple[str, ...]
    slips: tuple[Slip, ...] = ()
    places: int = 3


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by id, in reading order."""
    found: dict[str, Exercise] = {}
    for lesson in LESSONS_WITH_EXERCISES:
        try:
            module = import_module(f"helpers.answers.lesson_{lesson:02d}")
        except ModuleNotFoundError as missing:
            if missing.name != f"helpers.answers.lesson_{lesson:02d}":
                raise
            continue
        found |= module.EXERCISES
    return found


def ids() -> tuple[str, ...]:
    """The ids of all exercises, such as "3.1"."""
    return tuple(exercises())


def check(exercise: str, answer: Any) -> None:
    """Print whether an answer is right, and if it is not, what to think about.

    Parameters
    ----------
    exercise : str
        The exercise's id, such as "3.1".
    answer : number, bool or str
        `...` counts as not answered yet.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    found = _find(exercise)
    if answer is ...:
        print(
            f'{exercise}: nothing answered yet. Replace the ... and run the cell again; hint("{exercise}") helps.'
        )
        return
    key = found.key()
    problem = _unusable(answer, key)
    if problem:
        print(f"{exercise}: not yet. {problem}")
    elif _same(answer, key, found.places):
        print(f"{exercise}: right. {found.right.format(key=_said(key, found.places))}")
    else:
        slip = next((s for s in found.slips if _same(answer, s.answer(), found.places)), None)
        print(
            f"{exercise}: not yet. "
            + (slip.says if slip else f'Look again; hint("{exercise}") gives a nudge.')
        )


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
        If there is no such exercise, or no such hint.
    """
    hints = _find(exercise).hints
    if (
        isinstance(number, (bool, np.bool_))
        or not isinstance(number, Integral)
        or not 1 <= number <= len(hints)
    ):
        raise ValueError(
            f"number must be 1 to {len(hints)}: exercise {exercise} has that many hints; given {number!r}"
        )
    more = f' (hint("{exercise}", {number + 1}) says more)' if number < len(hints) else ""
    print(f"Hint {number} of {len(hints)} for {exercise}: {hints[number - 1]}{more}")


def _find(exercise: Any) -> Exercise:
    if not isinstance(exercise, str) or exercise not in exercises():
        raise ValueError(
            f"exercise must be the id of one, in quotes: {', '.join(ids())}; given {exercise!r}"
        )
    return exercises()[exercise]


def _unusable(answer: Any, key: Any) -> str:
    """What is wrong with the kind of the answer, or nothing."""
    if isinstance(key, str) and not isinstance(answer, str):
        return f'The answer is a word in quotes, such as "a"; yours is {answer!r}.'
    if isinstance(key, (bool, np.bool_)) and not isinstance(answer, (bool, np.bool_)):
        return f"The answer is True or False; yours is {answer!r}."
    if isinstance(key, Number) and not isinstance(key, (bool, np.bool_)):
        value = _number(answer)
        if value is None:
            return f"The answer is one number; yours is a {type(answer).__name__}."
        if not math.isfinite(value):
            return f"The answer is a finite number; yours is {value}."
    return ""


def _number(answer: Any) -> float | None:
    """A lone number out of what Python, NumPy or pandas gives, or None."""
    if isinstance(answer, (bool, np.bool_, str)):
        return None
    try:
        if isinstance(answer, Real):
            return float(answer)
        array = np.asarray(answer)
    except OverflowError:  # a whole number that is too long
        return math.inf
    except ValueError:  # rows of different lengths
        return None
    return float(array.item()) if array.size == 1 and array.dtype.kind in "iuf" else None


def _same(answer: Any, key: Any, places: int) -> bool:
    if isinstance(key, str):
        return answer.strip().casefold() == key.casefold()
    if isinstance(key, (bool, np.bool_)):
        return bool(answer) is bool(key)
    value = _number(answer)
    # Half a unit of the last asked-for digit, and a hair for values typed with just those digits.
    return value is not None and abs(value - float(key)) <= 0.5 * 10**-places * (1 + 1e-6)


def _said(key: Any, places: int) -> str:
    return (
        f"{key:.{places}f}"
        if isinstance(key, Real) and not isinstance(key, (bool, int))
        else str(key)
    )
