"""Answer keys of lesson 07, few athletes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
from scipy import stats

from helpers.feedback import Exercise, Slip


def _liberal(df: float) -> float:
    """How often a t with df degrees of freedom passes the normal curve's bar at .05."""
    return float(2 * stats.t.sf(stats.norm.ppf(0.975), df))


def _flippers(patterns: float, level: float = 0.001) -> int:
    """Fewest athletes whose sign flips reach a p below `level`, `patterns` of 2^m being as extreme."""
    return next(athletes for athletes in count(1) if patterns / 2**athletes < level)


def _athletes(bar: Callable[[int], float], own: float = 0.03) -> int:
    """Fewest athletes for a half width of .03; bar: quantile for so many."""
    variance = own**2 + 0.05**2 / 20 + 0.05**2 / 30
    return next(m for m in count(2) if bar(m) * np.sqrt(variance / m) <= 0.03)


EXERCISES = {
    "7.1": Exercise(
        key=lambda: _liberal(4),
        places=3,
        right="{key}: more than twice the promise. The paper's z needs a t with 4 degrees of freedom.",
        hints=(
            "At its limit this statistic is a paired t-test. With how many degrees of freedom?",
            "Five differences have 4. How often does that t pass ± 1.96? 2 * stats.t.sf(1.96, 4).",
        ),
        slips=(
            Slip(
                lambda: _liberal(5),
                "Five athletes have 4 degrees of freedom: one goes to their mean.",
            ),
            Slip(lambda: _liberal(4) / 2, "That is one tail. A two-sided test has two."),
            Slip(lambda: _liberal(3), "That is the rate for four athletes."),
            Slip(
                lambda: 0.05,
                "That is what the test promises, and what it does with very many athletes.",
            ),
        ),
    ),
    "7.2": Exercise(
        key=lambda: _flippers(2),
        right="{key} athletes: two patterns of 2048 are as extreme as can be.",
        hints=(
            "How many patterns of signs do m athletes have, and how many of them are as extreme as can be?",
            "The smallest p is 2 / 2**m. Try m until it falls below .001.",
        ),
        slips=(
            Slip(
                lambda: _flippers(1),
                "Two patterns are as extreme: all minus and all plus. p is 2 / 2**m.",
            ),
            Slip(lambda: _flippers(2, 0.01), "That is enough for .01."),
            Slip(lambda: _flippers(2, 0.05), "That is enough for .05."),
        ),
    ),
    "7.3": Exercise(
        key=lambda: 2 * 0.0003**2 / 0.0002**2,
        places=1,
        right="{key}: it jumps by two thirds of itself, and a t with so many degrees of freedom allows for that.",
        hints=(
            "Degrees of freedom are 2 × mean² / variance, of the squared standard error.",
            "The variance is the square of the SD: 2 * .0003**2 / .0002**2.",
        ),
        slips=(
            Slip(
                lambda: 0.0003**2 / 0.0002**2,
                "The 2 is missing: a mean square with d df varies by 2/d.",
            ),
            Slip(lambda: 2 * 0.0003 / 0.0002, "Both have to be squared: mean² over variance."),
            Slip(lambda: 2 * 0.0003**2 / 0.0002, "The SD has to be squared to be a variance."),
        ),
    ),
    "7.4": Exercise(
        key=lambda: _athletes(lambda m: float(stats.t.ppf(0.975, m - 1))),
        right="{key} athletes. The right curve costs three more than 1.96 would have told you.",
        hints=(
            "An interval is estimate ± bar × SE. Which bar belongs to m athletes?",
            "stats.t.ppf(0.975, m - 1) times the standard error, for m = 4, 5, 6 … until it is .03 or less.",
        ),
        slips=(
            Slip(
                lambda: _athletes(lambda m: 1.96),
                "That is with 1.96. The bar is that of a t with m − 1 df.",
            ),
            Slip(
                lambda: _athletes(lambda m: float(stats.t.ppf(0.95, m - 1))),
                "A 95 % interval leaves 2.5 % on either side: 0.975.",
            ),
            Slip(
                lambda: _athletes(lambda m: float(stats.t.ppf(0.975, m - 1)), own=0.0),
                "The athletes' own changes are missing from the standard error.",
            ),
        ),
    ),
}
