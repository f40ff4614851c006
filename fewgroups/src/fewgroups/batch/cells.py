"""From raw outcomes to what a likelihood needs: the mean of each cell and the sum of squares within cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fewgroups.arguments import number_array
from fewgroups.batch.layouts import Layout

BLOCK_BYTES = 2**20
"""Raw outcomes handled at a time: a block stays in the processor's cache between its passes."""

FEW = 8
"""Cells of a group up to which the same cell of all groups is summed at once."""


@dataclass(frozen=True, eq=False)
class CellStatistics:
    """Sufficient statistics of n data sets, which lie along the last axis, as in all of the engine.

    means: (cells, n) of each cell; within: (n,) sum of squares around them, 0 where the outcomes of each cell are all
    alike; squares: (n,) sum of squares of the outcome, the size that rounding errors are measured against.
    """

    means: np.ndarray
    within: np.ndarray
    squares: np.ndarray


def outcomes_of(y: Any, rows: int) -> np.ndarray:
    """Outcomes (n, rows); one data set may be given as (rows,). TypeError or ValueError when y is not an array of real
    numbers, has another number of rows than the layout, or holds no data set."""
    outcomes = number_array("y", y, "an array of numbers, (data sets, rows)")
    if outcomes.ndim == 1:
        outcomes = outcomes[None, :]
    if outcomes.ndim != 2 or outcomes.shape[1] != rows or not len(outcomes):
        raise ValueError(
            f"y must have the shape (data sets, {rows}), one value per row of the layout and at least one data set; "
            f"given {np.shape(y)}"
        )
    return outcomes


def cell_statistics(outcomes: np.ndarray, layout: Layout, first: int = 0) -> CellStatistics:
    """Means and sums of squares of `outcomes` (n, rows), the first of which has the number `first`; ValueError when a
    value or its square is not finite.

    One pass of sums and one of squares. Where the outcomes lie so far from zero that Σy² − Σ(cell sum)²/n would lose
    digits, the deviations from the cell means are squared instead.
    """
    n = len(outcomes)
    means, within, squares = np.empty((layout.cells, n)), np.empty(n), np.empty(n)
    step = max(1, BLOCK_BYTES // (8 * layout.rows))
    for start in range(0, n, step):
        block = outcomes[start : start + step, layout.order]
        block = np.ascontiguousarray(block, dtype=float)
        here = slice(start, start + len(block))
        squares[here] = np.einsum("ij,ij->i", block, block)
        bad = np.flatnonzero(~np.isfinite(squares[here]))
        if bad.size:
            raise ValueError(
                f"y must be finite, and small enough to be squared; data set {first + start + bad[0]} is not"
            )
        sums = _sums(block, layout)
        averages = sums / layout.sizes
        means[:, here] = averages.T
        within[here] = _within(block, sums, averages, squares[here], layout)
    return CellStatistics(means, within, squares)


def _sums(block: np.ndarray, layout: Layout) -> np.ndarray:
    """The sum of each cell, (n, cells)."""
    if layout.pattern is None or len(layout.pattern) > FEW:
        return np.add.reduceat(block, layout.starts, axis=1)
    # Where all groups have the same cells, one sum over all groups takes little more than half of reduceat's time.
    rows = block.reshape(len(block), layout.groups, -1)
    parts = np.split(rows, np.cumsum(layout.pattern)[:-1], axis=2)
    return np.stack([np.einsum("nak->na", part) for part in parts], axis=2).reshape(len(block), -1)


def _within(
    block: np.ndarray, sums: np.ndarray, means: np.ndarray, squares: np.ndarray, layout: Layout
) -> np.ndarray:
    """Sum of squares around the cell means, (n,)."""
    if layout.cells == layout.rows:
        return np.zeros(len(block))
    within = squares - np.einsum("ij,ij->i", sums, means)
    doubtful = np.flatnonzero(within < 1e-4 * squares)
    if doubtful.size:
        deviations = block[doubtful] - np.repeat(means[doubtful], layout.sizes.astype(int), axis=1)
        exact = np.einsum("ij,ij->i", deviations, deviations)
        # What is left of equal outcomes is rounding: 16 digits of the outcome, squared.
        within[doubtful] = np.where(exact > 1e-29 * squares[doubtful], exact, 0)
    return within
