"""What data sets of one layout share: cells, groups and the fixed-effect columns, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fewgroups.arguments import label_array, number_array, some
from fewgroups.designs import Design
from fewgroups.structure import orthonormal


@dataclass(frozen=True, eq=False)
class Layout:
    """Rows sorted into cells: the rows of one group under one row of X. Only the outcome differs within a cell, so
    the cell's sum and sum of squares are all that a likelihood needs.

    X: (cells, p) fixed-effect columns; group: (cells,) 0 … m − 1, not decreasing; sizes: (cells,) rows in each cell;
    starts: (cells,) first row of each after sorting; order: (rows,) that sorts the rows, a slice where they are sorted.
    """

    X: np.ndarray
    group: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    order: np.ndarray | slice

    @property
    def rows(self) -> int:
        """Number of rows of one data set."""
        return int(self.sizes.sum())

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.sizes)

    @property
    def columns(self) -> int:
        """Number of fixed-effect columns, p."""
        return self.X.shape[1]

    @cached_property
    def group_starts(self) -> np.ndarray:
        """First cell of each group, (m,)."""
        return np.concatenate([[0], np.flatnonzero(np.diff(self.group)) + 1])

    @property
    def groups(self) -> int:
        """Number of groups, m."""
        return len(self.group_starts)

    @cached_property
    def even(self) -> bool:
        """Whether all groups have the same number of cells."""
        return bool(np.ptp(np.diff(self.group_starts, append=self.cells)) == 0)

    @cached_property
    def pattern(self) -> np.ndarray | None:
        """Rows in each cell of a group, where all groups have the same; else None."""
        sizes = self.sizes.astype(int).reshape(self.groups, -1) if self.even else None
        return sizes[0] if sizes is not None and (sizes == sizes[0]).all() else None

    @cached_property
    def group_sizes(self) -> np.ndarray:
        """Rows of each group, (m,)."""
        return self.by_group(self.sizes)

    def by_group(self, values: np.ndarray) -> np.ndarray:
        """Sums over each group's cells, along the first axis."""
        if self.even:  # in a seventh of reduceat's time
            return values.reshape(self.groups, -1, *values.shape[1:]).sum(axis=1)
        return np.add.reduceat(values, self.group_starts, axis=0)

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

    @cached_property
    def grams(self) -> np.ndarray:
        """QᵢᵀQᵢ of each group, (m, p, p); they add up to the identity."""
        Q, _ = self.basis
        return self.by_group(self.sizes[:, None, None] * Q[:, :, None] * Q[:, None, :])

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
    layout = _cells(X, group)
    if layout.groups < 2:
        raise ValueError(
            "groups must name two groups or more; given one: it cannot show how groups differ"
        )
    if layout.rows <= layout.columns:
        raise ValueError(
            f"X has {layout.columns} columns for {layout.rows} rows; too few rows to estimate a variance"
        )
    _ = layout.basis
    return layout


def _matrix(X: Any) -> np.ndarray:
    """X as floats (rows, p), checked."""
    what = "a Design or an array (rows, columns) of numbers"
    matrix = number_array("design_or_X", X, what, "fiub")
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


def _cells(X: np.ndarray, group: np.ndarray) -> Layout:
    """The layout of rows X (rows, p) with group numbers (rows,)."""
    _, first, cell = np.unique(
        np.column_stack([group, X]), axis=0, return_index=True, return_inverse=True
    )
    # Cells in order of first appearance within each group: rows that lie group by group keep their order.
    rank = np.lexsort((first, group[first]))
    cell_of_row = np.argsort(rank)[cell.ravel()]
    order = np.argsort(cell_of_row, kind="stable")
    sizes = np.bincount(cell_of_row)
    return Layout(
        X=X[first[rank]],
        group=group[first[rank]],
        sizes=sizes.astype(float),
        starts=np.cumsum(sizes) - sizes,
        order=slice(None) if (np.diff(order) == 1).all() else order,
    )
