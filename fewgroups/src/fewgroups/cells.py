"""Data sets of one layout: rows sorted into cells, and what a likelihood needs of the outcomes in each."""

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from fewgroups.arguments import label_array, number_array, some
from fewgroups.designs import Design
from fewgroups.structure import orthonormal

ROUNDED = 1e-28  # of Σy²: a smaller residual sum of squares is rounding (14 digits), no variance


class Layout:
    """Rows sorted into cells: the rows of one group under one row of X. Only the outcome differs within a cell, so the
    cell's sum and sum of squares are all that a likelihood needs. ValueError for a rank-deficient X.

    rows, groups: N and m; X: (cells, p) fixed-effect columns; group: (cells,) 0 … m − 1, not decreasing; sizes:
    (cells,) rows in each cell; order: (rows,) that sorts the rows, a slice where they are sorted; members: (m, cells) 1
    where a cell is of the group; Q: (cells, p), R: (p, p) upper triangular: X = QR, QᵀQ = I when each cell counts
    `sizes` times.
    """

    def __init__(self, X: np.ndarray, group: np.ndarray) -> None:
        rows = np.column_stack([group, X])
        _, first, cell, sizes = np.unique(
            rows, return_index=True, return_inverse=True, return_counts=True, axis=0
        )
        self.X, self.group, self.sizes = X[first], group[first], sizes.astype(float)
        self.rows, self.groups = len(X), int(self.group[-1]) + 1
        order = np.argsort(cell.ravel(), kind="stable")
        self.order = slice(None) if (np.diff(order) == 1).all() else order
        ends = np.cumsum(np.bincount(self.group, minlength=self.groups))
        indices = np.ones(len(sizes)), np.arange(len(sizes)), np.append(0, ends)
        self.members = sparse.csr_array(indices)
        root = np.sqrt(self.sizes)[:, None]
        names = [f"column {k}" for k in range(self.X.shape[1])]
        Q, self.R = orthonormal(root * self.X, "X is rank-deficient, with", names)
        self.Q = Q / root

    def products(self, values: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """CᵢᵀVᵢ of each group's rows, (m, q, n), for columns C (cells, q) and values V (cells, n)."""
        weighted = (self.sizes[:, None] * columns).T
        return np.stack([self.members @ (w[:, None] * values) for w in weighted], axis=1)

    @cached_property
    def grams(self) -> np.ndarray:
        """QᵢᵀQᵢ of each group, (m, p, p); they add up to the identity."""
        return self.products(self.Q, self.Q)

    @cached_property
    def kinds(self) -> list[np.ndarray]:
        """The groups that have the same QᵢᵀQᵢ, but for the last digits of the basis."""
        rounded = np.round(self.grams * self.groups, 11)
        _, kind = np.unique(rounded, axis=0, return_inverse=True)
        return [np.flatnonzero(kind == k) for k in range(kind.max() + 1)]


def layout_of(design_or_X: Any, groups: Any = None) -> Layout:
    """The layout of a `Design`, with the columns intercept, then one 0/1 column per condition but the first; or of a
    matrix X (rows, p) with one group label per row. TypeError or ValueError for what are no numbers, wrong shapes, NaN
    or infinity, labels missing, one group only, too few rows, rank-deficient X."""
    if isinstance(design_or_X, Design):
        if groups is not None:
            raise ValueError("groups must be left out when a Design is given: it knows its groups")
        group, condition = design_or_X.row_index
        X = (condition[:, None] == np.arange(design_or_X.counts.shape[1])).astype(float)
        X[:, 0] = 1
    else:
        what = "a Design or an array (rows, columns) of numbers"
        X = number_array("design_or_X", design_or_X, what, "fiub")
        if X.ndim != 2 or 0 in X.shape:
            raise ValueError(
                f"X must be an array (rows, columns) with at least one of each; given shape {X.shape}"
            )
        X = X.astype(float)
        for row, column in np.argwhere(~np.isfinite(X)):
            raise ValueError(f"X must be finite; row {row}, column {column} is {X[row, column]}")
        if groups is None:
            raise ValueError("groups must be given with a matrix X: one label per row")
        group, names = pd.factorize(label_array(groups, len(X)))
        blank = [k for k, name in enumerate(names) if isinstance(name, str) and not name.strip()]
        missing = np.flatnonzero((group < 0) | np.isin(group, blank))
        if missing.size:
            raise ValueError(
                f"groups must name one in every row; blank or missing in row {some(missing)}"
            )
    if group.max() < 1:
        raise ValueError("groups must name two groups or more; one cannot show how groups differ")
    if len(X) <= X.shape[1]:
        raise ValueError(
            f"X has too few rows, {len(X)}, for a variance beside its {X.shape[1]} columns"
        )
    return Layout(X, group)


class CellStatistics:
    """Sufficient statistics of `outcomes` (n, rows), the first of which has the number `first`; ValueError when a value
    or its square is not finite. Data sets lie along the last axis from here on.

    means: (cells, n) of each cell; within: (n,) sum of squares around them, 0 where the outcomes of each cell are all
    alike; squares: (n,) sum of squares of the outcome, the size that rounding errors are measured against;
    coefficients: (p, n) of the layout's Q by least squares; residuals: (cells, n) of the means from that fit.
    """

    def __init__(self, layout: Layout, outcomes: np.ndarray, first: int = 0) -> None:
        sizes = layout.sizes.astype(int)
        y = np.ascontiguousarray(outcomes[:, layout.order], dtype=float)
        squares = np.einsum("ij,ij->i", y, y)
        for k in first + np.flatnonzero(~np.isfinite(squares)):
            raise ValueError(
                f"y must be finite, and small enough to be squared; data set {k} is not"
            )
        sums = np.add.reduceat(y, np.cumsum(sizes) - sizes, axis=1)
        means = sums / sizes
        within = np.zeros(len(y))
        if len(sizes) < layout.rows:
            # One pass of sums and one of squares; where the outcomes lie so far from zero that the difference would
            # lose digits, the deviations from the cell means are squared instead.
            within = squares - np.einsum("ij,ij->i", sums, means)
            doubtful = np.flatnonzero(within < 1e-4 * squares)
            deviations = y[doubtful] - np.repeat(means[doubtful], sizes, axis=1)
            exact = np.einsum("ij,ij->i", deviations, deviations)
            # What is left of equal outcomes is rounding: 16 digits of the outcome, squared.
            within[doubtful] = np.where(exact > 1e-29 * squares[doubtful], exact, 0)
        self.layout, self.means, self.within, self.squares = layout, means.T.copy(), within, squares
        self.coefficients = (layout.sizes[:, None] * layout.Q).T @ self.means
        self.residuals = self.means - layout.Q @ self.coefficients

    def sum_of_squares(self, residuals: np.ndarray) -> np.ndarray:
        """Σ(y − fitted)² (n,) of fits that leave these residuals (cells, n) of the means."""
        return self.within + self.layout.sizes @ residuals**2
