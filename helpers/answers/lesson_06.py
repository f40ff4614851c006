"""Answer keys of lesson 06, when athletes tire differently."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy import stats

from helpers.datasets import load
from helpers.feedback import Exercise, Slip

LEVELS, CHANGES = 0.05, 0.04  # the SDs in exercise 6.2


@cache
def _nights() -> tuple[float, float, int]:
    """Mean and standard error of people's own slopes over the nights after the baseline, and how many people.

    The design is balanced and the fit interior, so the slope model has the same mean and the same standard error.
    """
    table = load("sleepstudy")
    people = table[table["Days"] >= 2].groupby("Subject")
    own = [np.polyfit(person["Days"], person["Reaction"], 1)[0] for _, person in people]
    return float(np.mean(own)), float(stats.sem(own)), len(own)


def _end(side: int = -1, z: bool = False) -> float:
    """An end of the 95 % interval for the average slope: the lower one, or with side=1 the upper one."""
    mean, se, people = _nights()
    limit = stats.norm.ppf(0.975) if z else stats.t.ppf(0.975, people - 1)
    return mean + side * float(limit) * se


EXERCISES = {
    "6.1": Exercise(
        key=lambda: 0.03 / math.sqrt(9),
        places=2,
        right="{key}: the mean of nine changes cannot be known better, however many repeats there are.",
        hints=(
            "Repeats without end: the parts with σ² go to zero. What is left under the root?",
            "The variance of the changes over nine; its root is 0.03 / 3.",
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
        key=lambda: math.sqrt(LEVELS**2 + CHANGES**2 / 4),
        places=4,
        right="{key}. At another zero it is another SD, and the correlation is no longer zero there.",
        hints=(
            "The level half-way is u₀ + u₁/2. What is its variance if the two are uncorrelated?",
            "The root of 0.05**2 + 0.04**2 / 4.",
        ),
        slips=(
            Slip(
                lambda: LEVELS,
                "That is the SD in the short session. Half-way, the lines lie further apart.",
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
            Slip(lambda: LEVELS**2 + CHANGES**2 / 4, "That is the variance. Take its root."),
        ),
    ),
    "6.3": Exercise(
        key=_end,
        places=1,
        right="{key} ms: further down than 9.3, because people do slow down differently.",
        hints=(
            "Which argument lets each person have their own change? What may differ goes there.",
            'coefficients(fit("Reaction ~ nights", sleep, "Subject", re_formula="~nights")), column low.',
        ),
        slips=(
            Slip(
                lambda: 9.26,  # of the levels-only fit, printed in lesson 05
                'That is the model with levels only. Add re_formula="~nights".',
            ),
            Slip(
                lambda: _end(z=True),
                "That is the printed interval, which uses the normal curve. There are 18 people: "
                "use coefficients, or a t with 17 df.",
            ),
            Slip(lambda: _end(side=1), "That is the upper end."),
            Slip(lambda: _nights()[0], "That is the average itself. The lower end was asked for."),
            Slip(
                lambda: 7.21,  # of all ten days
                "That is with all ten days. Use nights, from the baseline on.",
            ),
        ),
    ),
}
