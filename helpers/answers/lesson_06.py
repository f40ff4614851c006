"""Answer keys of lesson 06, when athletes tire differently."""

from __future__ import annotations

import math

from helpers.feedback import Exercise, Slip

LEVELS, CHANGES = 0.05, 0.04  # exercise 6.3


def _half_way(correlation: float = 0.0) -> float:
    """SD of the levels half-way between sessions coded 0 and 1."""
    return math.sqrt(LEVELS**2 + correlation * LEVELS * CHANGES + CHANGES**2 / 4)


def _athletes(
    change: float = 0.04, day: float = 0.03, residual: float = 0.05, days_each: int = 2
) -> float:
    """Athletes for a standard error of .01: the variance of one athlete's difference of means over .01²."""
    luck = residual**2 * (1 / 20 + 1 / 30)
    return (change**2 + (2 * day**2 + luck) / days_each) / 0.01**2


EXERCISES = {
    "6.1": Exercise(
        key=lambda: 0.03 / math.sqrt(9),
        places=2,
        right="{key}: the mean of nine own changes cannot be known better, however many repeats there are.",
        hints=(
            "Repeats without end: the parts with σ² go to zero. What is left under the root?",
            "τ₁²/9, and its root is .03 / 3.",
        ),
        slips=(
            Slip(
                lambda: 0.03, "That is how one athlete's change scatters. The average is over nine."
            ),
            Slip(
                lambda: 0.0,
                "Repeats without end take away the luck of repeats, not that of which athletes came.",
            ),
        ),
    ),
    "6.2": Exercise(
        key=lambda: "d",
        right="Levels and slopes by athlete, and days as groups within athletes.",
        hints=(
            "Who has own levels and own slopes? That column goes into groups.",
            "Tire differently: re_formula. Good and bad days: a component within athletes.",
        ),
        slips=(
            Slip(
                lambda: "a",
                "Days as fixed effects are differences between those very days, and they swallow the session: "
                "each day belongs to one kind of session.",
            ),
            Slip(
                lambda: "b",
                "Then days have own levels, and nobody knows that several days belong to one athlete.",
            ),
            Slip(lambda: "c", "Good: days within athletes. But here everyone tires alike."),
        ),
    ),
    "6.3": Exercise(
        key=_half_way,
        places=4,
        right="{key}. At another zero it is another SD, and the correlation is no longer zero there.",
        hints=(
            "The level half-way is u₀ + u₁/2. What is its variance when the two are uncorrelated?",
            "0.05**2 + 0.04**2 / 4, then the root.",
        ),
        slips=(
            Slip(
                lambda: LEVELS,
                "That is the SD at the short session. Lines that are not parallel lie otherwise apart half-way.",
            ),
            Slip(lambda: LEVELS + CHANGES / 2, "SDs do not add; variances do."),
            Slip(
                lambda: math.sqrt(LEVELS**2 + CHANGES**2),
                "That is the SD in the long session, a whole step from zero. Half-way is half a step.",
            ),
            Slip(
                lambda: math.sqrt(LEVELS**2 + CHANGES**2 / 2),
                "Half of u₁ has a quarter of its variance, not half.",
            ),
        ),
    ),
    "6.4": Exercise(
        key=lambda: math.ceil(_athletes()),
        places=0,
        right="{key} athletes. Own changes make most of it, and only more athletes help against those.",
        hints=(
            "One athlete's difference: own change, plus the means of two days on either side, plus repeats.",
            "0.04**2 + 2 * 0.03**2 / 2 + 0.05**2 * (1/40 + 1/60), divided by 0.01**2, rounded up.",
        ),
        slips=(
            Slip(
                lambda: math.floor(_athletes()),
                "With so many the standard error is still a hair above .01: round up.",
            ),
            Slip(
                lambda: math.ceil(_athletes(day=0)),
                "The days are missing: each side of the difference is a mean of two days.",
            ),
            Slip(lambda: math.ceil(_athletes(days_each=1)), "That is for one day of each kind."),
            Slip(
                lambda: math.ceil(_athletes(change=0)),
                "Own changes are missing: they do not average out over days.",
            ),
            Slip(
                lambda: math.ceil((0.04**2 + 0.03**2 / 2 + 0.05**2 * (1 / 40 + 1 / 60)) / 0.01**2),
                "The difference has days on both sides: twice the variance of a mean of two days.",
            ),
        ),
    ),
}
