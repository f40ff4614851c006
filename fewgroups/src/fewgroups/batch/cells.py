"""From raw scores to what a likelihood needs: the mean of each cell and the sum of squares within cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fewgroups.batch.layouts import Layout

BLOCK_BYTES = 2**20
"""Raw scores handled at a time: a block stays in the processor's cache between its passes."""

FEW = 8
"""Cells of an athlete up to which they are summed one after the other."""


@dataclass(frozen=True, eq=False)
class CellStatistics:
    """Sufficient statistics of n data sets.

    Attributes
    ----------
    means : (cells, n) mean score of each cell; data sets lie along the last axis, as in all of the engine.
    within : (n,) sum of squares around the cell means, 0 where the scores of each cell are all alike.
    squares : (n,) sum of squared scores: the size that rounding errors are measured against.
    """

    means: np.ndarray
    within: np.ndarray
    squares: np.ndarray


def scores_of(y: Any, rows: int) -> np.ndarray:
    """Scores as float64 (n, rows), checked for type and shape; one data set may be given as (rows,).

    Raises
    ------
    TypeError, ValueError
        When y is not an array of real numbers, has another number of rows than the layout, or holds no data set.
    """
    try:
        scores = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"y must be an array (data sets, rows) of numbers: {error}") from None
    if np.ma.is_masked(y):
        raise TypeError(
            "y has masked values, which would be taken as they stand below the mask: leave such rows out"
        )
    if scores.dtype.kind not in "fiu":
        raise TypeError(
            f"y must be an array of numbers, (data sets, rows); given dtype {scores.dtype}"
        )
    if scores.ndim == 1:
        scores = scores[None, :]
    if scores.ndim != 2 or scores.shape[1] != rows:
        raise ValueError(
            f"y must have the shape (data sets, {rows}), one score per row of the layout; "
            f"given {np.shape(y)}"
        )
    if len(scores) == 0:
        raise ValueError("y must hold at least one data set; given none")
    return scores


def cell_statistics(scores: np.ndarray, layout: Layout) -> CellStatistics:
    """Means and sums of squares of `scores` (n, rows), one data set after the other.

    One pass of sums and one of squares. Where the scores lie so far from zero that Σy² − Σ(cell sum)²/n would lose
    digits, the deviations from the cell means are squared instead.

    Raises
    ------
    ValueError
        When a score is not finite, or its square is not.
    """
    n = len(scores)
    means = np.empty((layout.cells, n))
    within = np.empty(n)
    squares = np.empty(n)
    step = max(1, BLOCK_BYTES // (8 * layout.rows))
    for start in range(0, n, step):
        block = np.ascontiguousarray(scores[start : start + step], dtype=float)
        if layout.order is not None:
            block = np.ascontiguousarray(block[:, layout.order])
        here = slice(start, start + len(block))
        # einsum's own loops sum each row by itself: the digits depend neither on threads nor on the block.
        squares[here] = np.einsum("ij,ij->i", block, block)
        _check_finite(squares[here], start)
        sums = _sums(block, layout)
        averages = sums / layout.sizes
        means[:, here] = averages.T
        within[here] = _within(block, sums, averages, squares[here], layout)
    return CellStatistics(means, within, squares)


def _sums(block: np.ndarray, layout: Layout) -> np.ndarray:
    """The sum of each cell's scores, (n, cells)."""
    if layout.pattern is None or len(layout.pattern) > FEW:
        return np.add.reduceat(block, layout.starts, axis=1)
    # A session of all athletes at a time, in little more than half of the time.
    rows = block.reshape(len(block), layout.athletes, -1)
    sums = np.empty((len(block), layout.athletes, len(layout.pattern)))
    end = 0
    for k, size in enumerate(layout.pattern):
        start, end = end, end + size
        np.einsum("nak->na", rows[:, :, start:end], out=sums[:, :, k])
    return sums.reshape(len(block), layout.cells)


def _within(
    block: np.ndarray, sums: np.ndarray, means: np.ndarray, squares: np.ndarray, layout: Layout
) -> np.ndarray:
    if layout.cells == layout.rows:
        return np.zeros(len(block))
    within = squares - np.einsum("ij,ij->i", sums, means)
    doubtful = np.flatnonzero(within < 1e-4 * squares)
    if doubtful.size:
        deviations = block[doubtful] - np.repeat(means[doubtful], layout.sizes.astype(int), axis=1)
        exact = np.einsum("ij,ij->i", deviations, deviations)
        # What is left of equal scores is rounding: 16 digits of the score, squared.
        within[doubtful] = np.where(exact > 1e-29 * squares[doubtful], exact, 0)
    return within


def _check_finite(squares: np.ndarray, start: int) -> None:
    bad = np.flatnonzero(~np.isfinite(squares))
    if bad.size:
        raise ValueError(
            f"y must be finite, and small enough to be squared; data set {start + bad[0]} is not"
        )
