"""Answer keys of lesson 06, when athletes tire differently."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from helpers.datasets import load
from helpers.feedback import Exercise, Slip

LEVELS, CHANGES = 0.05, 0.04  # the SDs in exercise 6.2


@cache
def _slowing(first_day: int = 2, alike: bool = False) -> tuple[float, float, int]:
    """Mean change per day from the first day on, its standard error and df.

    People have changes of their own, or all change alike. The design is balanced and both fits are interior, so the
    models have the same means and standard errors as these least-squares fits.
    """
    table = load("sleepstudy")
    table = table[table["Days"] >= first_day]
    people = table.groupby("Subject")[["Days", "Reaction"]]
    own = [np.polyfit(person["Days"], person["Reaction"], 1)[0] for _, person in people]
    if not alike:
        return float(np.mean(own)), float(stats.sem(own)), len(own) - 1
    around = table[["Days", "Reaction"]] - people.transform("mean")
    common = stats.linregress(around["Days"], around["Reaction"])
    df = len(table) - len(own) - 1
    return float(common.slope), float(common.stderr) * math.sqrt((len(table) - 2) / df), df


def _end(side: int = -1, z: bool = False, **model: Any) -> float:
    """An end of the 95 % interval for the average change: the lower one, or with side=1 the upper one."""
    mean, se, df = _slowing(**model)
    limit = stats.norm.ppf(0.975) if z else stats.t.ppf(0.975, df)
    return mean + side * float(limit) * se


EXERCISES = {
    "6.1": Exercise(
        key=lambda: 0.04 / math.sqrt(9),
        places=4,
        right="{key}: the mean of nine changes cannot be known better, however many repeats there are.",
        hints=(
            "Infinitely many repeats: the parts with σ² go to zero. What is left under the root?",
            "The variance of the changes over nine; its root is 0.04 / 3.",
        ),
        slips=(
            Slip(
                lambda: 0.04, "That is how one athlete's change scatters. The average is over nine."
            ),
            Slip(lambda: 0.04**2 / 9, "That is the variance. Take its root."),
            Slip(lambda: 0.04 / 9, "The variance is divided by nine, so the SD by its root, 3."),
            Slip(
                lambda: 0.0,
                "Infinitely many repeats take away the luck of repeats, not that of which athletes came.",
            ),
        ),
    ),
    "6.2": Exercise(
        key=lambda: math.sqrt(LEVELS**2 + CHANGES**2 / 4),
        places=4,
        right="{key}. At another zero it is another SD, and the correlation is no longer zero there.",
        hints=(
            "The level half-way is u₀ + u₁/2, and half a value has a quarter of its variance. "
            "What is the variance of the sum, if the two are uncorrelated?",
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
                lambda: _end(alike=True),
                'That is the model with levels only. Add re_formula="~nights".',
            ),
            Slip(
                lambda: _end(z=True),
                "That is the printed interval, which uses the normal curve. There are 18 people: "
                "use coefficients, or a t with 17 df.",
            ),
            Slip(lambda: _end(side=1), "That is the upper end."),
            Slip(lambda: _slowing()[0], "That is the average itself. The lower end was asked for."),
            Slip(
                lambda: _end(first_day=0),
                "That is with all ten days. Use nights, from the baseline on.",
            ),
        ),
    ),
}
