"""What a comparison must say besides its p: what was refitted, and where its null distribution misleads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from fewgroups.nesting import Added
from fewgroups.noted_table import show_p
from fewgroups.refits import FEW


def mixture_p(statistic: float, mixture: Sequence[tuple[float, int]]) -> float:
    """P(T ≥ statistic); χ² with no df is zero always."""
    tails = [
        float(stats.chi2.sf(statistic, df)) if df else float(statistic <= 0) for _, df in mixture
    ]
    return float(sum(weight * tail for (weight, _), tail in zip(mixture, tails, strict=True)))


def _size(groups: int) -> float:
    """True size of a 5 % likelihood-ratio test (ML, χ²₁) that the mean of normal group values is zero: exact.

    The ratio is J log(1 + t²/(J − 1)), t with J − 1 df.
    """
    t = np.sqrt((groups - 1) * np.expm1(stats.chi2.ppf(0.95, 1) / groups))
    return float(2 * stats.t.sf(t, groups - 1))


def refit_notes(extra: Added, large_reml: bool, small_reml: bool | None, reml: bool) -> list[str]:
    """Which models were refitted by ML, and why; small_reml None: least squares."""
    if reml or not (large_reml or small_reml):
        return []
    if extra.fixed:
        return [
            "The fixed effects differ, and REML log-likelihoods are comparable only where they do not: the models "
            "fitted by REML were refitted by ML for this comparison."
        ]
    return ["One of the models was fitted by ML, the other by REML: the latter was refitted by ML."]


def failed_note(failed: int, n: int) -> list[str]:
    """How many of n drawn data sets are missing from the null distribution."""
    return (
        [f"{failed} of {n} drawn data sets could not be fitted and are left out of p."]
        if failed
        else []
    )


def null_notes(method: str, extra: Added, statistic: float, singular: bool) -> list[str]:
    """Where the null distribution asked for is not the right one; singular: the smaller model is."""
    notes = []
    if method == "lrt" and extra.bounds and extra.mixture:
        notes.append(
            "A variance is added, which cannot be less than zero, so χ² errs to the safe side: p is up to twice too "
            f"large. method='boundary' gives p = {show_p(mixture_p(statistic, extra.mixture))}."
        )
    elif method == "lrt" and extra.bounds:
        notes.append(
            f"{extra.bounds} variances are added, which cannot be less than zero, so χ² errs to the safe side: "
            "p is too large. method='bootstrap' finds the null distribution by simulation."
        )
    if method == "boundary" and not extra.bounds:
        notes.append(
            "Nothing that is added has a bound, so the null distribution is χ², no mixture."
        )
    if method != "bootstrap" and singular:
        notes.append(
            "The smaller model is itself singular (a variance of zero or a correlation of ±1); the χ² distributions "
            "assume that it is not. method='bootstrap' does not."
        )
    if statistic == 0:
        notes.append(
            "The larger model fits no better than the smaller: what is added is estimated as zero."
        )
    return notes


def few_notes(method: str, extra: Added, groups: int) -> list[str]:
    """What few groups do to this test."""
    if groups >= FEW:
        return []
    if extra.fixed:
        advice = "coefficients(larger) or f_tests(larger), with Kenward–Roger or Satterthwaite df"
        if method == "bootstrap":
            return [
                f"With {groups} groups the bootstrap is better than χ² but still liberal where effects vary between "
                f"groups, as it takes the estimated variances for the true ones; compare {advice}."
            ]
        return [
            f"Few groups ({groups}): the test is liberal. Where an effect is tested against differences between groups "
            "(it has a random slope, or is constant within groups), a test that claims 5 % can reject true "
            f"null hypotheses in {100 * _size(groups):.0f} % of studies, or more. Better: {advice}."
        ]
    if method == "bootstrap" or not extra.bounds:
        return []
    return [
        f"Few groups ({groups}): χ² and its mixtures hold for many; with few, p tends to be too large, so that true "
        "variation is missed. method='bootstrap' does not rest on many groups."
    ]
