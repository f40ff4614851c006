"""Eigenvalues and eigenvectors of what athletes share, with digits that do not depend on the number of threads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.batch.layouts import combine, orthonormal

NULL = 1e-10
"""An eigenvalue below this share of the largest is rounding."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Spectrum of D − SSᵀ with D = diag(sizes), in two kinds of eigenspaces.

    Athletes with the same number n of rows differ among each other, beyond what X explains, in contrasts that all
    have the eigenvalue n: they need no eigenvectors, only the part of their totals that S leaves over. What S does
    explain is a small eigenvalue problem, however many athletes there are.

    Attributes
    ----------
    members, spans : for each contrast space the athletes in it (k,), and the part of S to take out, (k, r).
    contrast_roots, contrast_copies : their eigenvalues and dimensions.
    roots : (s,) the other eigenvalues, zeros included; `vectors` (s, m) their eigenvectors.
    """

    members: list[np.ndarray]
    spans: list[np.ndarray]
    contrast_roots: np.ndarray
    contrast_copies: np.ndarray
    roots: np.ndarray
    vectors: np.ndarray

    def contrast_squares(self, totals: np.ndarray) -> np.ndarray:
        """Squared length of `totals` (m, n) in each contrast space, (spaces, n)."""
        squares = np.empty((len(self.members), totals.shape[1]))
        for k, (members, span) in enumerate(zip(self.members, self.spans, strict=True)):
            part = totals[members]
            part = part - combine(span, combine(span.T, part))
            squares[k] = (part**2).sum(axis=0)
        return squares


def spectrum(sizes: np.ndarray, shares: np.ndarray) -> Spectrum:
    """The spectrum of diag(sizes) − shares·sharesᵀ; sizes (m,), shares (m, p)."""
    members, spans, contrast_roots, contrast_copies, columns, owners = [], [], [], [], [], []
    for size in np.unique(sizes):
        here = np.flatnonzero(sizes == size)
        span, _, kept = orthonormal(shares[here], np.ones(len(here)))
        span = span[:, kept]
        if len(here) > span.shape[1]:
            members.append(here)
            spans.append(span)
            contrast_roots.append(size)
            contrast_copies.append(len(here) - span.shape[1])
        for column in span.T:
            columns.append(np.zeros(len(sizes)))
            columns[-1][here] = column
            owners.append(size)
    basis = np.array(columns).reshape(-1, len(sizes))
    explained = combine(basis, shares)
    roots, rotation = jacobi(np.diag(np.array(owners)) - combine(explained, explained.T.copy()))
    roots = np.where(roots > NULL * sizes.max(), roots, 0.0)
    return Spectrum(
        members,
        spans,
        np.array(contrast_roots, dtype=float),
        np.array(contrast_copies, dtype=float),
        roots,
        combine(rotation.T.copy(), basis),
    )


def jacobi(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (s,) and eigenvectors (s, s; columns) of a symmetric matrix by Jacobi rotations.

    All pairs of a round are rotated at once, as players meet in a round-robin tournament (Brent & Luk 1985, SIAM J.
    Sci. Stat. Comput. 6:69). LAPACK would be faster, but its digits depend on the number of threads.
    """
    size = len(matrix)
    A, V = matrix.astype(float), np.eye(size)
    players = np.arange(size + size % 2)
    for _ in range(60):
        if (np.triu(A, 1) ** 2).sum() <= 1e-32 * (np.diag(A) ** 2).sum():
            break
        for _ in range(len(players) - 1):
            pairs = np.sort(players.reshape(2, -1), axis=0)
            i, j = pairs[:, pairs[1] < size]
            live = A[i, j] != 0
            i, j = i[live], j[live]
            gap = (A[j, j] - A[i, i]) / (2 * A[i, j])
            tangent = np.where(gap >= 0, 1.0, -1.0) / (np.abs(gap) + np.hypot(1, gap))
            cosine = 1 / np.hypot(1, tangent)
            sine = tangent * cosine
            for M in (A, V):
                M[:, i], M[:, j] = (
                    cosine * M[:, i] - sine * M[:, j],
                    sine * M[:, i] + cosine * M[:, j],
                )
            A[i], A[j] = (
                cosine[:, None] * A[i] - sine[:, None] * A[j],
                sine[:, None] * A[i] + cosine[:, None] * A[j],
            )
            A[i, j] = A[j, i] = 0.0
            # The first player keeps the seat, the others move on by one.
            half = len(players) // 2
            circle = np.concatenate([players[1:half], players[: half - 1 : -1]])
            circle = np.roll(circle, 1)
            players = np.concatenate([players[:1], circle[: half - 1], circle[half - 1 :][::-1]])
    return np.diag(A).copy(), V
