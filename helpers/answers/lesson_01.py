"""Answer keys of lesson 01, why t-tests fail."""

from __future__ import annotations

import math

from helpers.feedback import Exercise, Slip


def _design_effect(scores: int, icc: float) -> float:
    """Kish (1965): variance of a mean of clusters over that of independent scores."""
    return 1 + (scores - 1) * icc


def _variance(slope_sd: float) -> float:
    """Of one athlete's difference of means, 20 and 30 repeats with an SD of 0.05."""
    return slope_sd**2 + 0.05**2 * (1 / 20 + 1 / 30)


EXERCISES = {
    "1.1": Exercise(
        key=lambda: 800 / _design_effect(40, 0.25),
        places=1,
        right="{key}: the group means are as uncertain as those of so many independent laps.",
        hints=(
            "The design effect is 1 + (n − 1) times the intraclass correlation. What is n?",
            "n is the laps of one runner, 40. Divide all laps by the design effect.",
        ),
        slips=(
            Slip(
                lambda: _design_effect(40, 0.25),
                "That is the design effect. Divide the number of laps by it.",
            ),
            Slip(
                lambda: 800 / (1 + 40 * 0.25),
                "The formula has n − 1: a lap is not compared with itself.",
            ),
            Slip(
                lambda: 800 / _design_effect(20, 0.25),
                "n is the number of laps of one runner, not the number of runners.",
            ),
            Slip(
                lambda: 800 / 40,
                "That is the number of runners: right only if all laps of a runner were identical.",
            ),
            Slip(lambda: 800, "That counts laps as if they were people."),
        ),
    ),
    "1.2": Exercise(
        key=lambda: math.sqrt(0.05**2 / (0.05**2 + 0.10**2)),
        places=2,
        right="{key}: the test expects more than twice the luck that there is, and misses real drops.",
        hints=(
            "The same people do both sessions, so the levels cancel. Which variance is truly left?",
            "Repeats' variance over the sum of both variances; then the square root, for SEs.",
        ),
        slips=(
            Slip(
                lambda: 0.05**2 / (0.05**2 + 0.10**2),
                "That compares variances. SEs are their square roots.",
            ),
            Slip(lambda: 0.05 / (0.05 + 0.10), "Variances add, SDs do not: square them first."),
            Slip(
                lambda: math.sqrt((0.05**2 + 0.10**2) / 0.05**2),
                "That is the SE of the test over the true one: turn it round.",
            ),
        ),
    ),
    "1.3": Exercise(
        key=lambda: math.ceil(_variance(0.02) / 0.005**2),
        places=0,
        right="{key} athletes. Most of the variance is in how differently they tire.",
        hints=(
            "The variance of a mean of m athletes is the variance of one, divided by m.",
            "m is at least (variance of one difference) / 0.005²; round up to a whole athlete.",
        ),
        slips=(
            Slip(
                lambda: math.ceil(math.sqrt(_variance(0.02)) / 0.005),
                "Square the SE: it is variances that are divided by the number of athletes.",
            ),
            Slip(
                lambda: math.ceil(_variance(0) / 0.005**2),
                "That leaves out how differently athletes tire.",
            ),
            Slip(
                lambda: math.floor(_variance(0.02) / 0.005**2),
                "With that many the SE is still slightly above 0.005: round up.",
            ),
            Slip(
                lambda: _variance(0.02) / 0.005**2,
                "Right so far: now round up, because athletes are whole.",
            ),
            Slip(
                lambda: math.ceil(_variance(0.02) / 0.005**2) + 1,
                "One fewer is already enough.",
            ),
        ),
    ),
}
