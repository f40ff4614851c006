"""The forms before and after the course: how many were answered, how many are right, what was answered before.

Nothing is written anywhere: a learner's answers stand in their own copy of the lesson, and are read from there.
"""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from helpers.answers.form_keys import Question, questions

LETTERS = "abcd"
WIDTH = 96  # of a line of output, as the pages hold it
_FIRST_LESSON = (
    "00_start_here*.ipynb"  # a reset leaves the older copy beside the new one, under its date
)


def answered(form: str, answers: Sequence[Any]) -> None:
    """Print how many questions of a form were answered, and nothing about which answers are right.

    Parameters
    ----------
    form : str
        "A" or "B".
    answers : sequence of ten
        A letter each, or `...` for a question that was left out.

    Raises
    ------
    ValueError
        If there is no such form, or the answers are not ten.
    """
    letters = _letters(form, answers)
    if letters is None:
        return
    count = len(letters) - letters.count("")
    if count == 0:
        print(
            f"Form {form}: 0 of {len(letters)} answered. In the cell below a question, put a letter in quotes\n"
            'in place of the ..., such as "a". Run that cell, and then this one.'
        )
        return
    print(f"Form {form}: {count} of {len(letters)} answered: {_line(form, letters)}")


def score(form: str, answers: Sequence[Any], before: Sequence[Any] | None = None) -> None:
    """Print which answers are right, what each wrong one shows, and the lesson to return to.

    Parameters
    ----------
    form : str
        "A" or "B".
    answers : sequence of ten
        A letter each, or `...` for a question that was left out.
    before : sequence of ten, optional
        The answers to the same form before the course, to stand beside them.

    Raises
    ------
    ValueError
        If there is no such form, or the answers are not ten.
    """
    now = _letters(form, answers)
    then = _letters(form, before) if before is not None else [""] * len(questions(form))
    if now is None or then is None:
        return
    if not any(now):
        print(
            f"Form {form}: nothing answered yet. The letters go into the cells below the questions."
        )
        return
    print(
        f"Form {form}: {_count(form, now)}"
        + (f"; before: {_count(form, then)}" if any(then) else "")
    )
    for (number, question), letter, earlier in zip(questions(form).items(), now, then, strict=True):
        first = f"{earlier or '–'} → " if any(then) else ""
        start = f"{form}{number:<3}{question.concept:19} {first}{letter or '–'}  "
        line = textwrap.wrap(_verdict(question, letter), WIDTH - len(start))
        print(start + f"\n{' ' * len(start)}".join(line))


def earlier_answers(folder: str | Path = ".") -> list[Any]:
    """The answers to form A that stand in the learner's own lesson 00, as `...` where there are none.

    Parameters
    ----------
    folder : str or Path
        Where lesson 00 is: beside the lesson that asks, as a rule.

    Raises
    ------
    TypeError
        If `folder` is no path.
    """
    if not isinstance(folder, str | Path):
        raise TypeError(
            f"folder must be the name of the folder that holds lesson 00; given {folder!r}"
        )
    blank: list[Any] = [...] * len(questions("A"))
    copies = [(path.stat().st_mtime, path.name, path) for path in Path(folder).glob(_FIRST_LESSON)]
    for _, name, path in sorted(copies, reverse=True):
        found = _answers_in(path)
        given = [found.get(f"a{number}", ...) for number in questions("A")]
        if given != blank:
            count = sum(one is not ... for one in given)
            print(f"{name}: {count} of {len(given)} answered before the course.")
            return given
    print(
        "No answers from before the course beside this lesson. If you have them elsewhere, type them in,\n"
        'all ten of them: before = ["a", "c", …].'
    )
    return blank


def _answers_in(path: Path) -> dict[str, Any]:
    """The letters of lines such as a1 = "c" in a notebook's code; a file that cannot be read holds none."""
    found: dict[str, Any] = {}
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return found
    for source in sources:
        try:
            body = ast.parse(source).body
        except SyntaxError:
            continue
        for line in body:
            if (
                isinstance(line, ast.Assign)
                and isinstance(line.targets[0], ast.Name)
                and isinstance(line.value, ast.Constant)
                and isinstance(line.value.value, str)
            ):
                found[line.targets[0].id] = line.value.value
    return found


def _letters(form: str, answers: Sequence[Any]) -> list[str] | None:
    """Answers as letters, "" for none; None, with a kind sentence, when one of them is no letter."""
    if not isinstance(form, str):
        raise TypeError(f'form must be "A" or "B"; given {form!r}')
    wanted = len(questions(form))
    if isinstance(answers, str) or not isinstance(answers, Collection) or len(answers) != wanted:
        raise ValueError(
            f"answers must be a list of {wanted}, one for each question; given {answers!r}"
        )
    letters = []
    for number, answer in enumerate(answers, start=1):
        letter = (
            answer.strip(" ()").lower() if isinstance(answer, str) else "" if answer is ... else "?"
        )
        if letter and (len(letter) > 1 or letter not in LETTERS):
            print(
                f"{form}{number}: {answer!r} is none of the options. Answer with a, b, c or d, in quotes."
            )
            return None
        letters.append(letter)
    return letters


def _line(form: str, letters: list[str]) -> str:
    return " ".join(
        f"{form}{number}{letter or '–'}" for number, letter in enumerate(letters, start=1)
    )


def _count(form: str, letters: list[str]) -> str:
    right = sum(
        letter == question.key
        for letter, question in zip(letters, questions(form).values(), strict=True)
    )
    left = letters.count("")
    return f"{right} of {len(letters)} right" + (f", {left} left out" if left else "")


def _verdict(question: Question, letter: str) -> str:
    if letter == question.key:
        return "right"
    where = ("lesson " if len(question.lessons) == 1 else "lessons ") + " and ".join(
        question.lessons
    )
    return f"{question.slips[letter] if letter else 'left out'} ({where})"
