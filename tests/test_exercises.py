"""Exercises answer at once, recognise the classic slips, and give their answer away only bit by bit."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from helpers import check, feedback, hint
from helpers.feedback import ids

ALL = sorted(feedback.exercises())


def said(capsys: pytest.CaptureFixture[str], exercise: str, answer: object) -> str:
    check(exercise, answer)
    return capsys.readouterr().out


@pytest.mark.parametrize("exercise", ALL)
def test_the_key_is_right_and_nothing_answered_is_no_answer(
    exercise: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = feedback.exercises()[exercise].key()
    assert said(capsys, exercise, key).startswith(f"{exercise}: right. ")
    assert "nothing answered yet" in said(capsys, exercise, ...)


@pytest.mark.parametrize("exercise", ALL)
def test_each_slip_is_a_wrong_answer_of_its_own_and_says_its_misconception(
    exercise: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = feedback.exercises()[exercise]
    assert found.slips, "every exercise has a classic wrong answer"
    for slip in found.slips:
        assert said(capsys, exercise, slip.answer()) == f"{exercise}: not yet. {slip.says}\n"


@pytest.mark.parametrize("exercise", ALL)
def test_a_number_typed_with_the_digits_asked_for_is_right_and_the_next_one_is_not(
    exercise: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = feedback.exercises()[exercise]
    key = found.key()
    if isinstance(key, str):
        assert "right" in said(capsys, exercise, f"  {key.upper()} ")
        return
    typed = round(float(key), found.places)
    assert ": right" in said(capsys, exercise, typed)
    assert ": right" not in said(capsys, exercise, typed + 1.6 * 10**-found.places)
    assert ": right" not in said(capsys, exercise, typed - 1.6 * 10**-found.places)


@pytest.mark.parametrize("exercise", ALL)
def test_hints_are_progressive(exercise: str, capsys: pytest.CaptureFixture[str]) -> None:
    hints = feedback.exercises()[exercise].hints
    assert len(hints) >= 2
    for number in range(1, len(hints) + 1):
        hint(exercise, number)
        out = capsys.readouterr().out
        assert hints[number - 1] in out
        assert ("says more" in out) is (number < len(hints))
    with pytest.raises(ValueError, match=f"number must be 1 to {len(hints)}"):
        hint(exercise, len(hints) + 1)


@pytest.mark.parametrize(
    "answer", [np.float64(0.77), np.array([0.77]), pd.Series([0.77]), np.float32(0.77)]
)
def test_a_number_may_come_in_any_wrapping(
    answer: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ": right" in said(capsys, "3.1", answer)


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("0.77", "one number"),
        ([1, 2], "one number"),
        (None, "one number"),
        (True, "one number"),
        (np.nan, "finite"),
        (np.inf, "finite"),
        (np.array([1.0, 2.0]), "one number"),
        (0.4, "Look again"),
    ],
)
def test_an_answer_of_the_wrong_kind_gets_a_kind_sentence(
    answer: object, reply: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = said(capsys, "3.1", answer)
    assert out.startswith("3.1: not yet.") and reply in out


def test_a_word_is_asked_for_in_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    assert "a word in quotes" in said(capsys, "5.3", 2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: check("99.9", 1),
        lambda: hint("99.9"),
        lambda: check(None, 1),
        lambda: hint("3.1", 0),
        lambda: hint("3.1", "1"),
        lambda: hint("3.1", True),
    ],
)
def test_an_unknown_exercise_or_hint_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="exercise must be the id|number must be 1 to"):
        call()


def test_ids_come_in_reading_order() -> None:
    assert list(ids()) == sorted(ids(), key=lambda one: tuple(map(int, one.split("."))))
