"""Data sets reduced once to what every method needs: the means of their cells, and sums of squares within them.

The methods compare the first condition of a design with all others, so that a group has two cells at most. The
outcomes within a cell say one thing more than its mean: their sum of squares, which is σ² times a χ². Means and sums of
squares are sufficient for all models here. The data sets lie along the last axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fewgroups.batch.cells import CellStatistics, cell_statistics
from fewgroups.batch.layouts import Layout, layout_of
from fewgroups.designs import Design

Array = np.ndarray


@dataclass(frozen=True)
class CellMeans:
    """n data sets of m groups: counts (m, 2), repeats of each group in the first condition and in all others; the
    layout that they share, and what the batch engine needs of their outcomes."""

    counts: Array
    layout: Layout
    statistics: CellStatistics

    @cached_property
    def means(self) -> Array:
        """(m, 2, n) mean of each cell, 0 where there are no outcomes."""
        means = np.zeros((*self.counts.shape, self.statistics.means.shape[1]))
        means[self.counts > 0] = self.statistics.means
        return means

    @property
    def rows(self) -> int:
        """Number of outcomes in one data set."""
        return self.layout.rows

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
    """Reduce `outcomes` (n, rows), rows in the order of a design's table."""
    m = len(counts)
    X = np.column_stack([np.ones(2 * m), np.tile([0.0, 1.0], m)])
    groups = np.repeat(np.arange(m), counts.sum(axis=1))
    layout = layout_of(np.repeat(X, counts.ravel(), axis=0), groups)
    return CellMeans(counts, layout, cell_statistics(outcomes, layout))
