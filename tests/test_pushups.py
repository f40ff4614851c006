"""The push-up words: the course's data, names and columns, and errors that name what a learner wrote."""

import pickle
from collections.abc import Callable

import pytest

import fewgroups
from fewgroups import fit_many, monte_carlo, power
from helpers import Design, Truth, design_grid, simulate_many


def test_the_words_change_nothing_in_the_numbers() -> None:
    counts = {"a": 3, "b": 4}
    neutral = fewgroups.Design(5, counts), fewgroups.Truth(0.85, -0.08, 0.05, 0.02, 0, 0.05)
    words = Design(5, counts), Truth(slope_sd=0.02, clip=False)
    assert (simulate_many(*words, n=3, seed=1) == simulate_many(*neutral, n=3, seed=1)).all()
    assert monte_carlo(*words, n=50, seed=1).equals(monte_carlo(*neutral, n=50, seed=1))
    y = simulate_many(*words, n=3, seed=1)
    assert (fit_many(y, words[0]).se == fit_many(y, neutral[0]).se).all()


def test_labels_columns_and_what_is_printed_have_the_learners_words() -> None:
    table = power(design_grid([4, 12], [15]), Truth(), ["paired t"], n=50, seed=1)
    assert table["design"].tolist() == [f"{n} athletes, 15 + 15 repeats" for n in (4, 12)]
    assert table["athletes"].tolist() == [4, 12]
    for made in (Design(3, between=True), Truth(athlete_sd=0.1)):
        assert pickle.loads(pickle.dumps(made)) == made == eval(repr(made))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Design(athletes=1), "athletes must be .* given 1"),
        (lambda: Design(repeats=20), "repeats must be a mapping of session .* given 20"),
        (lambda: Design(repeats={"a": 0, "b": 2}), "repeats must give every session"),
        (lambda: Design(repeats=[{"a": 1, "b": 2}]), "repeats .* one mapping per athlete, 4"),
        (lambda: Truth(athlete_sd=-0.1), "athlete_sd is a standard deviation.* given -0.1"),
        (lambda: design_grid(4, [15]), "athletes must be a list"),
        (
            lambda: monte_carlo(Design(between=True), Truth(), ["paired t"], seed=1),
            "two athletes or more with outcomes in both sessions",
        ),
    ],
)
def test_errors_name_the_argument_that_the_learner_wrote(
    call: Callable[[], object], words: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=words) as caught:
        call()
    assert "group" not in str(caught.value) and "condition" not in str(caught.value)
