"""Raw scores of many data sets, reduced once to what every method needs: means and sums of squares.

The methods compare the low session (session_high 0) with the others (1), so an athlete is at most two
*cells*: the mean of the low scores and the mean of the high ones, whose variances are known up to σ². The
scores within cells say only one thing more: their sum of squares about the cell means, a χ² times σ².
Together these are sufficient for all models here. Arrays have the data sets last, where NumPy works through
them in one stride.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fewgroups.designs import Design

Array = np.ndarray


@dataclass(frozen=True)
class Pattern:
    """Athletes with the same numbers of repeats: who they are, in which sessions (0 low, 1 high), how
    often."""

    athletes: Array
    sessions: Array
    repeats: Array

    @property
    def X(self) -> Array:
        """(cells, 2) fixed-effect rows of the cells: 1, session_high."""
        return np.column_stack([np.ones(len(self.sessions)), self.sessions])


@dataclass(frozen=True)
class Layout:
    """What the data sets share: `counts` (athletes, 2), the repeats of every athlete in low and high
    sessions."""

    counts: Array

    @classmethod
    def of(cls, design: Design) -> Layout:
        """The layout of a design: its counts, athlete by athlete."""
        return cls(np.column_stack([design.counts[:, 0], design.counts[:, 1:].sum(axis=1)]))

    @property
    def athletes(self) -> int:
        """Number of athletes."""
        return len(self.counts)

    @property
    def rows(self) -> int:
        """Number of scores in one data set."""
        return int(self.counts.sum())

    @property
    def within_df(self) -> int:
        """Scores less cells: the degrees of freedom of the scores within their cells."""
        return self.rows - int(np.sum(self.counts > 0))

    @cached_property
    def complete(self) -> Array:
        """(athletes,) whether the athlete has scores in low and in high sessions."""
        return np.all(self.counts > 0, axis=1)

    @property
    def between(self) -> bool:
        """Nobody has scores in both sessions."""
        return not self.complete.any()

    @cached_property
    def patterns(self) -> list[Pattern]:
        """The athletes, sorted by their numbers of repeats."""
        found, which = np.unique(self.counts, axis=0, return_inverse=True)
        return [
            Pattern(np.flatnonzero(which.ravel() == k), np.flatnonzero(row), row[row > 0])
            for k, row in enumerate(found)
        ]


@dataclass(frozen=True)
class Cells:
    """The reduced data of n data sets.

    means: (athletes, 2, n), 0 where there are no scores; squares: (2, n) sums of squares about the cell
    means, over the athletes.
    """

    layout: Layout
    means: Array
    squares: Array

    @property
    def n(self) -> int:
        """Number of data sets."""
        return self.means.shape[-1]

    @cached_property
    def session_means(self) -> Array:
        """(2, n) means of all low and of all high scores."""
        counts = self.layout.counts[:, :, None]
        return (counts * self.means).sum(axis=0) / counts.sum(axis=0)

    @cached_property
    def differences(self) -> Array:
        """(complete athletes, n) high less low mean of every athlete who has both."""
        complete = self.means[self.layout.complete]
        return complete[:, 1] - complete[:, 0]

    @cached_property
    def total_squares(self) -> Array:
        """(n,) sum of squared scores."""
        return self.squares.sum(axis=0) + (self.layout.counts[:, :, None] * self.means**2).sum(
            axis=(0, 1)
        )

    @cached_property
    def rounding(self) -> Array:
        """(n,) a spread this small is rounding error: scores that do not vary."""
        return 1e-12 * np.abs(self.means).max(axis=(0, 1))


def reduce(layout: Layout, scores: Array) -> Cells:
    """Cells of raw `scores` (n, rows), rows athlete by athlete and the low session first; `scores` is
    overwritten."""
    means = np.zeros((layout.athletes, 2, len(scores)))
    squares = np.zeros((2, len(scores)))
    left = 0
    for athlete, high in np.ndindex(layout.athletes, 2):
        right = left + int(layout.counts[athlete, high])
        if right > left:
            cell = scores[:, left:right]
            # Centred before it is squared: small spreads about large means keep their digits.
            mean = cell.mean(axis=1)
            cell -= mean[:, None]
            means[athlete, high] = mean
            squares[high] += np.einsum("ij,ij->i", cell, cell)
        left = right
    return Cells(layout, means, squares)
