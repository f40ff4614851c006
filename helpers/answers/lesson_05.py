"""Answer keys of lesson 05, reading the output."""

from __future__ import annotations

import math
from functools import cache

from helpers.datasets import load
from helpers.feedback import Exercise, Slip

GROUP_VAR, SCALE = 20.25, 6.25  # of the jumpers in 5.1, in squared centimetres


@cache
def _pushups() -> tuple[float, float]:
    """The variances of the push-up scores between athletes and between repeats, as REML finds them.

    The design is balanced, so both follow from means.
    """
    table = load("pushups")
    scores, athlete = table["correctness"], table["athlete_id"]
    by_athlete = scores.groupby(athlete)
    session_means = scores.groupby(table["session_high"]).transform("mean")
    luck = scores - by_athlete.transform("mean") - session_means + scores.mean()
    within = float((luck**2).sum()) / (len(table) - len(by_athlete) - 1)
    return float(by_athlete.mean().var()) - within / 50, within


def _intercept_se(athletes: int, repeats: int) -> float:
    """Standard error of the intercept; repeats are those of one athlete in the short session."""
    between, within = _pushups()
    return math.sqrt(between / athletes + within / (athletes * repeats))


EXERCISES = {
    "5.1": Exercise(
        key=lambda: math.sqrt(GROUP_VAR),
        places=1,
        right="{key} cm: the root of Group Var, in the unit of the jumps. The 2.190 beside it is of no use.",
        hints=(
            "Which of the figures is about how jumpers differ, and in which unit is it?",
            "Group Var is a variance, in squared centimetres: np.sqrt(20.25).",
        ),
        slips=(
            Slip(lambda: GROUP_VAR, "That is the variance, in squared centimetres. Take the root."),
            Slip(
                lambda: math.sqrt(SCALE),
                "That is how much the jumps of one jumper scatter. Which line is about jumpers?",
            ),
            Slip(lambda: SCALE, "That is Scale: a variance, and about single jumps."),
            Slip(
                lambda: math.sqrt(GROUP_VAR + SCALE),
                "That is the SD of single jumps of different people: both variances together.",
            ),
            Slip(lambda: GROUP_VAR / 2, "Half of a variance is not its root."),
            Slip(lambda: 2.19, "That is the misprinted standard error. Leave it alone."),
        ),
    ),
    "5.2": Exercise(
        key=lambda: _intercept_se(4, 200),
        places=4,
        right="{key}, hardly below the printed 0.013: the luck of which four athletes came is still there.",
        hints=(
            "Which of the two parts of the intercept's standard error holds the number of repeats?",
            "There are 800 repeats in the short session: the root of group_var / 4 + luck_sd**2 / 800.",
        ),
        slips=(
            Slip(
                lambda: _intercept_se(4, 20),
                "That is the standard error with 80 repeats. Ten times as many are 800.",
            ),
            Slip(
                lambda: _intercept_se(4, 20) / math.sqrt(10),
                "So it would be with ten times the athletes. Here only the repeats' part shrinks.",
            ),
            Slip(
                lambda: math.sqrt(_pushups()[0] / 4),
                "That is the athletes' part alone. The repeats' part is small, but not zero.",
            ),
            Slip(
                lambda: round(_intercept_se(4, 200), 3),
                "Rounded too far to see the difference: give four decimals.",
            ),
            Slip(
                lambda: math.sqrt(_pushups()[1] / 800),
                "That is the repeats' part alone. The luck of which athletes came is missing.",
            ),
            Slip(
                lambda: _intercept_se(4, 200) ** 2,
                "That is the variance of the estimate. Take its root.",
            ),
        ),
    ),
    "5.3": Exercise(
        key=lambda: "b",
        right="The roots of Group Var and Scale, each with its unit and what it is about.",
        hints=(
            "Which figures are variances, what is an interval about, and what is a log-likelihood for?",
            "Three sentences use a variance as it stands, an interval for the average, or a height alone.",
        ),
        slips=(
            Slip(
                lambda: "a",
                "The interval is about the average person. That all slow down alike was assumed, not found.",
            ),
            Slip(
                lambda: "c",
                "That is a variance, in squared milliseconds, and the standard error beside it is misprinted.",
            ),
            Slip(
                lambda: "d",
                "The size of a log-likelihood depends on the unit. Only differences say something.",
            ),
        ),
    ),
}
