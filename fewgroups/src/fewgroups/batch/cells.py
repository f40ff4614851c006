"""Data sets of one layout: rows sorted into cells, and what a likelihood needs of the outcomes in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from fewgroups.arguments import label_array, number_array, some
from fewgroups.designs import Design
from fewgroups.structure import orthonormal


@dataclass(frozen=True, eq=False)
class Layout:
    """Rows sorted into cells: the rows of one group under one row of X. Only the outcome differs within a cell, so
    the cell's sum and sum of squares are all that a likelihood needs.

    X: (cells, p) fixed-effect columns; group: (cells,) 0 … m − 1, not decreasing; sizes: (cells,) rows in each cell;
    order: (rows,) that sorts the rows, a slice where they are sorted.
    """

    X: np.ndarray
    group: np.ndarray
    sizes: np.ndarray
    order: np.ndarray | slice

    @property
    def rows(self) -> int:
        """Number of rows of one data set."""
        return int(self.sizes.sum())

    @property
    def groups(self) -> int:
        """Number of groups, m."""
        return int(self.group[-1]) + 1

    @cached_property
    def members(self) -> Any:
        """(m, cells) 1 where a cell is of the group: what sums over each group's cells are made with."""
        cells = np.arange(len(self.group))
        return sparse.csr_array((np.ones(len(cells)), (self.group, cells)))

    @cached_property
    def basis(self) -> tuple[np.ndarray, np.ndarray]:
        """Q (cells, p) and R (p, p), upper triangular: X = QR, and QᵀQ = I when each cell counts `sizes` times."""
        root = np.sqrt(self.sizes)[:, None]
        Q, R, dependent = orthonormal(root * self.X)
        if dependent is not None:
            raise ValueError(
                f"X is rank-deficient: column {dependent} is a combination of the columns before it; leave it out"
            )
        return Q / root, R

    def products(self, values: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """CᵢᵀVᵢ of each group's rows, (m, q, n), for columns C (cells, q) and values V (cells, n)."""
        weighted = (self.sizes[:, None] * columns).T
        return np.stack([self.members @ (w[:, None] * values) for w in weighted], axis=1)

    @cached_property
    def grams(self) -> np.ndarray:
        """QᵢᵀQᵢ of each group, (m, p, p); they add up to the identity."""
        return self.products(self.basis[0], self.basis[0])

    @cached_property
    def kinds(self) -> list[np.ndarray]:
        """The groups that have the same QᵢᵀQᵢ, but for the last digits of the basis."""
        rounded = np.round(self.grams * self.groups, 11)
        _, kind = np.unique(rounded, axis=0, return_inverse=True)
        return [np.flatnonzero(kind == k) for k in range(kind.max() + 1)]


def layout_of(design_or_X: Any, groups: Any = None) -> Layout:
    """The layout of a `Design`, or of a matrix X (rows, p) with one group label per row.

    A design has the columns intercept, then one 0/1 column per condition but the first. TypeError or ValueError for
    what are no numbers, wrong shapes, NaN or infinity, labels missing, one group only, too few rows, rank-deficient X.
    """
    if isinstance(design_or_X, Design):
        if groups is not None:
            raise ValueError(
                "groups must be left out when a Design is given: the design knows its groups"
            )
        group, condition, _ = design_or_X.row_index
        X = (condition[:, None] == np.arange(design_or_X.counts.shape[1])).astype(float)
        X[:, 0] = 1
    else:
        X = _matrix(design_or_X)
        group = _labels(groups, len(X))
    rows, columns = X.shape
    _, first, cell = np.unique(
        np.column_stack([group, X]), axis=0, return_index=True, return_inverse=True
    )
    # Cells in order of first appearance within each group: rows that lie group by group keep their order.
    rank = np.lexsort((first, group[first]))
    cell_of_row = np.argsort(rank)[cell.ravel()]
    order = np.argsort(cell_of_row, kind="stable")
    layout = Layout(
        X=X[first[rank]],
        group=group[first[rank]],
        sizes=np.bincount(cell_of_row).astype(float),
        order=slice(None) if (np.diff(order) == 1).all() else order,
    )
    if layout.groups < 2:
        raise ValueError(
            "groups must name two groups or more; given one: it cannot show how groups differ"
        )
    if rows <= columns:
        raise ValueError(
            f"X has {columns} columns for {rows} rows; too few rows to estimate a variance"
        )
    _ = layout.basis
    return layout


def _matrix(X: Any) -> np.ndarray:
    """X as floats (rows, p), checked."""
    matrix = number_array(
        "design_or_X", X, "a Design or an array (rows, columns) of numbers", "fiub"
    )
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            f"X must be an array (rows, columns) with at least one of each; given shape {matrix.shape}"
        )
    matrix = matrix.astype(float)
    for row, column in np.argwhere(~np.isfinite(matrix)):
        raise ValueError(
            f"X must be finite; given {matrix[row, column]} in row {row}, column {column}"
        )
    return matrix


def _labels(groups: Any, rows: int) -> np.ndarray:
    """Group labels as whole numbers in order of first appearance."""
    if groups is None:
        raise ValueError("groups must be given with a matrix X: one label per row")
    labels = label_array(groups, rows)
    try:
        codes, names = pd.factorize(labels)
    except TypeError:  # lists, mappings
        raise TypeError(
            f"groups must hold labels that are text or numbers; given {labels[0]!r}"
        ) from None
    blank = [k for k, name in enumerate(names) if isinstance(name, str) and not name.strip()]
    missing = np.flatnonzero((codes < 0) | np.isin(codes, blank))
    if missing.size:
        raise ValueError(
            f"groups must name a group in every row; blank or missing in row {some(missing)}"
        )
    return codes


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
    sizes = layout.sizes.astype(int)
    y = np.ascontiguousarray(outcomes[:, layout.order], dtype=float)
    squares = np.einsum("ij,ij->i", y, y)
    for bad in np.flatnonzero(~np.isfinite(squares)):
        raise ValueError(
            f"y must be finite, and small enough to be squared; data set {first + bad} is not"
        )
    sums = np.add.reduceat(y, np.cumsum(sizes) - sizes, axis=1)
    means = sums / sizes
    if len(sizes) == layout.rows:
        return CellStatistics(means.T.copy(), np.zeros(len(y)), squares)
    within = squares - np.einsum("ij,ij->i", sums, means)
    doubtful = np.flatnonzero(within < 1e-4 * squares)
    deviations = y[doubtful] - np.repeat(means[doubtful], sizes, axis=1)
    exact = np.einsum("ij,ij->i", deviations, deviations)
    # What is left of equal outcomes is rounding: 16 digits of the outcome, squared.
    within[doubtful] = np.where(exact > 1e-29 * squares[doubtful], exact, 0)
    return CellStatistics(means.T.copy(), within, squares)
