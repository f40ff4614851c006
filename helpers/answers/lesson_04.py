"""Answer keys of lesson 04, fitting the model."""

from __future__ import annotations

from functools import cache

from fewgroups.fitting import fit

from helpers.datasets import load
from helpers.feedback import Exercise, Slip


def _machine(letter: str) -> float:
    """Mean score on one machine: the design is balanced, so a fit's coefficients are differences of means."""
    scores = load("machines").groupby("Machine")["score"].mean()
    return float(scores[letter])


@cache
def _slope_se(re_formula: str = "~Days") -> float:
    """SE of the slope per day in the sleep study, at the top."""
    result = fit("Reaction ~ Days", load("sleepstudy"), groups="Subject", re_formula=re_formula)
    return float(result.bse_fe["Days"])


EXERCISES = {
    "4.1": Exercise(
        key=lambda: _machine("C") - _machine("A"),
        places=1,
        right="{key} points, with the workers' own levels in the model.",
        hints=(
            "The average depends on Machine; whose levels vary? That column belongs into groups.",
            'smf.mixedlm("score ~ Machine", machines, groups=machines["Worker"]).fit(); look at Machine[T.C].',
        ),
        slips=(
            Slip(
                lambda: _machine("C") - _machine("B"),
                "That compares C with B. The row Machine[T.C] compares it with A.",
            ),
            Slip(
                lambda: _machine("B") - _machine("A"),
                "That is machine B against A. Take the row Machine[T.C].",
            ),
            Slip(lambda: _machine("A"), "That is the intercept: the mean score on machine A."),
            Slip(
                lambda: _machine("C"),
                "That is the mean score on C. How much more is it than on A?",
            ),
            Slip(
                lambda: _machine("A") - _machine("C"),
                "Turn it round: by how much is C better than A?",
            ),
        ),
    ),
    "4.2": Exercise(
        key=lambda: "b",
        right="The height decides, not the claim: 312.9 is the highest finite one. It may still not be the top.",
        hints=(
            "The log-likelihood is the height of the place where each one stopped.",
            "An infinite height cannot be: something broke there.",
        ),
        slips=(
            Slip(
                lambda: "a",
                "It says converged, and yet (b) is higher: (a) cannot be at the top.",
            ),
            Slip(
                lambda: "c",
                "Real scores have no infinite log-likelihood in a sound fit: this one is broken.",
            ),
        ),
    ),
    "4.3": Exercise(
        key=_slope_se,
        places=2,
        right="{key} ms per day, as with the days from 0 to 9.",
        hints=(
            "Take the mean of hours away, and divide by a round number near the SD of hours, which is 69.",
            "(hours - hours.mean()) / 72 makes a step of three days: a third of its standard error is per day.",
        ),
        slips=(
            Slip(
                lambda: _slope_se() / 24,
                "That is the standard error per hour. A day has 24 of them.",
            ),
            Slip(
                lambda: _slope_se() * 24,
                "That is 24 times too much: is your predictor in days already?",
            ),
            Slip(
                lambda: _slope_se() * 3,
                "That is per step of three days. How much is it per day?",
            ),
            Slip(
                lambda: _slope_se() * float(load("sleepstudy")["Days"].std()),
                "That is per SD of the days. How much is it per day?",
            ),
            Slip(
                lambda: _slope_se("~1"),
                "The fit stopped too early (compare its height), or people differ in level only (see re_formula).",
            ),
        ),
    ),
}
