"""Answer keys of lesson 07, few athletes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import count

import numpy as np
from scipy import stats

from helpers.datasets import load
from helpers.feedback import Exercise, Slip


def _beyond(df: float) -> float:
    """In how many of 100 studies a t with df degrees of freedom passes ± 1.96."""
    return 200 * float(stats.t.sf(1.96, df))


@cache
def _slopes(first_day: int = 2) -> np.ndarray:
    """Each person's own slope in sleepstudy, from one day on, (18,)."""
    sleep = load("sleepstudy")
    kept = sleep[sleep["Days"] >= first_day]
    lines = [np.polyfit(rows["Days"], rows["Reaction"], 1) for _, rows in kept.groupby("Subject")]
    return np.array(lines)[:, 0]


def _t(slopes: np.ndarray) -> float:
    return float(slopes.mean() / (slopes.std(ddof=1) / math.sqrt(len(slopes))))


def _athletes(limit: Callable[[int], float], slope_sd: float = 0.03) -> int:
    """Fewest athletes for a half width of 0.03; limit: quantile for so many."""
    variance = slope_sd**2 + 0.05**2 / 20 + 0.05**2 / 30
    return next(m for m in count(2) if limit(m) * math.sqrt(variance / m) <= 0.03)


EXERCISES = {
    "7.1": Exercise(
        key=lambda: _beyond(4),
        places=1,
        right="{key} of 100, where 5 are promised. This z needs a t with 4 df.",
        hints=(
            "In a balanced fit that is not singular this z is a paired t-test. With how many df?",
            "Five changes have 4 df. How often is that t beyond ± 1.96? 100 * 2 * stats.t.sf(1.96, 4).",
        ),
        slips=(
            Slip(lambda: _beyond(4) / 100, "That is the share. How many of 100 studies is it?"),
            Slip(lambda: _beyond(5), "Five athletes have 4 df: one goes into their mean."),
            Slip(lambda: _beyond(4) / 2, "That is one tail. |z| can be large on both sides."),
            Slip(lambda: _beyond(3), "That is the rate for four athletes."),
            Slip(lambda: 5, "That is what the test promises, and keeps with very many athletes."),
        ),
    ),
    "7.2": Exercise(
        key=lambda: _t(_slopes()),
        places=2,
        right="{key}, with 17 df: exactly what Kenward–Roger finds in the slope model.",
        hints=(
            "np.polyfit(nights, Reaction, 1)[0] is the slope of one person. You need 18 of them.",
            "Mean of the 18 slopes, divided by their SD (with n − 1) over the root of 18.",
        ),
        slips=(
            Slip(lambda: _t(_slopes(0)), "That is with all ten days. Leave out days 0 and 1."),
            Slip(
                lambda: _t(_slopes()) * math.sqrt(18 / 17),
                "np.std divides by n. An SD of a sample divides by n − 1: ddof=1.",
            ),
            Slip(
                lambda: _t(_slopes()) / math.sqrt(18),
                "That is the mean over the SD. The standard error is the SD over the root of 18.",
            ),
            Slip(lambda: -_t(_slopes()), "Reactions take longer with each night: t is positive."),
            Slip(
                lambda: float(_slopes().mean()),
                "That is the average slope, in ms per night. Divide it by its standard error.",
            ),
        ),
    ),
    "7.3": Exercise(
        key=lambda: _athletes(lambda m: float(stats.t.ppf(0.975, m - 1))),
        right="{key} athletes: three more than 1.96 would have told you.",
        hints=(
            "SE: the root of (0.03**2 + 0.05**2 / 20 + 0.05**2 / 30) / m. Which limit belongs to m athletes?",
            "stats.t.ppf(0.975, m - 1) times the SE, for m = 4, 5, 6 … until it is 0.03 or less.",
        ),
        slips=(
            Slip(
                lambda: _athletes(lambda m: float(stats.t.ppf(0.975, m - 1))) - 1,
                "One more: with seven the interval is ± 0.0308, still above 0.03.",
            ),
            Slip(lambda: _athletes(lambda m: 1.96), "That is with 1.96. Take t with m − 1 df."),
            Slip(
                lambda: _athletes(lambda m: float(stats.t.ppf(0.95, m - 1))),
                "A 95 % interval leaves 2.5 % on either side: 0.975.",
            ),
            Slip(
                lambda: _athletes(lambda m: float(stats.t.ppf(0.975, m - 1)), slope_sd=0.0),
                "The standard error lacks how differently athletes tire.",
            ),
        ),
    ),
}
