"""Thousands of simulated experiments: how often a test rejects, an interval covers, an estimate misleads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce as fold
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np
import pandas as pd

from fewgroups.designs import Design, Truth
from fewgroups.progress import progress_bar
from fewgroups.simulation import BLOCK, check_request, simulate_blocks
from fewgroups.studies.catalogue import METHODS, chosen_methods
from fewgroups.studies.mixed_models import Analyses
from fewgroups.studies.reduction import Layout, reduce
from fewgroups.studies.tallies import Tally

CHUNK_SCORES = 2**20
"""Scores simulated at a time, 8 MB. The chunks do not depend on the number of workers; so neither do the
digits."""

MOST_SETS, MOST_WORKERS = 10**9, 1000
"""More is a slip of the keyboard, and would never end."""


@dataclass(frozen=True)
class Study:
    """One design in one world, n times over."""

    design: Design
    truth: Truth
    methods: tuple[str, ...]
    n: int
    seed: int
    level: float

    def chunks(self) -> list[tuple[int, int]]:
        """First and last + 1 of the data sets that are done together, whole blocks of the stream of draws."""
        size = max(1, CHUNK_SCORES // (BLOCK * self.design.rows)) * BLOCK
        return [(start, min(start + size, self.n)) for start in range(0, self.n, size)]

    def run(self, start: int, stop: int) -> list[Tally]:
        """The methods' tallies over data sets start … stop − 1."""
        scores = simulate_blocks(self.design, self.truth, start, stop, self.seed)
        analyses = Analyses(reduce(Layout.of(self.design), scores))
        return [
            Tally.of(METHODS[name].answer(analyses), self.truth.effect, 1 - self.level)
            for name in self.methods
        ]

    def table(self, tallies: list[Tally]) -> pd.DataFrame:
        """Methods × figures."""
        for name, tally in zip(self.methods, tallies, strict=True):
            if tally.undefined == tally.sets:
                raise ValueError(
                    f"method {name!r} has no answer in any of the {self.n} data sets: "
                    "the scores that truth gives do not vary enough to be tested"
                )
        rows = [tally.figures(self.truth.effect) for tally in tallies]
        return pd.DataFrame(rows, index=pd.Index(self.methods, name="method"))


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
    """Simulate n data sets, test the session effect in each of them by every method, and count.

    Parameters
    ----------
    design, truth : Design, Truth
        Who is measured and how the world works. `truth.effect` is the true effect: 0 makes `rejection` the
        rate of false positives, another value makes it the power. It is what the generator adds, before
        scores are clipped to [0, 1]: where clipping bites, it shows as bias and lost coverage. Dropout and
        unequal repeats are the design's, whose `repeats` may give every athlete numbers of his or her own, 0
        for a missed session.
    methods : list of str, optional
        Of "pooled t", "Welch t" (all scores, athletes ignored); "paired t", "sign flips" (athletes'
        differences of means); "t on means" (two groups of athletes); "cluster-robust z", "cluster-robust t"
        (athletes − 1 degrees of freedom); "intercept z", "intercept Satterthwaite", "intercept Kenward–Roger"
        (random-intercept model, REML); "slope z", "slope Satterthwaite" (as lmerTest, singular fits
        included), "slope Kenward–Roger" (random intercepts and slopes, correlated). A plain hyphen and any
        case will do. All that the design allows, when left out.
    n : int ≥ 1
        Data sets; they are those of `simulate_many(design, truth, n, seed)`, a chunk at a time.
    seed : int ≥ 0
    level : float
        Of the intervals; the tests are at 1 − level.
    workers : int
        Processes, by joblib; −1 for as many as the machine has. `with joblib.parallel_config(backend="dask")`
        sends the work to a Dask cluster. The figures have the same digits whoever computes them.

    Returns
    -------
    DataFrame, a row per method, and next to each column the Monte-Carlo standard error in `…_error`:
        rejection (of "no effect"), coverage (of the true effect), bias (mean estimate − true effect), type_s
        (share of significant estimates of the wrong sign) and type_m (mean size of significant estimates over
        the true one), both of Gelman & Carlin (2014, Perspect. Psychol. Sci. 9:641), absent without an effect
        and NaN when nothing was significant; sd (of the estimates: the true standard error), se (mean
        estimated standard error), half_width (mean, of the intervals); both NaN for sign flips. singular:
        share of singular fits, NaN where nothing is fitted. undefined: number of data sets in which the
        method has no answer (scores without any spread, a fit that cannot be had); all other columns leave
        them out.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what was given and what would do; a method that the design does not allow; a
        truth without residual spread (residual_sd=0); a method without an answer in any data set.
    """
    check_request(design, truth, seed)
    study = Study(
        design,
        truth,
        chosen_methods(methods, Layout.of(design)),
        checked_n(n),
        int(seed),
        checked_level(level),
    )
    check_spread(truth)
    [table] = run_studies([study], workers)
    return table


def run_studies(studies: list[Study], workers: int) -> Iterator[pd.DataFrame]:
    """The studies' tables, in order; their chunks are shared out among the workers, with a progress bar after
    2 s."""
    check_workers(workers)
    tasks = [(study, *chunk) for study in studies for chunk in study.chunks()]
    # Results come back in the order of the tasks: sums are always formed in the same order.
    results = joblib.Parallel(n_jobs=workers, return_as="generator")(
        joblib.delayed(Study.run)(*task) for task in tasks
    )
    with progress_bar(total=sum(study.n for study in studies), unit=" data sets") as bar:
        for study in studies:
            parts = []
            for start, stop in study.chunks():
                parts.append(next(results))
                bar.update(stop - start)
            yield study.table(
                [fold(Tally.__add__, tallies) for tallies in zip(*parts, strict=True)]
            )
    next(results, None)  # at its end joblib lets its workers go


def checked_n(n: Any) -> int:
    """n as an int, or an error that says what would do."""
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, Integral):
        raise TypeError(f"n must be a whole number of data sets; given {n!r}")
    if n < 1:
        raise ValueError(f"n must be 1 or more data sets; given {n}")
    if int(n) > MOST_SETS:
        raise ValueError(f"n must be {MOST_SETS:,} data sets at most, which take hours; given {n}")
    return int(n)


def checked_level(level: Any) -> float:
    """level as a float between 0 and 1, or an error that says what would do."""
    if isinstance(level, (bool, np.bool_)) or not isinstance(level, Real):
        raise TypeError(f"level must be a number between 0 and 1, such as 0.95; given {level!r}")
    if level <= 0 or not level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95; given {level}")
    return float(level)


def check_spread(truth: Truth) -> None:
    """Scores without any residual cannot be analysed by a model that estimates one."""
    if truth.residual_sd == 0:
        raise ValueError(
            "truth.residual_sd must be above 0: with 0 all scores of an athlete in a session "
            "are the same, and a test has no spread to measure the effect against"
        )


def check_workers(workers: Any) -> None:
    """An error that says what would do, if workers is no number of processes."""
    if isinstance(workers, (bool, np.bool_)) or not isinstance(workers, Integral):
        raise TypeError(
            f"workers must be a whole number of processes, or −1 for all; given {workers!r}"
        )
    if (workers < 1 or int(workers) > MOST_WORKERS) and workers != -1:
        raise ValueError(
            f"workers must be 1 or more processes, {MOST_WORKERS} at most, or −1 for all; given {workers}"
        )
