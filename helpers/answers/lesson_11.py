"""Answer keys of lesson 11, comparing models."""

from __future__ import annotations

import numpy as np
from scipy import stats

from helpers.feedback import Exercise, Slip

WITHOUT, WITH = -887.74, -875.97
"""ML log-likelihoods of the sleep study as the exercise gives them."""
VARIANCE_RATIO = 2 * (211.75 - 210.30)


def _size(athletes: int) -> float:
    """True rate of LR = m log(1 + t²/(m − 1)) above the 95 % point of χ²₁, for the mean of m normal values."""
    t = np.sqrt((athletes - 1) * np.expm1(stats.chi2.ppf(0.95, 1) / athletes))
    return float(2 * stats.t.sf(t, athletes - 1))


def _fewest(rate: float) -> int:
    return next(athletes for athletes in range(3, 1000) if _size(athletes) <= rate)


EXERCISES = {
    "11.1": Exercise(
        key=lambda: 2 * (WITH - WITHOUT),
        places=2,
        right="{key}: twice the gain. By chance alone it would pass 3.84 in 5 of 100 large studies.",
        hints=(
            "By how much does the larger model's log-likelihood lie above the smaller one's?",
            "Twice that: 2 * (larger - smaller), and minus 875.97 is the larger number.",
        ),
        slips=(
            Slip(
                lambda: WITH - WITHOUT, "That is the gain; the likelihood ratio is twice the gain."
            ),
            Slip(
                lambda: 2 * (WITHOUT - WITH),
                "The sign is reversed: the larger model never fits worse, so the ratio is never negative.",
            ),
            Slip(lambda: WITHOUT - WITH, "Larger minus smaller, and then twice that."),
            Slip(
                lambda: stats.chi2.sf(2 * (WITH - WITHOUT), 1),
                "That is close to the p-value; the question is the ratio.",
            ),
        ),
    ),
    "11.2": Exercise(
        key=lambda: 0.5 * stats.chi2.sf(VARIANCE_RATIO, 1),
        places=3,
        right="{key}: half of what χ² with one df gives, since a variance cannot fall below zero.",
        hints=(
            "First the ratio: twice the gain in log-likelihood. Then: how many variances are added?",
            "One variance: half the time zero, half the time χ² with 1 df. Its p is half of the usual one.",
            "0.5 * stats.chi2.sf(2.9, 1)",
        ),
        slips=(
            Slip(
                lambda: stats.chi2.sf(VARIANCE_RATIO, 1),
                "That is the usual χ² with one df, as if the variance could be negative.",
            ),
            Slip(
                lambda: (
                    0.5 * stats.chi2.sf(VARIANCE_RATIO, 1) + 0.5 * stats.chi2.sf(VARIANCE_RATIO, 2)
                ),
                "That mixture is for a slope that brings a correlation along; here one variance is added.",
            ),
            Slip(
                lambda: 0.5 * stats.chi2.sf(VARIANCE_RATIO / 2, 1),
                "The ratio is twice the gain in log-likelihood.",
            ),
            Slip(
                lambda: stats.chi2.sf(VARIANCE_RATIO / 2, 1),
                "Twice the gain, and then the mixture.",
            ),
            Slip(lambda: VARIANCE_RATIO, "That is the ratio; the question is its p-value."),
        ),
    ),
    "11.3": Exercise(
        key=lambda: _fewest(0.06),
        places=0,
        right="{key} athletes, to come from 11.5 down to 6 in 100. The paired t-test raises 5 with four.",
        hints=(
            "false_alarms(athletes) falls as athletes are added: where does it pass 6?",
            "Try false_alarms(10) and false_alarms(20), and go on between them.",
            "The smallest number for which false_alarms(number) <= 6.",
        ),
        slips=(
            Slip(
                lambda: _fewest(0.06) - 1, "One too few: with so many it is still slightly above 6."
            ),
            Slip(
                lambda: 20,
                "With 20 it is below 6, but a smaller number is enough.",
            ),
            Slip(lambda: 4, "With four athletes it raises 11.5 false alarms in 100 studies."),
        ),
    ),
}
