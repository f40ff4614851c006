"""Thousands of simulated experiments: how often a test rejects, an interval covers, an estimate misleads."""

from __future__ import annotations

from collections.abc import Sequence

import joblib
import numpy as np
import pandas as pd
from scipy import special

from fewgroups.arguments import confidence_level, whole_number
from fewgroups.designs import Design, Truth
from fewgroups.progress import progress_bar
from fewgroups.simulation import BLOCK, check_request, simulate_blocks
from fewgroups.studies.methods import METHODS, Answer, DataSets, chosen_methods

CHUNK_VALUES = 2**20
"""Outcomes simulated at a time, 8 MB. The chunks do not depend on the number of workers; so neither do the digits."""


def monte_carlo(
    design: Design,
    truth: Truth,
    methods: Sequence[str] | None = None,
    n: int = 10_000,
    *,
    seed: int,
    level: float = 0.95,
    workers: int = 1,
) -> pd.DataFrame:
    """Simulate n data sets, test the effect in each of them by every method, and count.

    Parameters
    ----------
    design, truth : Design, Truth
        What is measured, and what data are simulated from. `truth.effect` is the true effect: 0 makes `rejection` the
        rate of false positives, another value makes it the power. It is what is added before outcomes are clipped:
        where clipping bites, it shows as bias and lost coverage. Dropout and unequal repeats are the design's. With
        three conditions or more, the effect is that of all others against the first.
    methods : list of str, optional
        Of "pooled t" (all outcomes, groups ignored); "paired t" (the groups' differences of means); "t on means" (of
        groups in one condition each); "cluster-robust z", "cluster-robust t" (groups − 1 df), "cluster-robust CR2"
        (adjusted, with Satterthwaite's df); "intercept z", "intercept Satterthwaite", "intercept Kenward–Roger"
        (random-intercept model, REML); "slope z", "slope Satterthwaite" (as lmerTest, singular fits included), "slope
        Kenward–Roger" (random intercepts and slopes, correlated). A plain hyphen and any case will do. All that the
        design allows, when left out.
    n : int ≥ 1
        Data sets; they are those of `simulate_many(design, truth, n, seed)`, some thousands at a time.
    seed : int ≥ 0
    level : float
        Of the intervals; the tests are at 1 − level.
    workers : int
        Processes, by joblib; −1 for as many as the machine has. `with joblib.parallel_config(backend="dask")` sends
        the work to a Dask cluster. The figures have the same digits whoever computes them.

    Returns
    -------
    DataFrame, a row per method, and next to each column the Monte-Carlo standard error in `…_error`:
        rejection (of "no effect"), coverage (of the true effect), bias (mean estimate − true effect), type_s (share of
        significant estimates of the wrong sign) and type_m (mean size of significant estimates over the true one),
        both of Gelman & Carlin (2014, Perspect. Psychol. Sci. 9:641), absent without an effect and NaN when nothing was
        significant; sd (of the estimates: the true standard error), se (mean estimated standard error), half_width
        (mean, of the intervals). singular: share of singular fits, NaN where nothing is fitted. undefined: number of
        data sets in which the method has no answer (outcomes that do not vary, a fit that cannot be had); all other
        columns leave them out.

    TypeError or ValueError names the argument, what was given and what would do: also a method that the design does not
    allow, a truth without residual spread (residual_sd=0), a method without an answer in any data set.
    """
    check_request(design, truth, seed)
    if truth.residual_sd == 0:
        raise ValueError(
            "truth.residual_sd must be above 0: with 0 all repeats of a cell are the same, and a "
            "test has no spread to measure the effect against"
        )
    names = chosen_methods(methods, design)
    n, alpha = whole_number("n", n, 1, "data sets"), 1 - confidence_level(level)
    if whole_number("workers", workers, -1, "processes") == 0:
        raise ValueError("workers must be 1 or more processes, or −1 for all; given 0")
    size = BLOCK * max(1, CHUNK_VALUES // (BLOCK * design.rows))
    starts = range(0, n, size)

    def sums_from(start: int) -> pd.DataFrame:
        """Over the data sets of the stream from `start` on, as many as are taken at a time; a row per method."""
        outcomes = simulate_blocks(design, truth, min(size, n - start), seed, start // BLOCK)
        data = DataSets.of(design, outcomes)
        found = {name: _sums(METHODS[name](data), truth.effect, alpha) for name in names}
        return pd.DataFrame.from_dict(found, orient="index").rename_axis("method")

    parallel = joblib.Parallel(n_jobs=workers, return_as="generator")
    chunks = parallel(joblib.delayed(sums_from)(start) for start in starts)
    sums = sum(progress_bar(chunks, total=len(starts), unit=" chunks"))
    for name in sums.index[sums["answered"] == 0]:
        raise ValueError(
            f"method {name!r} has no answer in any of the {n} data sets: the outcomes that truth "
            "gives do not vary enough to be tested"
        )
    return _rates(sums, truth.effect)


def _sums(answer: Answer, effect: float, alpha: float) -> dict[str, float]:
    """Counts of data sets, and sums of numbers and of their squares; `size` is that of significant estimates over the
    size of the true effect, if there is one."""
    usable, singular = answer.usable, answer.singular
    estimate, se = answer.estimate[usable], answer.se[usable]
    half_width = -special.stdtrit(np.broadcast_to(answer.df, usable.shape)[usable], alpha / 2) * se
    significant = estimate[np.abs(estimate) > half_width]
    error, size = estimate - effect, np.abs(significant / effect) if effect else np.zeros(0)
    sums = {
        "answered": len(estimate),
        "undefined": len(usable) - len(estimate),
        "fitted": 0 if singular is None else len(singular),
        "singular": 0 if singular is None else singular.sum(),
        "rejected": len(significant),
        "covered": np.sum(np.abs(error) <= half_width),
        "wrong_sign": np.sum(significant * effect < 0),
    }
    numbers = {"error": error, "se": se, "half_width": half_width, "size": size}
    sums |= {name: x.sum() for name, x in numbers.items()}
    return sums | {f"{name}²": np.sum(x**2) for name, x in numbers.items()}


def _rates(sums: pd.DataFrame, effect: float) -> pd.DataFrame:
    """The table that `monte_carlo` returns."""
    n, significant = sums["answered"], sums["rejected"]
    columns = _rate("rejection", significant, n) | _rate("coverage", sums["covered"], n)
    columns |= _mean("bias", sums["error"], sums["error²"], n)
    if effect:
        columns |= _rate("type_s", sums["wrong_sign"], significant)
        columns |= _mean("type_m", sums["size"], sums["size²"], significant)
    sd = columns["bias_error"] * np.sqrt(n)
    columns |= {"sd": sd, "sd_error": sd / np.sqrt(2 * n - 2)}
    for name in ("se", "half_width"):
        columns |= _mean(name, sums[name], sums[f"{name}²"], n)
    columns["singular"] = sums["singular"] / sums["fitted"]
    columns["undefined"] = sums["undefined"].astype(int)
    return pd.DataFrame(columns)


def _rate(name: str, count: pd.Series, n: pd.Series) -> dict[str, pd.Series]:
    # The error of a rate of 0 or 1 is not 0: two successes and two failures are added before it is computed
    # (Agresti & Coull 1998, Am. Stat. 52:119). With thousands of data sets this changes nothing else.
    n = n.where(n > 0)
    adjusted = (count + 2) / (n + 4)
    return {name: count / n, f"{name}_error": np.sqrt(adjusted * (1 - adjusted) / n)}


def _mean(name: str, total: pd.Series, squares: pd.Series, n: pd.Series) -> dict[str, pd.Series]:
    mean = total / n.where(n > 0)
    variance = (squares - total * mean).clip(lower=0) / (n - 1).where(n > 1)
    return {name: mean, f"{name}_error": np.sqrt(variance / n)}
