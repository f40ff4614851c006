"""Random-intercept models for many data sets: one variance ratio, closed form in balanced layouts, Newton elsewhere.

With θ = τ²/σ², M = I − X(XᵀX)⁻¹Xᵀ and ZᵀMZ = Σ λₖvₖvₖᵀ, minus twice the restricted log-likelihood is, up to constants,
(N−p) log[R + Σ sₖ/(1+θλₖ)] + Σ log(1+θλₖ), with sₖ = (vₖᵀZᵀMy)²/λₖ and R the residual sum of squares once every
group has a column (Patterson & Thompson 1971, Biometrika 58:545; spectral form: Kang et al. 2008, Genetics 178:1709).
A data set is then a handful of numbers, however many columns X has. Every sum has positive terms: no digits are lost.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import block_diag

from fewgroups.batch.cells import CellStatistics, Layout

ROUNDING = 1e-10  # an eigenvalue below this share of the largest is zero
GRID = 9  # points at which the profile is looked at for a start
ROUNDS = (
    80  # Newton and bisection steps after which a data set counts as not solved; five are usual
)


class InterceptModel:
    """What the fits of one layout share; ValueError when X leaves no difference between groups, or no residual, to
    estimate a variance from.

    Groups with the same number of rows (a class) have, beyond what X explains of their totals, that number as their
    eigenvalue, with a multiplicity: their sum of squares is all that matters, and no eigenvectors are needed.

    R_inverse: (p, p), X = QR with the layout's orthonormal columns Q; group_sizes: (m,) rows of each; shares: (m, p)
        ZᵀQ;
    explained: (m, s) orthonormal basis of what X explains of the totals of each class;
    classes: (c, m) 1 where a group belongs to the class, for the classes that X does not explain entirely;
    vectors, vector_eigenvalues, inverses: (m, s), (s,), (s,) the other eigenvectors, their λ, zeros included, and 1/λ,
        or 0;
    eigenvalues: the λ > 0 of the terms sₖ, classes first;
    log_factors, multiplicity: a and c of the terms c·log(1 + aθ): λ under REML, the groups' sizes under ML;
    blup_weights: (p, s) (XᵀX)⁻¹XᵀZv of each vector: what predicted group effects take off the coefficients;
    df: N − p under REML, N under ML; constant: what log|XᵀX| and 2π add to −2 log-likelihood;
    closed: whether θ has a closed form: all eigenvalues, and all that is in the logarithms, are equal.
    """

    def __init__(self, layout: Layout, reml: bool) -> None:
        Q, R, m, p = layout.Q, layout.R, layout.groups, layout.X.shape[1]
        self.layout, self.group_sizes = layout, layout.members @ layout.sizes
        sizes, class_of, members = np.unique(
            self.group_sizes, return_inverse=True, return_counts=True
        )
        # ZᵀMZ = D − SSᵀ with S = ZᵀQ and D the groups' sizes.
        self.shares = shares = layout.members @ (layout.sizes[:, None] * Q)
        spans = []
        for k in range(len(sizes)):
            span, lengths, _ = np.linalg.svd(shares[class_of == k], full_matrices=False)
            spans.append(span[:, lengths > 1e-9])
        ranks = np.array([span.shape[1] for span in spans])
        self.explained = np.empty((m, ranks.sum()))
        self.explained[np.argsort(class_of, kind="stable")] = block_diag(*spans)
        inner = self.explained.T @ shares
        values, rotation = np.linalg.eigh(np.diag(np.repeat(sizes, ranks)) - inner @ inner.T)
        values = np.where(values > ROUNDING * sizes.max(), values, 0.0)
        self.vectors, self.vector_eigenvalues = self.explained @ rotation, values
        self.inverses = np.divide(1, values, out=np.zeros_like(values), where=values > 0)
        contrasts, others = members - ranks, values[values > 0]
        kept = np.flatnonzero(contrasts > 0)
        self.classes = (class_of == kept[:, None]).astype(float)
        self.eigenvalues = np.concatenate([sizes[kept], others])
        self.log_factors = self.eigenvalues if reml else sizes
        self.multiplicity = np.concatenate([contrasts[kept], np.ones_like(others)])
        if not len(self.eigenvalues):
            raise ValueError(
                "X already tells every group from the others; no variance between groups is left to "
                "estimate: leave out columns that are constant within groups"
            )
        if layout.rows - p - self.multiplicity.sum() < 1:
            raise ValueError(
                f"too few rows: {layout.rows} for {p} fixed effects and {m} groups leave none to "
                "estimate the residual variance from; groups need repeats"
            )
        if not reml:
            self.multiplicity = members.astype(float)
        self.R_inverse = np.linalg.inv(R)
        self.blup_weights = self.R_inverse @ shares.T @ self.vectors
        self.df = layout.rows - p * reml
        self.constant = self.df * (1 + np.log(2 * np.pi / self.df))
        self.constant += 2 * reml * np.log(np.diag(R)).sum()
        both = np.concatenate([self.log_factors, self.eigenvalues])
        self.closed = bool(np.ptp(both) <= 1e-12 * both[0])

    def fit(self, cells: CellStatistics) -> dict[str, np.ndarray]:
        """Fits of n data sets at once.

        Returns arrays with data sets along the last axis: estimate (p, n), se (p, n), psi (1, 1, n) = τ²/σ², scale
        (n,), loglik (n,), solved (n,), singular (n,).
        """
        layout, Q = self.layout, self.layout.Q
        ols = (layout.sizes[:, None] * Q).T @ cells.means  # the coefficients of Q
        residuals = cells.means - Q @ ols
        totals = layout.members @ (layout.sizes[:, None] * residuals)
        contrasts = totals - self.explained @ (self.explained.T @ totals)
        scores = self.vectors.T @ totals
        explained = scores[self.vector_eigenvalues > 0]
        squares = np.concatenate([self.classes @ contrasts**2, explained**2])
        squares /= self.eigenvalues[:, None]
        # What is left once every group has a column of its own.
        effects = contrasts / self.group_sizes[:, None]
        effects += self.vectors @ (self.inverses[:, None] * scores)
        residuals += Q @ (self.shares.T @ effects) - effects[layout.group]
        rest = cells.within + layout.sizes @ residuals**2
        # Less than 14 digits below the outcome itself is rounding: no residual variance, nothing to estimate.
        alive = rest > 1e-28 * cells.squares
        rest, squares = np.where(alive, rest, 1.0), np.where(alive, squares, 0.0)
        if self.closed:  # the ANOVA estimator cut at zero (Searle, Casella & McCulloch 1992, §4.5)
            between = self.multiplicity.sum()
            excess = (self.df - between) * squares.sum(axis=0) / (between * rest) - 1
            theta, solved = np.maximum(excess, 0) / self.eigenvalues[0], alive
        else:
            theta, solved = self._newton(squares, rest)
        total, value, *_ = self._profile(squares, rest, theta)
        shrunk = theta / (1 + theta * self.vector_eigenvalues[:, None])
        scale = total / self.df
        unit = (self.R_inverse**2).sum(axis=1, keepdims=True)
        return {
            "estimate": self.R_inverse @ ols - self.blup_weights @ (shrunk * scores),
            "se": np.sqrt(scale * (unit + self.blup_weights**2 @ shrunk)),
            "psi": theta[None, None],
            "scale": scale,
            "loglik": -(value + self.constant) / 2,
            "solved": solved & alive,
            # τ/σ below 1e-4, lme4's tolerance: a ratio, whatever the units of the outcome.
            "singular": (theta < 1e-8) & solved & alive,
        }

    def _newton(self, squares: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """θ of every data set, and whether it was reached: Newton's method on s = log(1 + θ·λ₁), or else bisection.

        The start is the lowest of a few points, and the search stays between its neighbours: with few, uneven groups
        the likelihood can have a maximum at zero and another one.
        """
        unit, every = self.eigenvalues.max(), np.arange(len(rest))
        # No stationary point lies beyond the θ at which each term is smaller than its own logarithm's slope.
        furthest = max(1.0, unit / self.log_factors.min())
        largest = (furthest * self.df * squares / rest - 1) / self.eigenvalues[:, None]
        grid = np.linspace(0, np.log1p(unit * np.maximum(largest.max(axis=0), 0)), GRID)
        found = [self._profile(squares, rest, np.expm1(s) / unit) for s in grid]
        lowest, falling = np.argmin([value for _, value, *_ in found], axis=0), found[0][2] < 0
        low, high = (grid[np.clip(lowest + k, 0, GRID - 1), every] for k in (-1, 1))
        s = np.where(lowest > 0, grid[lowest, every], np.where(falling, high / 2, 0.0))
        active = np.flatnonzero((lowest > 0) | falling)  # for the others the maximum is at zero
        for _ in range(ROUNDS):
            if not active.size:
                break
            here, growth = s[active], np.exp(s[active]) / unit  # growth: dθ/ds
            theta = np.expm1(here) / unit
            _, _, slope, curvature = self._profile(squares[:, active], rest[active], theta)
            low[active] = left = np.where(slope < 0, here, low[active])
            high[active] = right = np.where(slope < 0, high[active], here)
            curvature = curvature * growth + slope
            with np.errstate(divide="ignore", invalid="ignore"):
                moved = here - slope / curvature
            safe = (curvature > 0) & (moved > left) & (moved < right)
            s[active] = moved = np.where(safe, moved, (left + right) / 2)
            active = active[np.abs(moved - here) > 1e-9 * (1 + here)]
        solved = np.ones(s.shape, dtype=bool)
        solved[active] = False
        return np.expm1(s) / unit, solved

    def _profile(
        self, squares: np.ndarray, rest: np.ndarray, theta: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """At θ (n,): the residual total R + Σ sₖ/(1+θλₖ), −2 log-likelihood but for the constant, and its first and
        second derivative."""
        shrunk = 1 / (1 + theta * self.eigenvalues[:, None])
        terms, weights = squares * shrunk, shrunk * self.eigenvalues[:, None]
        total = rest + terms.sum(axis=0)
        first = (terms * weights).sum(axis=0) / total
        second = 2 * (terms * weights**2).sum(axis=0) / total
        factors = 1 + theta * self.log_factors[:, None]
        share = self.log_factors[:, None] / factors
        value = self.df * np.log(total) + self.multiplicity @ np.log(factors)
        slope = self.multiplicity @ share - self.df * first
        return total, value, slope, self.df * (second - first**2) - self.multiplicity @ share**2
