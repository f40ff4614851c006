"""What data sets of one layout share: cells, athletes and the fixed-effect columns, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fewgroups.designs import Design

RANK_TOLERANCE = 1e-9
"""A column that keeps less than this share of its length beside the other columns adds nothing."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Rows sorted into cells: a cell is what one athlete did under one row of X. Only scores differ within a cell,
    so its sum and sum of squares say all that a likelihood needs.

    Attributes
    ----------
    X : (cells, p) fixed-effect columns, a row per cell.
    athlete : (cells,) int, 0 … m − 1, not decreasing.
    sizes : (cells,) float, rows in each cell.
    starts : (cells,) int, first row of each cell after sorting.
    order : (rows,) int that sorts the rows, or None where they stand sorted already.
    """

    X: np.ndarray
    athlete: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    order: np.ndarray | None

    @property
    def rows(self) -> int:
        """Number of scores in one data set."""
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
    def athlete_starts(self) -> np.ndarray:
        """First cell of each athlete, (m,)."""
        return np.concatenate([[0], np.flatnonzero(np.diff(self.athlete)) + 1])

    @property
    def athletes(self) -> int:
        """Number of athletes (groups), m."""
        return len(self.athlete_starts)

    @cached_property
    def even(self) -> bool:
        """Whether all athletes have as many cells."""
        return bool(np.ptp(np.diff(self.athlete_starts, append=self.cells)) == 0)

    @cached_property
    def pattern(self) -> np.ndarray | None:
        """Rows in each cell of an athlete, where they are those of every athlete; else None."""
        sizes = self.sizes.astype(int).reshape(self.athletes, -1) if self.even else None
        return sizes[0] if sizes is not None and (sizes == sizes[0]).all() else None

    @cached_property
    def athlete_sizes(self) -> np.ndarray:
        """Rows of each athlete, (m,)."""
        return self.by_athlete(self.sizes)

    @cached_property
    def athlete_sums(self) -> np.ndarray:
        """Column sums of X over each athlete's rows, XᵢᵀZᵢ for a random intercept, (m, p)."""
        return self.by_athlete(self.sizes[:, None] * self.X)

    @cached_property
    def grams(self) -> np.ndarray:
        """XᵢᵀXᵢ of each athlete, (m, p, p)."""
        return self.by_athlete(self.sizes[:, None, None] * self.X[:, :, None] * self.X[:, None, :])

    def by_athlete(self, values: np.ndarray) -> np.ndarray:
        """Sums over each athlete's cells, along the first axis."""
        if self.even:  # the same sums in the same order, in a third of the time
            return values.reshape(self.athletes, -1, *values.shape[1:]).sum(axis=1)
        return np.add.reduceat(values, self.athlete_starts, axis=0)

    @cached_property
    def basis(self) -> tuple[np.ndarray, np.ndarray]:
        """Q (cells, p) and R (p, p), upper triangular: X = QR, and QᵀQ = I when each cell counts `sizes` times."""
        Q, R, kept = orthonormal(self.X, self.sizes)
        if not kept.all():
            raise ValueError(
                f"X is rank-deficient: column {np.flatnonzero(~kept)[0]} is a combination of the columns "
                "before it; leave it out"
            )
        return Q, R

    @cached_property
    def coefficients(self) -> np.ndarray:
        """Least-squares map from cell means to coefficients, (XᵀX)⁻¹XᵀW, (p, cells)."""
        Q, R = self.basis
        return solve_upper(R, (self.sizes[:, None] * Q).T)


