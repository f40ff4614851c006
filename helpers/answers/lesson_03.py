"""Answer keys of lesson 03, simulating data."""

from __future__ import annotations

import numpy as np

from helpers.feedback import Exercise, Slip
from helpers.pushups import Truth


def _standard_error(low: int, high: int, athletes: int = 4, slope_sd: float = 0.0) -> float:
    """SE of the effect, every athlete in both sessions: √((slope_sd² + σ²/low + σ²/high) / athletes)."""
    sigma = Truth().residual_sd
    return float(np.sqrt((slope_sd**2 + sigma**2 / low + sigma**2 / high) / athletes))


EXERCISES = {
    "3.1": Exercise(
        key=lambda: Truth().intercept + Truth().effect,
        right="The intercept is the short session; adding the effect gives the long one, {key}.",
        hints=(
            "Which two of the five numbers say where the average athlete scores?",
            "Add truth.intercept and truth.effect: the SDs move single athletes and repeats, not the average.",
        ),
        slips=(
            Slip(
                lambda: Truth().intercept - Truth().effect,
                "The effect already carries its minus sign: add it, do not subtract it.",
            ),
            Slip(
                lambda: Truth().intercept,
                "That is the short session, the one with session_high = 0.",
            ),
            Slip(
                lambda: Truth().effect,
                "That is the change between the sessions, not where it leads to.",
            ),
            Slip(
                lambda: 0.773,
                "That is what our one study found. The question is about the world it came from.",
            ),
        ),
    ),
    "3.2": Exercise(
        key=lambda: _standard_error(40, 60),
        right="{key}, the old standard error divided by √2: twice the repeats, half the variance.",
        hints=(
            "How many scores has each session's mean now, over all four athletes?",
            "160 and 240 instead of 80 and 120: put them into the formula of the lesson, 0.05 * np.sqrt(1/… + 1/…).",
        ),
        slips=(
            Slip(
                lambda: _standard_error(20, 30),
                "That is the standard error before the coach doubled the sessions.",
            ),
            Slip(
                lambda: _standard_error(20, 30) / 2,
                "Twice the data halve the variance. The standard error is its root: divide by √2.",
            ),
            Slip(
                lambda: _standard_error(40, 60, athletes=1),
                "That is the standard error for one athlete. Four athletes count four times as many scores.",
            ),
            Slip(
                lambda: _standard_error(40, 60) ** 2,
                "That is the variance. The standard error is its root.",
            ),
        ),
    ),
    "3.3": Exercise(
        key=lambda: _standard_error(20, 30, slope_sd=0.03),
        luck=0.0002,  # an SD from 10 000 studies, rounded to three decimals
        right="About {key} (each seed has its own last digit), more than twice the 0.007 where all tire alike.",
        hints=(
            "simulate_many(Design(), Truth(slope_sd=0.03, clip=False), 10_000, seed=4), then fit_many as in the lesson",
            "One athlete's change has the variance 0.03² + 0.05²/20 + 0.05²/30; the effect is the mean of four.",
        ),
        slips=(
            Slip(
                lambda: _standard_error(20, 30),
                "That is the world where all tire alike. Did you pass the new Truth to simulate_many?",
            ),
            Slip(
                lambda: _standard_error(20, 30, slope_sd=0.02),
                "That is the world of the lesson, with a slope_sd of 0.02. Here it is 0.03.",
            ),
            Slip(
                lambda: _standard_error(20, 30, athletes=1, slope_sd=0.03),
                "That is the SD of one athlete's change. The effect is the mean of four of them.",
            ),
            Slip(
                lambda: 0.03, "That is the SD that you put in: of the changes of single athletes."
            ),
            Slip(
                lambda: 0.03 / 2,
                "That is the part that comes from which athletes came, 0.03/√4. The luck of repeats adds a little.",
            ),
        ),
    ),
}
