"""Data sets reduced once to what every method needs: the means of their cells, and sums of squares within them.

The methods compare the first condition of a design with all others, so that a group has two cells at most. The
outcomes within a cell say one thing more than its mean: their sum of squares, which is σ² times a χ². Means and sums of
squares are sufficient for all models here. The data sets lie along the last axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fewgroups.designs import Design

Array = np.ndarray


@dataclass(frozen=True)
class CellMeans:
    """n data sets of m groups.

    counts: (m, 2) repeats of each group in the first condition and in all others; means: (m, 2, n), 0 where there are
    none; squares: (2, n) sums of squares about the cell means, over the groups.
    """

    counts: Array
    means: Array
    squares: Array

    @property
    def n(self) -> int:
        """Number of data sets."""
        return self.means.shape[-1]

    @property
    def rows(self) -> int:
        """Number of outcomes in one data set."""
        return int(self.counts.sum())

    @property
    def within_df(self) -> int:
        """Outcomes less cells: the degrees of freedom of `squares`."""
        return self.rows - int(np.sum(self.counts > 0))

    @cached_property
    def condition_means(self) -> Array:
        """(2, n) means of all outcomes in the first condition, and in all others."""
        sums = (self.counts[:, :, None] * self.means).sum(axis=0)
        return sums / self.counts.sum(axis=0)[:, None]

    @cached_property
    def residual_sums(self) -> Array:
        """(m, 2, n) each cell's sum of deviations from the mean of its condition."""
        return self.counts[:, :, None] * (self.means - self.condition_means)

    @cached_property
    def differences(self) -> Array:
        """(groups in both conditions, n) differences of the two means of a group."""
        complete = self.means[(self.counts > 0).all(axis=1)]
        return complete[:, 1] - complete[:, 0]

    @cached_property
    def rounding(self) -> Array:
        """(n,) a spread as small as this is rounding error: the outcomes do not vary."""
        return 1e-12 * np.abs(self.means).max(axis=(0, 1))


def cell_counts(design: Design) -> Array:
    """(m, 2) repeats of each group in the first condition and in all others."""
    return np.column_stack([design.counts[:, 0], design.counts[:, 1:].sum(axis=1)])


def cell_means(counts: Array, outcomes: Array) -> CellMeans:
    """Reduce `outcomes` (n, rows), rows in the order of a design's table; `outcomes` is overwritten."""
    means = np.zeros((*counts.shape, len(outcomes)))
    squares = np.zeros((2, len(outcomes)))
    end = 0
    for group, condition in zip(*np.nonzero(counts), strict=True):
        start, end = end, end + counts[group, condition]
        cell = outcomes[:, start:end]
        # Centred before it is squared: small spreads about large means keep their digits.
        mean = cell.mean(axis=1)
        cell -= mean[:, None]
        means[group, condition] = mean
        squares[condition] += np.einsum("ij,ij->i", cell, cell)
    return CellMeans(counts, means, squares)
