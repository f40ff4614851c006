"""Answer keys of lesson 12, planning a study."""

from __future__ import annotations

import math
from functools import cache

from scipy import stats

from helpers.feedback import Exercise, Slip


def _own_sd(repeats: int, slope_sd: float) -> float:
    """SD of one athlete's difference of means, with a residual SD of 0.05."""
    return math.sqrt(slope_sd**2 + 2 * 0.05**2 / repeats)


def _power(athletes: int, own_sd: float, effect: float) -> float:
    """Power of the paired t-test at 5 %, by the noncentral t distribution."""
    df, shift = athletes - 1, abs(effect) * math.sqrt(athletes) / own_sd
    bar = stats.t.ppf(0.975, df)
    return float(stats.nct.sf(bar, df, shift) + stats.nct.cdf(-bar, df, shift))


@cache
def _needed(own_sd: float, effect: float) -> int:
    """The smallest number of athletes with a power of 0.8."""
    return next(m for m in range(2, 1000) if _power(m, own_sd, effect) >= 0.8)


def _by_normal_curve(own_sd: float, effect: float) -> int:
    """What the formula of the normal curve asks for."""
    return math.ceil(((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * own_sd / effect) ** 2)


EXERCISES = {
    "12.1": Exercise(
        key=lambda: _own_sd(20, 0.05) / math.sqrt(8),
        places=4,
        right="{key}. Nearly all of it is how differently the athletes tire: repeats would not help.",
        hints=(
            "One athlete's difference has the variance of the own changes, and the luck of two session means.",
            "The root of (0.05**2 + 0.05**2/20 + 0.05**2/20) / 8.",
        ),
        slips=(
            Slip(
                lambda: _own_sd(20, 0) / math.sqrt(8),
                "That is the luck of repeats alone: the athletes' own changes are missing.",
            ),
            Slip(
                lambda: _own_sd(20, 0.05),
                "That is the SD of one athlete's difference. The mean of eight varies less.",
            ),
            Slip(
                lambda: _own_sd(20, 0.05) / 8, "The variance is divided by 8; the SD by its root."
            ),
            Slip(
                lambda: _own_sd(40, 0.05) / math.sqrt(8),
                "Each of the two session means has luck of its own: add σ²/20 twice.",
            ),
            Slip(
                lambda: 0.05 / math.sqrt(8),
                "That is the floor: what is left with ever more repeats.",
            ),
        ),
    ),
    "12.2": Exercise(
        key=lambda: _needed(_own_sd(15, 0.03), -0.03),
        places=0,
        right="{key} athletes, where a drop of 0.04 took nine: smaller effects need more athletes.",
        hints=(
            "athletes_needed, in the section on pilot studies, looks for the number.",
            "athletes_needed(slope_sd, effect, repeats): here with 0.03, -0.03 and 15.",
        ),
        slips=(
            Slip(
                lambda: _by_normal_curve(_own_sd(15, 0.03), -0.03),
                "That is the formula of the normal curve. The standard error is estimated: t needs more athletes.",
            ),
            Slip(
                lambda: _needed(_own_sd(15, 0.03), -0.04),
                "That is for a drop of 0.04. Smaller effects need more.",
            ),
            Slip(
                lambda: _needed(_own_sd(15, 0), -0.03), "That is for athletes who all tire alike."
            ),
            Slip(
                lambda: _needed(_own_sd(30, 0.03), -0.03),
                "With so many the power is still below 0.8. And σ²/15 counts twice, once for each session mean.",
            ),
            Slip(lambda: _needed(_own_sd(15, 0.03), -0.03) + 1, "One fewer is enough."),
        ),
    ),
    "12.3": Exercise(
        key=lambda: math.ceil(_needed(_own_sd(12, 0.04), -0.03) / 0.8),
        places=0,
        right="{key} invited, so that a power of 0.8 is left when one in five is lost. Now write the plan.",
        hints=(
            "First the athletes who must do both sessions, with a slope SD of 0.04.",
            "athletes_needed(0.04, -0.03, 12) must be four fifths of the invited.",
        ),
        slips=(
            Slip(
                lambda: _needed(_own_sd(12, 0.04), -0.03),
                "So many must do both sessions. One in five of the invited will not.",
            ),
            Slip(
                lambda: math.ceil(1.2 * _needed(_own_sd(12, 0.04), -0.03)),
                "A fifth of the *invited* is lost: divide by 0.8, which is more than adding a fifth.",
            ),
            Slip(
                lambda: math.ceil(_needed(_own_sd(12, 0.02), -0.03) / 0.8),
                "That is for the smallest SD of the range. Plan for the largest.",
            ),
            Slip(
                lambda: math.ceil(_needed(_own_sd(12, 0.03), -0.03) / 0.8),
                "That is the middle of the range. Plan for the largest SD.",
            ),
        ),
    ),
}
