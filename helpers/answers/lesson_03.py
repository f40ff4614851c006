"""Answer keys of lesson 03, simulating data."""

from __future__ import annotations

import numpy as np

from helpers.feedback import Exercise, Slip
from helpers.pushups import Truth


def _standard_error(low: int, high: int, athletes: int = 4, slope_sd: float = 0.0) -> float:
    """SE of the session effect, every athlete in both sessions: √((τ₁² + σ²/low + σ²/high) / athletes)."""
    sigma = Truth().residual_sd
    return float(np.sqrt((slope_sd**2 + sigma**2 / low + sigma**2 / high) / athletes))


EXERCISES = {
    "3.1": Exercise(
        key=lambda: Truth().intercept + Truth().effect,
        right="The intercept is the session of 20; the effect takes it to the session of 30, {key}.",
        hints=(
            "Which two of the five numbers move the mean of an average athlete?",
            "The three SDs move single athletes and single repeats, not the average: add the other two.",
        ),
        slips=(
            Slip(
                lambda: Truth().intercept - Truth().effect,
                "The effect already carries its minus sign: add it, do not take it away.",
            ),
            Slip(
                lambda: Truth().intercept,
                "That is the session of 20, the one with session_high = 0.",
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
        places=4,
        right="{key} is the old standard error over √2: twice the repeats, half the variance.",
        hints=(
            "How many scores has each session's mean now, over all four athletes?",
            "160 and 240. The variances of the two means add up, and the standard error is the root of the sum.",
        ),
        slips=(
            Slip(
                lambda: _standard_error(20, 30),
                "That is the standard error before the coach doubled the sessions.",
            ),
            Slip(
                lambda: _standard_error(20, 30) / 2,
                "Twice the data halves the variance, not the standard error: that shrinks by √2.",
            ),
            Slip(
                lambda: _standard_error(40, 60, athletes=1),
                "That is the standard error for one athlete. Four athletes share the work.",
            ),
            Slip(
                lambda: _standard_error(40, 60) ** 2,
                "That is the variance. The standard error is its root.",
            ),
        ),
    ),
    "3.3": Exercise(
        key=lambda: _standard_error(20, 30, slope_sd=0.03),
        places=3,
        right="{key}, more than twice the .007 of the world where everybody tires alike.",
        hints=(
            "simulate_many(Design(), Truth(slope_sd=0.03), n=10_000, seed=4), then the effects as in the lesson.",
            "Each athlete's own difference has variance 0.03² + 0.05²/20 + 0.05²/30; the effect is a mean of four.",
        ),
        slips=(
            Slip(
                lambda: _standard_error(20, 30),
                "That is the world without slopes. Did you pass the new Truth to simulate_many?",
            ),
            Slip(
                lambda: _standard_error(20, 30, athletes=1, slope_sd=0.03),
                "That is the SD of one athlete's difference. The effect is the mean of four of them.",
            ),
            Slip(
                lambda: 0.03 / 2,
                "That is the part that comes from the athletes alone, τ₁/√4. Repeats add a little.",
            ),
        ),
    ),
}
