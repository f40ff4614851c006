"""Data from a design: one data set in the order in which a reader would draw it, or many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fewgroups.arguments import whole_number
from fewgroups.designs import Design, Truth

BLOCK = 512
"""Data sets drawn from one child seed: few enough to stay in the processor's cache, and fixed, so that the digits of
data set k do not depend on how many are drawn, nor in which pieces."""


def simulate(design: Design, truth: Truth, seed: int) -> pd.DataFrame:
    """One data set: `design.table()` with a column of outcomes, DataFrame (design.rows, 5).

    Its columns are group, condition, treated, repeat, outcome, or as the words of the design name them. For each group
    in turn `numpy.random.default_rng(seed)`, seed ≥ 0, gives the level, then the group's change (only where
    `truth.slope_sd` > 0), then the residuals row by row.

    TypeError or ValueError names the argument, what was given and what would do.
    """
    check_request(design, truth, seed)
    rng = np.random.default_rng(seed)
    table = design.table()
    treated = (design.row_index[1] > 0).astype(float)
    outcome = np.empty(design.rows)
    end = 0
    for rows in design.counts.sum(axis=1):
        start, end = end, end + rows
        normal = rng.standard_normal()
        level = truth.intercept + truth.group_sd * normal
        change = truth.effect
        if truth.slope_sd > 0:
            change += truth.slope_sd * _correlated(truth, normal, rng.standard_normal())
        residuals = truth.residual_sd * rng.standard_normal(rows)
        outcome[start:end] = level + change * treated[start:end] + residuals
    table[design.words.columns[-1]] = np.clip(outcome, 0, 1) if truth.clip else outcome
    return table


def simulate_many(design: Design, truth: Truth, n: int, seed: int) -> np.ndarray:
    """Outcomes of n ≥ 1 data sets from a design and a truth: float64 (n, design.rows), rows as in `design.table()`.

    Data set k has the same digits whatever n is. The stream is not that of `simulate`: every 512 data sets have their
    own child of `numpy.random.SeedSequence(seed)`, seed ≥ 0, so that they can be drawn anywhere, in any order.

    TypeError or ValueError names the argument, what was given and what would do, also where the memory is too small.
    """
    check_request(design, truth, seed)
    return simulate_blocks(design, truth, whole_number("n", n, 1, "data sets"), seed)


def simulate_blocks(design: Design, truth: Truth, n: int, seed: int, first: int = 0) -> np.ndarray:
    """n data sets of the stream of `simulate_many`, from block `first` on."""
    outcomes = room_for(n, design.rows)
    for start in range(0, n, BLOCK):
        # A child seed by its own key, without making all the ones before it.
        child = np.random.SeedSequence(seed, spawn_key=(first + start // BLOCK,))
        _fill(outcomes[start : start + BLOCK], design, truth, np.random.default_rng(child))
    return outcomes


def room_for(n: int, rows: int) -> np.ndarray:
    """An array (n, rows) to be filled; ValueError where the machine has no memory for it."""
    try:
        return np.empty((n, rows))
    except (MemoryError, OverflowError, ValueError):
        raise ValueError(
            f"n is too large: {n} data sets of {rows} scores need {n * rows // 125_000_000:,} GB of memory; use fewer"
        ) from None


def _fill(out: np.ndarray, design: Design, truth: Truth, rng: np.random.Generator) -> None:
    """Fill `out` (m, rows) in place: the effects of a whole block are drawn first, so that m may be cut short."""
    effects = rng.standard_normal((BLOCK, 2, len(design.group_names)))[: len(out)]
    level = truth.intercept + truth.group_sd * effects[:, 0]
    change = truth.effect + truth.slope_sd * _correlated(truth, effects[:, 0], effects[:, 1])
    means = np.stack([level, level + change], axis=2).reshape(len(out), -1)
    group, condition, _ = design.row_index
    rng.standard_normal(out=out)
    out *= truth.residual_sd
    out += np.take(means, group * 2 + (condition > 0), axis=1)
    if truth.clip:
        np.clip(out, 0, 1, out=out)


def _correlated(truth: Truth, first: Any, second: Any) -> Any:
    """A standard normal that correlates with `first` as the truth says, from an independent `second`."""
    return truth.correlation * first + np.sqrt(1 - truth.correlation**2) * second


def check_request(design: Any, truth: Any, seed: Any) -> None:
    """Refuse what is not a design, a truth and a seed."""
    for name, value, kind in (("design", design, Design), ("truth", truth, Truth)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be a {kind.__name__}(...); given {type(value).__name__}")
    whole_number("seed", seed, 0)
