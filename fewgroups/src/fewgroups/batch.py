"""`fit_many`: (RE)ML fits of many data sets of one layout at once, with random intercepts, or with slopes too. Data
sets lie along the last axis (n), so that einsum's inner loops are long."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from fewgroups.arguments import label_array, number_array, some, true_or_false
from fewgroups.designs import Design
from fewgroups.structure import orthonormal, square_derivatives

Array = np.ndarray
BLOCK, LEAST = 2**16, 2**10
"""Cell means handled at a time, of so many data sets at least: few enough to stay in the processor's cache, and enough
for those that take many steps to take them together."""
GRID = 9  # points at which the profile of an intercept model is looked at for a start
ROUNDS = 200  # Newton steps after which a data set counts as not solved; six are usual
ROUNDED = 1e-28  # of Σy²: a smaller residual sum of squares is rounding (14 digits), no variance
SINGULAR = 1e-8  # eigenvalue of Ψ at which a fit is on the boundary: 1e-4 as a ratio of SDs, lme4's tolerance
ZERO, INWARDS = (
    1e-4,
    0.1,
)  # a diagonal entry that counts as zero, and where it goes if the likelihood rises there
DONE = 1e-10
"""A step with a smaller predicted decrease of −2 log-likelihood is the last one: at Newton's pace what is left after it
is about the square of that, and a third of it where the likelihood is flat at the boundary."""


@dataclass(frozen=True, eq=False)
class Fits:
    """Fits of n data sets, p fixed effects, q random effects (1, or 2 with slopes), by REML (`reml`) or ML.

    estimate, se: (n, p) fixed effects and their standard errors, from σ²(XᵀV⁻¹X)⁻¹ as in lme4; cov_re: (n, q, q)
        covariance of the random effects, in units of y squared; scale: (n,) residual variance σ²; loglik: (n,) the
        (restricted) log-likelihood, with the constants of lme4 and statsmodels;
    converged: (n,) False where the outcome has no residual variance (a constant outcome, for example): there is no
        maximum, and the numbers of that data set are NaN;
    singular: (n,) True where the smallest SD of a random effect (in columns made orthonormal and scaled so that the
        average group's information is one; for an intercept alone τ/σ itself) is below 1e-4 of the residual SD: on the
        boundary, whatever the units.
    """

    estimate: Array
    se: Array
    cov_re: Array
    scale: Array
    loglik: Array
    converged: Array
    singular: Array
    reml: bool


def fit_many(
    y: Any, design_or_X: Any, groups: Any = None, slopes: bool = False, reml: bool = True
) -> Fits:
    """Mixed models with one grouping factor for many data sets at once: only the outcome differs between them.

    y: (n, rows) or (rows,) outcomes, a data set per row, in the order of the design's table or of the rows of X.
    design_or_X: a `Design`, which gives an intercept and a 0/1 column for each condition but the first; or an array
        (rows, p), with `groups` (rows,), the labels of the groups.
    slopes: False for a random intercept; True for a random slope of the second column too: X must have two columns.
    reml: restricted (True) or full maximum likelihood.

    Returns `Fits`. Balanced layouts have a closed form; for the others Newton's method is run on sufficient statistics,
    all data sets together. With few, uneven groups the likelihood of a slope model can have several maxima, and the one
    that is reached from the one start is not always the highest, as with lmer; the library's README says how often.

    TypeError or ValueError for input that is not numeric, of the wrong shape, not finite, rank-deficient, with one
    group, too few rows, or a slope that no group's data can identify. A data set without residual variance is not an
    error: see `Fits.converged`.
    """
    slopes, reml = true_or_false("slopes", slopes), true_or_false("reml", reml)
    layout = layout_of(design_or_X, groups)
    outcomes = np.atleast_2d(number_array("y", y, "an array of numbers, (data sets, rows)"))
    if outcomes.ndim != 2 or outcomes.shape[1] != layout.rows or not len(outcomes):
        raise ValueError(
            f"y must have the shape (data sets, {layout.rows}), with at least one data set; given {np.shape(y)}"
        )
    model = SlopeModel(layout, reml) if slopes else InterceptModel(layout, reml)
    step = max(LEAST, BLOCK // len(layout.sizes))
    blocks = [
        model.fit(CellStatistics(layout, outcomes[start : start + step], start))
        for start in range(0, len(outcomes), step)
    ]
    found = {name: np.concatenate([block[name].T for block in blocks]) for name in blocks[0]}
    solved, singular = found.pop("solved"), found.pop("singular")
    for values in found.values():
        values[~solved] = np.nan
    cov_re = found["scale"][:, None, None] * found.pop("psi")
    return Fits(cov_re=cov_re, converged=solved, singular=singular, reml=reml, **found)


class Layout:
    """Rows sorted into cells: the rows of one group under one row of X. Only the outcome differs within a cell, so the
    cell's sum and sum of squares are all that a likelihood needs. ValueError for a rank-deficient X.

    rows, groups: N and m; X: (cells, p) fixed-effect columns; group: (cells,) 0 … m − 1, not decreasing; sizes:
    (cells,) rows in each cell; order: (rows,) that sorts the rows, a slice where they are sorted; members: (m, cells) 1
    where a cell is of the group; Q: (cells, p), R: (p, p) upper triangular: X = QR, QᵀQ = I when each cell counts
    `sizes` times.
    """

    def __init__(self, X: Array, group: Array) -> None:
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

    def products(self, values: Array, columns: Array) -> Array:
        """CᵢᵀVᵢ of each group's rows, (m, q, n), for columns C (cells, q) and values V (cells, n)."""
        weighted = (self.sizes[:, None] * columns).T
        return np.stack([self.members @ (w[:, None] * values) for w in weighted], axis=1)

    @cached_property
    def grams(self) -> Array:
        """QᵢᵀQᵢ of each group, (m, p, p); they add up to the identity."""
        return self.products(self.Q, self.Q)

    @cached_property
    def kinds(self) -> list[Array]:
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
            raise ValueError(f"X must be an array (rows, columns), not empty; given {X.shape}")
        X = X.astype(float)
        for row, column in np.argwhere(~np.isfinite(X)):
            raise ValueError(f"X must be finite; row {row}, column {column} is {X[row, column]}")
        if groups is None:
            raise ValueError("groups must be given with a matrix X: one label per row")
        group, names = pd.factorize(label_array(groups, len(X)))
        blank = [k for k, name in enumerate(names) if isinstance(name, str) and not name.strip()]
        missing = np.flatnonzero((group < 0) | np.isin(group, blank))
        if missing.size:
            raise ValueError(f"groups must be named; blank or missing in row {some(missing)}")
    if group.max() < 1:
        raise ValueError("groups must name two groups or more; one cannot show how groups differ")
    if len(X) <= X.shape[1]:
        raise ValueError(f"X has too few rows, {len(X)}, for {X.shape[1]} columns and a variance")
    return Layout(X, group)


class CellStatistics:
    """Sufficient statistics of `outcomes` (n, rows), the first of which has the number `first`; ValueError when a value
    or its square is not finite. Data sets lie along the last axis from here on.

    means: (cells, n) of each cell; within: (n,) sum of squares around them, 0 where the outcomes of each cell are all
    alike; squares: (n,) sum of squares of the outcome, the size that rounding errors are measured against;
    coefficients: (p, n) of the layout's Q by least squares; residuals: (cells, n) of the means from that fit.
    """

    def __init__(self, layout: Layout, outcomes: Array, first: int = 0) -> None:
        sizes = layout.sizes.astype(int)
        y = np.ascontiguousarray(outcomes[:, layout.order], dtype=float)
        squares = np.einsum("ij,ij->i", y, y)
        for k in first + np.flatnonzero(~np.isfinite(squares)):
            raise ValueError(f"y must be finite, small enough to be squared; data set {k} is not")
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

    def sum_of_squares(self, residuals: Array) -> Array:
        """Σ(y − fitted)² (n,) of fits that leave these residuals (cells, n) of the means."""
        return self.within + self.layout.sizes @ residuals**2


class InterceptModel:
    """Random intercepts: what the fits of one layout share; ValueError when X leaves no difference between groups, or
    no residual, to estimate a variance from.

    With θ = τ²/σ², M = I − X(XᵀX)⁻¹Xᵀ and ZᵀMZ = Σ λₖvₖvₖᵀ, minus twice the restricted log-likelihood is, up to
    constants, (N−p) log[R + Σ sₖ/(1+θλₖ)] + Σ log(1+θλₖ), with sₖ = (vₖᵀZᵀMy)²/λₖ and R the residual sum of squares
    once every group has a column (Patterson & Thompson 1971, Biometrika 58:545; spectral form: Kang et al. 2008,
    Genetics 178:1709). A data set is then a handful of numbers, however many columns X has. Every sum has positive
    terms: no digits are lost. Groups with the same number of rows (a class) have, beyond what X explains of their
    totals, that number as their eigenvalue, with a multiplicity: their sum of squares is all that matters, and no
    eigenvectors are needed.

    R_inverse: (p, p), X = QR with the layout's orthonormal columns Q; shares: (m, p) ZᵀQ; group_sizes: (m,) rows;
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
            of_class = np.where((class_of == k)[:, None], shares, 0.0)
            span, lengths, _ = np.linalg.svd(of_class, full_matrices=False)
            spans.append(span[:, lengths > 1e-9])
        ranks = np.array([span.shape[1] for span in spans])
        self.explained = np.hstack(spans)
        inner = self.explained.T @ shares
        values, rotation = np.linalg.eigh(np.diag(np.repeat(sizes, ranks)) - inner @ inner.T)
        values = np.where(values > 1e-10 * sizes.max(), values, 0.0)
        self.vectors, self.vector_eigenvalues = self.explained @ rotation, values
        self.inverses = np.divide(1, values, out=np.zeros_like(values), where=values > 0)
        contrasts, others = members - ranks, values[values > 0]
        kept = np.flatnonzero(contrasts > 0)
        self.classes = (class_of == kept[:, None]).astype(float)
        self.eigenvalues = np.concatenate([sizes[kept], others])
        multiplicity = np.concatenate([contrasts[kept], np.ones_like(others)])
        if not len(self.eigenvalues):
            raise ValueError(
                "X already tells every group from the others: leave out columns that are constant within groups"
            )
        if layout.rows - p - multiplicity.sum() < 1:
            raise ValueError(
                f"too few rows, {layout.rows}, for {p} fixed effects, {m} groups and a residual variance: add repeats"
            )
        self.log_factors = self.eigenvalues if reml else sizes
        self.multiplicity = multiplicity if reml else members.astype(float)
        self.R_inverse = np.linalg.inv(R)
        self.blup_weights = self.R_inverse @ shares.T @ self.vectors
        self.df = layout.rows - p * reml
        self.constant = self.df * (1 + np.log(2 * np.pi / self.df))
        self.constant += 2 * reml * np.log(np.diag(R)).sum()
        both = np.concatenate([self.log_factors, self.eigenvalues])
        self.closed = bool(np.ptp(both) <= 1e-12 * both[0])

    def fit(self, cells: CellStatistics) -> dict[str, Array]:
        """Of n data sets at once: estimate, se (p, n), psi (1, 1, n) = τ²/σ², scale, loglik, solved, singular (n,)."""
        layout = self.layout
        totals = layout.members @ (layout.sizes[:, None] * cells.residuals)
        contrasts = totals - self.explained @ (self.explained.T @ totals)
        scores = self.vectors.T @ totals
        explained = scores[self.vector_eigenvalues > 0]
        squares = np.concatenate([self.classes @ contrasts**2, explained**2])
        squares /= self.eigenvalues[:, None]
        # What is left once every group has a column of its own.
        effects = contrasts / self.group_sizes[:, None]
        effects += self.vectors @ (self.inverses[:, None] * scores)
        fitted = effects[layout.group] - layout.Q @ (self.shares.T @ effects)
        rest = cells.sum_of_squares(cells.residuals - fitted)
        alive = rest > ROUNDED * cells.squares
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
            "estimate": self.R_inverse @ cells.coefficients - self.blup_weights @ (shrunk * scores),
            "se": np.sqrt(scale * (unit + self.blup_weights**2 @ shrunk)),
            "psi": theta[None, None],
            "scale": scale,
            "loglik": -(value + self.constant) / 2,
            "solved": solved & alive,
            "singular": (theta < SINGULAR) & solved & alive,
        }

    def _newton(self, squares: Array, rest: Array) -> tuple[Array, Array]:
        """θ of every data set, and whether it was reached: Newton's method on s = log(1 + θ·λ₁), or else bisection. The
        start is the lowest of a few points, and the search stays between its neighbours: with few, uneven groups the
        likelihood can have a maximum at zero and another one."""
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
        return np.expm1(s) / unit, ~np.isin(every, active)

    def _profile(self, squares: Array, rest: Array, theta: Array) -> tuple[Array, ...]:
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


class Lines(NamedTuple):
    """The groups' own lines: sums (2, P, n), squares (2, 2, P, n) Σbᵢ and Σbᵢbᵢᵀ over the groups of each kind; rest
    (n,) the sum of squares around them."""

    sums: Array
    squares: Array
    rest: Array


class Point(NamedTuple):
    """A profile at one Ψ per data set: −2 log-likelihood (n,), T (n,), β (2, n), A⁻¹ (2, 2, n), Wᵢ (2, 2, P, n)."""

    value: Array
    total: Array
    beta: Array
    inverse: Array
    weights: Array


class SlopeModel:
    """Random intercept and slope, the two columns of X being also those of Z: what the fits of one layout share.
    ValueError for other than two columns, and when no group's rows identify a slope or no residual is left.

    Each group's least-squares coefficients are sufficient, bᵢ ~ N(β, σ²(Gᵢ⁻¹ + Ψ)) with Gᵢ = XᵢᵀXᵢ: a bivariate
    random-effects meta-analysis. Everything is written with Wᵢ = (I + GᵢΨ)⁻¹Gᵢ, for 2 × 2 matrices (Gᵢ + |Gᵢ| adj Ψ) /
    (1 + tr GᵢΨ + |Gᵢ||Ψ|), which needs no inverse of Gᵢ: a group without one condition has |Gᵢ| = 0. Minus twice the
    log-likelihood is, with β and σ² profiled out and up to constants, df·log T + Σ log|I + GᵢΨ| (+ log|A| under REML),
    with A = ΣWᵢ, β = A⁻¹ΣWᵢbᵢ and T = rest + Σ(bᵢ − β)ᵀWᵢ(bᵢ − β) (Bates, Mächler, Bolker & Walker 2015, J. Stat.
    Softw. 67(1), section 3). The columns are made orthonormal, and scaled so that the average Gᵢ is the identity; Ψ is
    then free of units, and its eigenvalues say how much groups differ beside what their own rows can tell.

    Q, R: (cells, 2), (2, 2) the orthonormal columns times √m, X = QR; grams: (2, 2, P) Gᵢ = QᵢᵀQᵢ of each kind of
    groups, determinants: (P,), exactly 0 without a slope, counts: (P,) of groups; inverses: (m, 2, 2) each group's
    pseudo-inverse; df: N − 2 under REML, N under ML; within_df: that of the residuals around the groups' own lines;
    closed: whether Ψ has a closed form, all groups having the same Gᵢ.
    """

    def __init__(self, layout: Layout, reml: bool) -> None:
        if layout.X.shape[1] != 2:
            raise ValueError(
                f"slopes=True needs X with two columns; given {layout.X.shape[1]}. Use fit(…, re_formula=…) for more"
            )
        self.layout, self.reml, m = layout, reml, layout.groups
        self.Q, self.R = layout.Q * np.sqrt(m), layout.R / np.sqrt(m)
        grams = m * layout.grams[[kind[0] for kind in layout.kinds]]
        determinants = grams[:, 0, 0] * grams[:, 1, 1] - grams[:, 0, 1] ** 2
        # Columns that are proportional for these groups, as in a single cell: a mean, but no slope.
        flat = determinants <= 1e-12 * np.trace(grams, axis1=1, axis2=2) ** 2
        if flat.all():
            raise ValueError(
                "slopes=True needs a group in which X's second column varies, to identify a slope: use slopes=False"
            )
        self.counts = np.array([float(len(kind)) for kind in layout.kinds])
        self.within_df = layout.rows - int(self.counts @ np.where(flat, 1, 2))
        if self.within_df < 1:
            raise ValueError(
                f"too few rows, {layout.rows}, for a line in each of {m} groups and a residual variance: add repeats"
            )
        self.grams, self.determinants = np.moveaxis(grams, 0, -1), np.where(flat, 0.0, determinants)
        self.inverses = np.linalg.pinv(m * layout.grams, rcond=1e-12, hermitian=True)
        self.df, self.closed = layout.rows - 2 * reml, len(layout.kinds) == 1

    def fit(self, cells: CellStatistics) -> dict[str, Array]:
        """As `InterceptModel.fit`, with psi (2, 2, n) = cov_re/σ²."""
        Q, group = self.Q, self.layout.group
        b = self.inverses @ self.layout.products(cells.residuals, Q)
        fitted = Q[:, :1] * b[group, 0] + Q[:, 1:] * b[group, 1]
        rest = cells.sum_of_squares(cells.residuals - fitted)
        alive = rest > ROUNDED * cells.squares
        b, rest = np.where(alive, b, 0.0), np.where(alive, rest, 1.0)
        by_kind = [b[kind] for kind in self.layout.kinds]
        squares = [np.einsum("min,mjn->ijn", b, b) for b in by_kind]
        sums = np.stack([b.sum(axis=0) for b in by_kind], axis=1)
        lines = Lines(sums, np.stack(squares, axis=2), rest)
        psi, solved = self._closed_form(lines) if self.closed else self._newton(lines)
        here = self._at(lines, psi)
        scale = here.total / self.df
        constant = self.df * (1 + np.log(2 * np.pi / self.df))
        constant += 2 * self.reml * np.log(np.diag(self.R)).sum()
        back = np.linalg.inv(self.R)  # coefficients and their covariances in the columns of X
        phi, psi_X = (np.einsum("ij,jkn,lk->iln", back, x, back) for x in (here.inverse, psi))
        return {
            "estimate": back @ (cells.coefficients / np.sqrt(self.layout.groups) + here.beta),
            "se": np.sqrt(scale * phi[[0, 1], [0, 1]]),
            "psi": psi_X,
            "scale": scale,
            "loglik": -(here.value + constant) / 2,
            "solved": solved & alive,
            "singular": (_eigen(psi)[0][1] < SINGULAR) & solved & alive,
        }

    def _closed_form(self, lines: Lines) -> tuple[Array, Array]:
        """Ψ when every group's Gᵢ is the identity: whichever eigenvalues of the groups' covariance lie below the
        residual variance are pooled with it (REML under the rank constraint: Amemiya 1985, Ann. Statist. 13:1315 gives
        the unconstrained cut; pooling makes it the maximum)."""
        groups = self.layout.groups - self.reml
        (large, small), axes = _eigen(lines.squares[:, :, 0])
        scale = lines.rest / self.within_df
        low = small <= scale * groups
        scale = np.where(low, (lines.rest + small) / (self.within_df + groups), scale)
        values = np.stack([large, np.where(low, 0.0, small)]) / (groups * scale) - 1
        return _matrix(np.maximum(values, 0.0), axes), np.ones(low.shape, dtype=bool)

    def _at(self, lines: Lines, psi: Array) -> Point:
        """The profile at Ψ (2, 2, n)."""
        grams, determinants = self.grams[..., None], self.determinants[:, None]
        adjugate, size = _adjugate(psi)
        spread = 1 + np.einsum("ijp,ijn->pn", self.grams, psi) + determinants * size  # |I + GᵢΨ|
        weights = (grams + determinants * adjugate[:, :, None]) / spread
        adjugate, size = _adjugate(np.einsum("p,ijpn->ijn", self.counts, weights))
        inverse = adjugate / size
        right = np.einsum("ijpn,jpn->in", weights, lines.sums)
        beta = np.einsum("ijn,jn->in", inverse, right)
        total = lines.rest + np.einsum("ijpn,ijpn->n", weights, lines.squares)
        total -= (beta * right).sum(axis=0)
        value = self.df * np.log(total) + self.counts @ np.log(spread) + self.reml * np.log(size)
        return Point(value, total, beta, inverse, weights)

    def _derivatives(self, lines: Lines, here: Point) -> tuple[Array, Array]:
        """Γ (2, 2, n) and H (2, 2, 2, 2, n): the first derivatives tr ΓE and the second ones EᵢⱼHᵢⱼₖₗFₖₗ of the value
        when Ψ moves along symmetric E and F. From dWᵢ = −Wᵢ dΨ Wᵢ, d log|I + GᵢΨ| = tr Wᵢ dΨ and dβ = −A⁻¹ ΣWᵢ dΨ Wᵢ(bᵢ
        − β)."""
        weights, beta, inverse = here.weights, here.beta, here.inverse
        left = lines.sums - self.counts[:, None] * beta[:, None]  # Σ(bᵢ − β)
        scatter = lines.squares - lines.sums[:, None] * beta[:, None] - beta[:, None, None] * left
        ratio, counted = self.df / here.total, self.counts[:, None] * weights
        squares = ratio * _sandwich(weights, scatter)  # WᵢΣ(bᵢ − β)(bᵢ − β)ᵀWᵢ
        by_total = squares.sum(axis=2)
        inner = 2 * squares - counted
        moved = np.einsum("ijpn,kpn->ijkn", weights, np.einsum("ijpn,jpn->ipn", weights, left))
        by_beta = np.einsum("abn,bijn->aijn", 2 * ratio * inverse, moved)  # dβ = −A⁻¹·moved·dΨ
        gradient = counted.sum(axis=2) - by_total
        hessian = -np.einsum("aijn,akln->ijkln", by_beta, moved)
        hessian -= by_total[:, :, None, None] * by_total / self.df
        if self.reml:  # tr A⁻¹C and −tr A⁻¹CA⁻¹C′, C = ΣWᵢ dΨ Wᵢ
            fixed = self.counts[:, None] * _sandwich(weights, inverse[:, :, None])
            gradient -= fixed.sum(axis=2)
            inner += 2 * fixed
            change = np.einsum("ijpn,klpn->iljkn", counted, weights)
            change = np.einsum("ain,iljkn->aljkn", inverse, change)
            hessian -= np.einsum("abijn,bakln->ijkln", change, change)
        return gradient, hessian + np.einsum("ijpn,klpn->jklin", weights, inner)

    def _newton(self, lines: Lines) -> tuple[Array, Array]:
        """The Ψ (2, 2, n) to which −2 log-likelihood falls, and whether a minimum was reached (n,). The start are
        moments: coefficients weighted by what each group's rows can tell, no eigenvalue below .05. Then Newton's method
        with a damped Hessian on the Cholesky factor of Ψ, written in the eigenvectors of the present Ψ: there the
        boundary (rank one, or none) is an ordinary minimum at zero, reached at Newton's pace."""
        spread = np.einsum("p,ijpn->ijn", np.trace(self.grams) / 2, lines.squares)
        values, axes = _eigen(spread / self.layout.groups * self.within_df / lines.rest)
        psi = current = _matrix(np.maximum(values - 1, 0.05), axes)
        here = self._at(lines, psi)
        damping, solved = np.zeros(len(lines.rest)), np.zeros(len(lines.rest), dtype=bool)
        active = np.arange(len(solved))
        for _ in range(ROUNDS):
            if not active.size:
                break
            derivatives = self._derivatives(lines, here)
            proposal, decrease, damping, inwards = _step(current, *derivatives, damping)
            # A step so long that its value is no number is refused like one that leads uphill.
            with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
                there = self._at(lines, proposal)
            better = there.value <= here.value + 1e-12 * np.abs(here.value)
            current = np.where(better, proposal, current)
            here = Point(*(np.where(better, x, y) for x, y in zip(there, here, strict=True)))
            psi[..., active] = current
            # Rounding hides improvements below 1e-12: a step from which nothing is expected or gained is the last too.
            last = np.where(better, (decrease < DONE) & ~inwards, decrease < 1e-9)
            damping = np.where(better, damping / 5, np.maximum(5 * damping, 1))
            damping = np.where(damping < 1e-3, 0.0, damping)
            if last.any():
                solved[active[last]] = True
                going = np.flatnonzero(~last)
                # `take` keeps data sets next to each other in memory, which psi[..., going] would not.
                active, damping, current = active[going], damping[going], current.take(going, -1)
                lines = Lines(*(x.take(going, axis=-1) for x in lines))
                here = Point(*(x.take(going, axis=-1) for x in here))
        return psi, solved


def _step(
    psi: Array, gradient: Array, hessian: Array, damping: Array
) -> tuple[Array, Array, Array, Array]:
    """The next Ψ, the predicted decrease of −2 log-likelihood, the damping used, and whether Ψ was moved off a boundary
    at which the likelihood rises inwards (where Newton's method alone would stay)."""
    values, vectors = _eigen(psi)
    v1, v2 = vectors.swapaxes(0, 1)
    # Ψ = Σ bases·(11, 21, 22) of LLᵀ, L the factor in these axes: diagonal now.
    bases = np.stack([v1[:, None] * v1, v1[:, None] * v2 + v2[:, None] * v1, v2[:, None] * v2])
    by_entry = np.einsum("ijn,rijn->rn", gradient, bases)
    roots = np.sqrt(np.maximum(values, 0))
    inwards = (roots < ZERO) & (by_entry[[0, 2]] < -1e-6)
    first, second = np.where(inwards, INWARDS, roots)
    factor = np.stack([first, np.zeros_like(first), second])
    # Damp in the units in which the information about each entry of the factor is about constant.
    units = np.sqrt(1 + factor[[0, 2, 2]] ** 2)
    constant = square_derivatives(np.eye(2), 0)
    slopes = np.einsum("rij,jn->rin", constant, factor) * units  # of (11, 21, 22) by the factor
    moves = np.einsum("rin,rabn->iabn", slopes, bases)
    slope = np.einsum("rin,rn->in", slopes, by_entry)
    k = np.einsum("iabn,jabn->ijn", moves, np.einsum("abcdn,jcdn->jabn", hessian, moves))
    k += np.einsum("rij,rn->ijn", constant, by_entry) * units[:, None] * units
    step, damping = _newton_step(k, slope, damping)
    factor += units * step
    entries = np.einsum("rij,in,jn->rn", constant / 2, factor, factor)
    decrease = -(slope * step).sum(axis=0) / 2
    return np.einsum("rijn,rn->ijn", bases, entries), decrease, damping, inwards.any(axis=0)


def _newton_step(k: Array, slope: Array, damping: Array) -> tuple[Array, Array]:
    """−(K + μI)⁻¹·slope for symmetric matrices K (3, 3, n), and μ: raised where K + μI is not positive definite.
    Gauss–Jordan's elimination, written out: a batch of LAPACK's solutions takes several times as long."""
    diagonal = np.einsum("iin->in", k)
    floor = 1e-10 * np.abs(diagonal).sum(axis=0) + 1e-14
    # Gershgorin's bound below the smallest eigenvalue makes the damped matrix safe at once.
    lowest = (diagonal + np.abs(diagonal) - np.abs(k).sum(axis=0)).min(axis=0)
    safe = 0.01 * np.abs(lowest) - lowest + 10 * floor
    for _ in range(2):
        rows = np.concatenate([k + damping * np.eye(3)[:, :, None], -slope[:, None]], axis=1)
        weak = np.zeros(damping.shape, dtype=bool)
        for j in range(3):
            pivot = rows[j, j]
            weak |= pivot <= floor
            rows[j] /= np.where(pivot == 0, 1e-300, pivot)
            for i in {0, 1, 2} - {j}:
                rows[i] -= rows[i, j] * rows[j]
        if not weak.any():
            break
        damping = np.where(weak, np.maximum(damping, safe), damping)
    return rows[:, 3], damping


def _adjugate(x: Array) -> tuple[Array, Array]:
    """The adjugates (2, 2, n) and determinants (n,) of symmetric matrices x (2, 2, n)."""
    a, b, c = x[0, 0], x[0, 1], x[1, 1]
    return np.array([[c, -b], [-b, a]]), a * c - b * b


def _sandwich(w: Array, x: Array) -> Array:
    """WXW."""
    return np.einsum("ijpn,jkpn->ikpn", np.einsum("ijpn,jkpn->ikpn", w, x), w)


def _eigen(x: Array) -> tuple[Array, Array]:
    """Eigenvalues (2, n), the larger first, and eigenvectors (2, 2, n), as columns, of symmetric matrices (2, 2, n)."""
    middle, radius = (x[0, 0] + x[1, 1]) / 2, np.hypot((x[0, 0] - x[1, 1]) / 2, x[0, 1])
    angle = np.arctan2(2 * x[0, 1], x[0, 0] - x[1, 1]) / 2
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([middle + radius, middle - radius]), np.array([[cosine, -sine], [sine, cosine]])


def _matrix(values: Array, vectors: Array) -> Array:
    """The inverse of `_eigen`."""
    return np.einsum("ian,jan->ijn", vectors * values, vectors)