def orthonormal(
    columns: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q, R and a mask (p,) of the columns kept: columns (k, p) = QR with QᵀWQ = I, zeros where a column adds nothing.

    Gram–Schmidt done twice; like all sums in the engine it avoids the BLAS, whose digits move with the number of
    threads.
    """
    Q = np.zeros(columns.shape)
    R = np.zeros((columns.shape[1],) * 2)
    for k in range(columns.shape[1]):
        column = columns[:, k].astype(float)
        length = np.sqrt((weights * column**2).sum())
        for _ in range(2):
            share = (weights[:, None] * Q[:, :k] * column[:, None]).sum(axis=0)
            column -= (Q[:, :k] * share).sum(axis=1)
            R[:k, k] += share
        left = np.sqrt((weights * column**2).sum())
        if left > RANK_TOLERANCE * length:
            R[k, k] = left
            Q[:, k] = column / left
    return Q, R, np.diag(R) > 0


def solve_upper(R: np.ndarray, B: np.ndarray) -> np.ndarray:
    """R⁻¹B for an upper triangular R (p, p), by back substitution (no BLAS)."""
    solution = np.zeros_like(B, dtype=float)
    for k in reversed(range(len(R))):
        solution[k] = (B[k] - (R[k, k + 1 :, None] * solution[k + 1 :]).sum(axis=0)) / R[k, k]
    return solution


def layout_of(design_or_X: Any, groups: Any = None) -> Layout:
    """The layout of a `Design`, or of a matrix X (rows, p) with one group label per row.

    A design with k sessions has the columns intercept, then one 0/1 column per session but the first.

    Raises
    ------
    TypeError, ValueError
        Not numbers, wrong shapes, NaN or infinity, labels missing, one group only, too few rows, rank-deficient X.
    """
    if isinstance(design_or_X, Design):
        if groups is not None:
            raise ValueError(
                "groups must be left out when a Design is given: the design knows its athletes"
            )
        athlete, session, _ = design_or_X.row_index
        X = np.column_stack(
            [np.ones(session.size)] + [session == k for k in range(1, design_or_X.counts.shape[1])]
        ).astype(float)
    else:
        X = _matrix(design_or_X)
        athlete = _labels(groups, len(X))
    layout = _cells(X, athlete)
    if layout.athletes < 2:
        raise ValueError(
            "groups must name two athletes or more; given one: it cannot show how athletes differ"
        )
    if layout.rows <= layout.columns:
        raise ValueError(
            f"X has {layout.columns} columns for {layout.rows} rows; too few rows to estimate a variance"
        )
    _ = layout.basis
    return layout


def _matrix(X: Any) -> np.ndarray:
    try:
        matrix = np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"X must be a rectangular array (rows, columns) of numbers: {error}"
        ) from None
    if np.ma.is_masked(X):
        raise TypeError(
            "design_or_X has masked values, which would be taken as they stand below the mask"
        )
    if matrix.dtype.kind not in "fiub":
        raise TypeError(
            f"design_or_X must be a Design or an array (rows, columns) of numbers; "
            f"given {type(X).__name__} of dtype {matrix.dtype}"
        )
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            f"X must be an array (rows, columns) with at least one of each; given shape {matrix.shape}"
        )
    matrix = matrix.astype(float)
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise ValueError(
            f"X must be finite; given {matrix[row, column]} in row {row}, column {column}"
        )
    return matrix


def _labels(groups: Any, rows: int) -> np.ndarray:
    """Group labels as whole numbers in order of first appearance."""
    if groups is None:
        raise ValueError("groups must be given with a matrix X: one athlete label per row")
    # A list of text would turn a missing value in it into the text "nan".
    labels = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if labels.shape != (rows,):
        raise ValueError(
            f"groups must hold one label per row of X: shape ({rows},); given {labels.shape}"
        )
    missing = [
        k
        for k, (label, absent) in enumerate(zip(labels.tolist(), pd.isna(labels), strict=True))
        if absent or (isinstance(label, str) and not label.strip())
    ]
    if missing:
        raise ValueError(
            f"groups must name an athlete in every row; blank or missing in row {missing[0]}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
        )
    seen: dict[Any, int] = {}
    try:
        return np.array([seen.setdefault(label, len(seen)) for label in labels.tolist()])
    except TypeError:  # lists, mappings
        raise TypeError(
            f"groups must hold labels that are text or numbers; given {labels[0]!r}"
        ) from None


def _cells(X: np.ndarray, athlete: np.ndarray) -> Layout:
    _, first, cell = np.unique(
        np.column_stack([athlete, X]), axis=0, return_index=True, return_inverse=True
    )
    # Cells in order of first appearance within each athlete, so that a sheet in athlete order stays as it is.
    rank = np.lexsort((first, athlete[first]))
    place = np.empty_like(rank)
    place[rank] = np.arange(len(rank))
    cell_of_row = place[cell.ravel()]
    order = np.argsort(cell_of_row, kind="stable")
    sizes = np.bincount(cell_of_row)
    return Layout(
        X=X[first[rank]],
        athlete=athlete[first[rank]],
        sizes=sizes.astype(float),
        starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]),
        order=None if (np.diff(order) == 1).all() else order,
    )


def combine(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """weights (j, k) times values (k, n), summed over k in order by einsum's own loops (no BLAS): (j, n)."""
    return np.einsum("jk,kn->jn", weights, values)
