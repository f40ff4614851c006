"""What a method says about the effect in many data sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

Array = np.ndarray

MOST_FLIPPED = 14
"""Athletes whose signs are flipped at most: every one more doubles the work."""

FLIPS_AT_A_TIME = 2**18
"""Sums formed at a time, so that they stay in the processor's cache."""


@dataclass(frozen=True)
class Answer:
    """Estimates of the effect and their t tests, one for each of n data sets.

    estimate, se: (n,); df: a number or (n,), ∞ for a z test; usable: (n,) False where the method has no
    answer, such as scores without any spread; singular: (n,) of the fit behind it, if there is one.
    """

    estimate: Array
    se: Array
    df: float | Array
    usable: Array
    singular: Array | None = None

    def p_values(self, effect: float = 0.0) -> Array:
        """(n,) two-sided p-values of the hypothesis that the effect is `effect`; NaN where not usable."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(self.estimate - effect) / self.se
        return np.where(self.usable, 2 * special.stdtr(self.df, -t), np.nan)

    def tests(self, effects: list[float], alpha: float) -> tuple[list[Array], Array]:
        """For each hypothetical effect (n,): whether it is rejected at level alpha; and half the width of the
        1 − alpha interval (n,), which holds the effects that are not."""
        half = -special.stdtrit(self.df, alpha / 2) * self.se
        return [np.abs(self.estimate - effect) > half for effect in effects], half


@dataclass(frozen=True)
class FlipAnswer:
    """The exact sign-flip test of the differences (m, n): were they symmetric about the effect, each of the
    2^m patterns of signs would be as likely as the one seen (Fisher 1935, The Design of Experiments, section
    21)."""

    differences: Array
    usable: Array
    singular: Array | None = None

    @property
    def estimate(self) -> Array:
        """(n,) estimates of the session effect."""
        return self.differences.mean(axis=0)

    def p_values(self, effect: float = 0.0) -> Array:
        """(n,) share of the sign patterns whose sum is as far from 0 as the one seen; NaN where not
        usable."""
        shifted = self.differences - effect
        p = np.empty(shifted.shape[1])
        step = max(1, FLIPS_AT_A_TIME // 2 ** len(shifted))
        for start in range(0, len(p), step):
            p[start : start + step] = _share_as_far(shifted[:, start : start + step])
        return np.where(self.usable, p, np.nan)

    def tests(self, effects: list[float], alpha: float) -> tuple[list[Array], Array]:
        """As `Answer.tests`. With few athletes nothing is ever rejected: the smallest p is 2 / 2^m. The
        interval's width is NaN: it is not symmetric, and with few athletes endless."""
        # alpha itself is a possible p-value; rounding must not decide.
        return [self.p_values(effect) <= alpha * (1 + 1e-9) for effect in effects], self.se

    @property
    def se(self) -> Array:
        """NaN: the test needs none."""
        return np.full(self.differences.shape[1], np.nan)


def _share_as_far(differences: Array) -> Array:
    """Share of the sign patterns of `differences` (m, n) whose sum is as far from 0 as that of all pluses,
    (n,)."""
    # With the sign of the first difference held, each pattern stands for itself and its mirror image.
    sums = differences[:1]
    for row in differences[1:]:
        sums = np.concatenate([sums + row, sums - row])
    size = np.abs(sums)
    # Sums that only rounding tells apart are ties.
    return np.mean(size >= size[0] - 1e-9 * np.abs(differences).sum(axis=0), axis=0)
