"""The forms before and after the course: how many were answered, how many are right, what was answered before.

Nothing is written anywhere: a learner's answers stand in their own copy of the lesson, and are read from there.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from helpers.answers.form_keys import questions

WIDTH = 96  # of a line of output, as the pages hold it
# Where form A is answered; before it was a page of its own it stood in lesson 00. A reset leaves the older
# copy beside the new one, under its date.
PLACES = ("before_you_begin*.ipynb", "00_start_here*.ipynb")


def answered(form: str, answers: Sequence[Any]) -> None:
    """Print how many questions of a form were answered, and nothing about which answers are right.

    Parameters
    ----------
    form : "A" or "B"
        Anything else is a ValueError.
    answers : sequence of ten
        A letter each, or `...` for a question that was left out. Not ten: ValueError.
    """
    letters = _letters(form, answers)
    if letters and any(letters):
        shown = " ".join(f"{form}{number}{one or '–'}" for number, one in enumerate(letters, 1))
        print(f"Form {form}: {sum(map(bool, letters))} of {len(letters)} answered: {shown}")
    elif letters:
        print(
            f"Form {form}: 0 of {len(letters)} answered. In the cell below a question, put a letter in quotes\n"
            'in place of the ..., such as "a". Run that cell, and then this one.'
        )


def score(form: str, answers: Sequence[Any], before: Sequence[Any] | None = None) -> None:
    """Print which answers are right, what each wrong one shows, and the lesson to return to.

    Parameters
    ----------
    form, answers
        As in `answered`.
    before : sequence of ten, optional
        The answers to the same form before the course, to stand beside them.
    """
    now = _letters(form, answers)
    then = _letters(form, [...] * 10 if before is None else before)
    if now is None or then is None:
        return
    if not any(now):
        where = "The letters go into the cells below the questions."
        print(f"Form {form}: nothing answered yet. {where}")
        return
    earlier = f"; before: {_count(form, then)}" if any(then) else ""
    print(f"Form {form}: {_count(form, now)}{earlier}")
    for (number, question), letter, first in zip(questions(form).items(), now, then, strict=True):
        change = f"{first or '–'} → " if earlier else ""
        start = f"{form}{number:<3}{question.concept:19} {change}{letter or '–'}  "
        comment = "right"
        if letter != question.key:
            plural = "s" if len(question.lessons) > 1 else ""
            lessons = f"lesson{plural} {' and '.join(question.lessons)}"
            comment = f"{question.slips[letter] if letter else 'left out'} ({lessons})"
        print(textwrap.fill(start + comment, WIDTH, subsequent_indent=" " * len(start)))


def earlier_answers(folder: str | Path = ".") -> list[Any]:
    """The answers to form A that stand in the learner's own copy, as `...` where there are none.

    `folder` is where the copy is, as a rule beside the lesson that asks; TypeError if it is no path.
    """
    if not isinstance(folder, str | Path):
        raise TypeError(f"folder must be the folder that holds your copies; given {folder!r}")
    copies = [path for place in PLACES for path in Path(folder).glob(place)]
    for path in sorted(copies, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        except (OSError, ValueError, KeyError, TypeError):  # no notebook that can be read
            continue
        found = dict(re.findall(r"""(?m)^a([1-9]|10)\s*=\s*["'](.*?)["']""", "\n".join(code)))
        if found:
            print(f"{path.name}: {len(found)} of 10 answered before the course.")
            return [found.get(str(number), ...) for number in questions("A")]
    print(
        "No answers from before the course beside this lesson. If you have them elsewhere, type them in,\n"
        'all ten of them: before = ["a", "c", …].'
    )
    return [...] * 10


def _letters(form: str, answers: Sequence[Any]) -> list[str] | None:
    """Answers as letters, "" for none; None, with a kind sentence, when one of them is no letter."""
    wanted = len(questions(form))
    if isinstance(answers, str) or not isinstance(answers, Collection) or len(answers) != wanted:
        raise ValueError(f"answers must be a list of {wanted}, one per question; given {answers!r}")
    letters = []
    for number, answer in enumerate(answers, start=1):
        letter = answer.strip(" ()").lower() if isinstance(answer, str) else answer
        if letter is not ... and letter not in ["", *"abcd"]:
            advice = "write a, b, c or d, in quotes"
            print(f"{form}{number}: {answer!r} is none of the options: {advice}.")
            return None
        letters.append("" if letter is ... else letter)
    return letters


def _count(form: str, letters: list[str]) -> str:
    keys = [question.key for question in questions(form).values()]
    right = sum(letter == key for letter, key in zip(letters, keys, strict=True))
    left = letters.count("")
    return f"{right} of {len(letters)} right" + (f", {left} left out" if left else "")
