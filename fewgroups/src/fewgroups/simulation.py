"""Data from a design: one data set to the seed's digits, or many at once."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from fewgroups.designs import Design, Truth

BLOCK = 512
"""Data sets drawn from one child seed: small enough to stay in the processor's cache, fixed so that the digits of
data set k do not depend on how many are drawn, on chunking or on the number of workers."""


def simulate(design: Design, truth: Truth, seed: int) -> pd.DataFrame:
    """One data set: the design's table with a column `correctness`.

    For each athlete in turn the stream of `numpy.random.default_rng(seed)` gives the baseline, the athlete's own
    change (only where `truth.slope_sd` > 0), then the residuals row by row; `simulate(Design(), Truth(), 42)` is
    `data/pushups.csv`.

    Parameters
    ----------
    design, truth : Design, Truth
    seed : int ≥ 0

    Returns
    -------
    DataFrame with `design.rows` rows: athlete_id, session_label, session_high (0/1), repeat_id, correctness.
    """
    check_request(design, truth, seed)
    rng = np.random.default_rng(seed)
    table = design.table()
    high = table["session_high"].to_numpy()
    scores = np.empty(design.rows)
    start = 0
    for rows in design.counts.sum(axis=1):
        here = slice(start, start + rows)
        normal = rng.standard_normal()
        baseline = truth.intercept + truth.athlete_sd * normal
        change = truth.effect
        if truth.slope_sd > 0:
            change += truth.slope_sd * _correlated(truth, normal, rng.standard_normal())
        scores[here] = (
            baseline + change * high[here] + truth.residual_sd * rng.standard_normal(rows)
        )
        start += rows
    table["correctness"] = np.clip(scores, 0, 1) if truth.clip else scores
    return table


def simulate_many(design: Design, truth: Truth, n: int, seed: int) -> np.ndarray:
    """Scores of n data sets, float64 array (n, design.rows), rows in the order of `design.table()`.

    Data set k has the same digits whatever n is. The stream is not that of `simulate`: each block of 512 data sets
    has its own child of `numpy.random.SeedSequence(seed)`, so that blocks can be drawn anywhere, in any order.

    Parameters
    ----------
    design, truth : Design, Truth
    n : int ≥ 1
        How many data sets; 8 bytes × n × design.rows of memory.
    seed : int ≥ 0
    """
    check_request(design, truth, seed)
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n must be a whole number of data sets, 1 or more; given {n!r}")
    return simulate_blocks(design, truth, 0, int(n), seed)


def simulate_blocks(design: Design, truth: Truth, start: int, stop: int, seed: int) -> np.ndarray:
    """Data sets start … stop−1 of the stream of `simulate_many`; start must be a multiple of `BLOCK`."""
    if start % BLOCK:
        raise ValueError(
            f"start must be a multiple of {BLOCK}, where a block of the stream begins; given {start}"
        )
    scores = room_for(stop - start, design.rows)
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        # A child seed by its own key, without making all the ones before it.
        child = np.random.SeedSequence(seed, spawn_key=(first // BLOCK,))
        _fill(scores[first - start : last - start], design, truth, np.random.default_rng(child))
    return scores


def room_for(n: int, rows: int) -> np.ndarray:
    """An array (n, rows) to be filled with scores; ValueError where the machine has no memory for it."""
    try:
        return np.empty((n, rows))
    except (MemoryError, OverflowError, ValueError):
        raise ValueError(
            f"n is too large: {n} data sets of {rows} scores need {n * rows // 125_000_000:,} GB of memory; use fewer"
        ) from None


def _fill(out: np.ndarray, design: Design, truth: Truth, rng: np.random.Generator) -> None:
    """Fill `out` (m, rows) in place: a whole block of effects is drawn first, so that m may be cut short."""
    athletes = len(design.names)
    effects = rng.standard_normal((BLOCK, 2, athletes))[: len(out)]
    baseline = truth.intercept + truth.athlete_sd * effects[:, 0]
    change = truth.effect + truth.slope_sd * _correlated(truth, effects[:, 0], effects[:, 1])
    athlete, session, _ = design.row_index
    means = np.stack([baseline, baseline + change], axis=2).reshape(len(out), -1)
    rng.standard_normal(out=out)
    out *= truth.residual_sd
    out += np.take(means, athlete * 2 + (session > 0), axis=1)
    if truth.clip:
        np.clip(out, 0, 1, out=out)


def _correlated(truth: Truth, first: Any, second: Any) -> Any:
    """A standard normal that correlates with `first` as the truth says."""
    return truth.correlation * first + np.sqrt(1 - truth.correlation**2) * second


def check_request(design: Any, truth: Any, seed: Any) -> None:
    """Refuse what is not a design, a truth and a seed."""
    if not isinstance(design, Design):
        raise TypeError(f"design must be a Design(...); given {type(design).__name__}")
    if not isinstance(truth, Truth):
        raise TypeError(f"truth must be a Truth(...); given {type(truth).__name__}")
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or more; given {seed!r}")
