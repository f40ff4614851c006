"""Exercises answer at once, recognise the classic slips, and give their answer away only bit by bit."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import check, feedback, hint
from helpers.feedback import exercises

ALL = sorted(exercises())


def checked(capsys: pytest.CaptureFixture[str], exercise: str, answer: object) -> str:
    check(exercise, answer)
    return capsys.readouterr().out


@pytest.mark.parametrize("exercise", ALL)
def test_the_key_is_right_and_nothing_answered_is_no_answer(
    exercise: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = exercises()[exercise].key()
    assert checked(capsys, exercise, key).startswith(f"{exercise}: right. ")
    assert "nothing answered yet" in checked(capsys, exercise, ...)


@pytest.mark.parametrize("exercise", ALL)
def test_each_slip_is_a_wrong_answer_of_its_own_and_tells_its_misconception(
    exercise: str, capsys: pytest.CaptureFixture[str]
) -> None:
    slips = exercises()[exercise].slips
    assert slips, "every exercise has a classic wrong answer"
    for slip in slips:
        reply = f"{exercise}: not yet. {slip.misconception}\n"
        assert checked(capsys, exercise, slip.answer()) == reply


@pytest.mark.parametrize("exercise", ALL)
def test_a_number_typed_with_the_digits_asked_for_is_right_and_the_next_one_is_not(
    exercise: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = exercises()[exercise]
    key = found.key()
    if isinstance(key, str):
        assert "right" in checked(capsys, exercise, f"  {key.upper()} ")
        return
    typed = round(float(key), found.places)
    assert ": right" in checked(capsys, exercise, typed)
    for step in (-1.6, 1.6):
        assert ": right" not in checked(capsys, exercise, typed + step * 10**-found.places)


@pytest.mark.parametrize("exercise", ALL)
def test_hints_are_progressive(exercise: str, capsys: pytest.CaptureFixture[str]) -> None:
    hints = exercises()[exercise].hints
    assert len(hints) >= 2
    for number, text in enumerate(hints, 1):
        hint(exercise, number)
        out = capsys.readouterr().out
        assert text in out and ("says more" in out) is (number < len(hints))
    hint(exercise, len(hints) + 1)
    assert f"numbers 1 to {len(hints)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("exercise", "answer", "reply"),
    [
        ("3.1", np.float64(0.77), ": right"),
        ("3.1", np.array([0.77]), ": right"),
        ("3.1", pd.Series([0.77]), ": right"),
        ("3.1", "0.77", "not yet. The answer is one number; yours is text"),
        ("3.1", [1, 2], "not yet. The answer is one number"),
        ("3.1", [[1], [2, 3]], "not yet. The answer is one number"),
        ("3.1", None, "not yet. The answer is one number"),
        ("3.1", True, "not yet. The answer is one number"),
        ("3.1", np.nan, "not yet. The answer is a finite number"),
        ("3.1", 0.4, "not yet. Look again"),
        ("5.3", 2, "not yet. The answer is a word in quotes"),
        ("5.3", " (b) ", ": right"),
    ],
)
def test_an_answer_in_any_wrapping_gets_a_kind_sentence(
    exercise: str, answer: object, reply: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reply in checked(capsys, exercise, answer)


@pytest.mark.parametrize("ask", [lambda exercise: check(exercise, 1), hint])
@pytest.mark.parametrize(
    ("exercise", "reply"),
    [
        ("99.9", "no exercise '99.9'. An exercise is named"),
        (3.1, 'Put the number in quotes: "3.1"'),
        (None, "no exercise None"),
        (["3.1"], "no exercise ['3.1']"),
    ],
)
def test_what_is_no_exercise_gets_a_sentence(
    ask: Any, exercise: Any, reply: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(exercise)
    assert reply in capsys.readouterr().out


@pytest.mark.parametrize("number", [0, "1", 1.5, None, True])
def test_what_is_no_hint_gets_a_sentence(number: Any, capsys: pytest.CaptureFixture[str]) -> None:
    hint("3.1", number)
    assert "No such hint. The hints of 3.1" in capsys.readouterr().out


def test_right_not_yet_a_slip_and_nothing_answered_look_different() -> None:
    exercise = exercises()["3.1"]
    answers = [exercise.key(), 0.4, exercise.slips[0].answer(), ...]
    pages = [feedback._reply("3.1", exercise, answer)._repr_html_() for answer in answers]
    for look in (r"<b>(.)", r"rgb\((.*?)\)"):
        assert len({found for page in pages for found in re.findall(look, page)}) == 4
    assert "&lt;b&gt;" in feedback.Reply("hint", "Hint:", "<b>")._repr_html_()
