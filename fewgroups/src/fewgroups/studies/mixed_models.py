"""Mixed models fitted to many data sets, and their tests: z, Satterthwaite's t, Kenward and Roger's t.

The fits are the engine's. The degrees of freedom come from V = Σⱼ γⱼTⱼ of the cell means: the Tⱼ are
constant, γ is the lower triangle of the athletes' covariance matrix row by row and then σ², which the scores
within cells inform as well. Athletes with the same numbers of repeats share all matrices, so that the cost
does not grow with their number. All of it is in units of the estimated residual variance: what is computed
does not depend on the units of the score.

Sources: Kuznetsova, Brockhoff & Christensen (2017, J. Stat. Softw. 82(13)), Kenward & Roger (1997, Biometrics
53:983), Halekoh & Højsgaard (2014, J. Stat. Softw. 59(9)).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fewgroups.studies.answers import Answer
from fewgroups.studies.fits import Fit, reml_fit
from fewgroups.studies.reduction import Cells, Pattern

Array = np.ndarray


@dataclass(frozen=True)
class Information:
    """What n fits know about their k covariance parameters γ; data sets last.

    phi: (2, 2, n) covariance (XᵀV⁻¹X)⁻¹ of the fixed effects; beta: (2, n) their estimates; P: (k, 2, 2, n)
    with Pⱼ = XᵀV⁻¹TⱼV⁻¹X; Q: (k, k, 2, 2, n) with Qⱼₗ = XᵀV⁻¹TⱼV⁻¹TₗV⁻¹X; gradient: (k, n) and hessian: (k,
    k, n) of −2 log-likelihood (REML); expected: (k, k, n) what the Hessian is expected to be at the true γ.
    """

    phi: Array
    beta: Array
    P: Array
    Q: Array
    gradient: Array
    hessian: Array
    expected: Array

    @property
    def slopes(self) -> Array:
        """(k, n) derivatives of the effect's variance by γ."""
        row = self.phi[1]
        return np.einsum("an,jabn,bn->jn", row, self.P, row)


def patterns_of_variance(pattern: Pattern, q: int) -> list[Array]:
    """The constant matrices Tⱼ (cells, cells) of one athlete: random effects first, residual last."""
    Z = pattern.X[:, :q]
    pairs = [(a, b) for a in range(q) for b in range(a + 1)]
    effects = [np.outer(Z[:, a], Z[:, b]) for a, b in pairs]
    both = [
        matrix if a == b else matrix + matrix.T
        for matrix, (a, b) in zip(effects, pairs, strict=True)
    ]
    return [*both, np.diag(1 / pattern.repeats)]


def _inverse(V: Array) -> Array:
    """Inverses of symmetric matrices (c, c, n), c 1 or 2."""
    if len(V) == 1:
        return 1 / V
    determinant = V[0, 0] * V[1, 1] - V[0, 1] ** 2
    return np.array([[V[1, 1], -V[0, 1]], [-V[0, 1], V[0, 0]]]) / determinant


def _product(A: Array, B: Array) -> Array:
    """Matrix products of (a, b, n) and (b, c, n)."""
    return (A[:, :, None] * B[None]).sum(axis=1)


def information(cells: Cells, gamma: Array, scale: Array) -> Information:
    """Information at γ (k, n), in units of the residual variance `scale` (n,): the last row of γ is 1."""
    k, n = gamma.shape
    q = {2: 1, 4: 2}[k]
    unit = np.sqrt(scale)
    parts = []
    whole, right = np.zeros((2, 2, n)), np.zeros((2, n))
    for pattern in cells.layout.patterns:
        Ts = patterns_of_variance(pattern, q)
        W = _inverse(sum(g * T[:, :, None] for g, T in zip(gamma, Ts, strict=True)))
        X = pattern.X[:, :, None]
        XW = _product(X.transpose(1, 0, 2), W)
        means = cells.means[pattern.athletes][:, pattern.sessions] / unit
        whole += len(pattern.athletes) * _product(XW, X)
        right += _product(XW, means.sum(axis=0)[:, None])[:, 0]
        parts.append((len(pattern.athletes), Ts, W, X, means))
    phi = _inverse(whole)
    beta = _product(phi, right[:, None])[:, 0]
    P, Q = np.zeros((k, 2, 2, n)), np.zeros((k, k, 2, 2, n))
    traces, quadratic = np.zeros((k, k, n)), np.zeros((k, k, n))
    gradient, half = np.zeros((k, n)), np.zeros((k, 2, n))
    for m, Ts, W, X, means in parts:
        residuals = means - _product(X, beta[:, None])[:, 0]
        squares = (residuals[:, :, None] * residuals[:, None]).sum(axis=0)
        sums = residuals.sum(axis=0)
        for j in range(k):
            WTW = _product(_product(W, Ts[j][:, :, None]), W)
            XWTW = _product(X.transpose(1, 0, 2), WTW)
            P[j] += m * _product(XWTW, X)
            half[j] += _product(XWTW, sums[:, None])[:, 0]
            gradient[j] += m * (W * Ts[j][:, :, None]).sum(axis=(0, 1)) - (WTW * squares).sum(
                axis=(0, 1)
            )
            for i in range(j + 1):
                traces[j, i] += m * (WTW * Ts[i][:, :, None]).sum(axis=(0, 1))
                WTWTW = _product(_product(WTW, Ts[i][:, :, None]), W)
                Q[j, i] += m * _product(_product(X.transpose(1, 0, 2), WTWTW), X)
                quadratic[j, i] += (WTWTW * squares).sum(axis=(0, 1))
    within = cells.squares.sum(axis=0) / scale
    traces[-1, -1] += cells.layout.within_df
    quadratic[-1, -1] += within
    gradient[-1] += cells.layout.within_df - within
    phiP = np.stack([_product(phi, P[j]) for j in range(k)])
    hessian, expected = np.empty((k, k, n)), np.empty((k, k, n))
    for j in range(k):
        gradient[j] -= phiP[j, 0, 0] + phiP[j, 1, 1]
        for i in range(j + 1):
            Q[i, j] = Q[j, i].transpose(1, 0, 2)
            fixed = (phi * (Q[j, i] + Q[i, j]) - phiP[j] * phiP[i].transpose(1, 0, 2)).sum(
                axis=(0, 1)
            )
            projected = quadratic[j, i] - (half[j] * _product(phi, half[i][:, None])[:, 0]).sum(
                axis=0
            )
            expected[j, i] = expected[i, j] = traces[j, i] - fixed
            hessian[j, i] = hessian[i, j] = 2 * projected - expected[j, i]
    return Information(phi, beta, P, Q, gradient, hessian, expected)


def satterthwaite_df(found: Information, gamma: Array) -> Array:
    """(n,) Satterthwaite's degrees of freedom as lmerTest finds them, singular fits included.

    The curvature is taken in lmerTest's parameters φ, the Cholesky factor of the relative covariance matrix
    and σ; there the likelihood is even about zero. Directions without curvature are left out.
    """
    k, n = gamma.shape
    g = found.gradient
    jacobian, second = np.zeros((k, k, n)), np.zeros((k, k, n))
    if k == 2:
        jacobian[0, 0] = 2 * np.sqrt(gamma[0])
        second[0, 0] = 2 * g[0]
    else:
        first = np.sqrt(gamma[0])
        below = np.divide(gamma[1], first, out=np.zeros(n), where=first > 0)
        last = np.sqrt(np.maximum(gamma[2] - below**2, 0))
        jacobian[0, 0], jacobian[1, 0], jacobian[1, 1] = 2 * first, below, first
        jacobian[2, 1], jacobian[2, 2] = 2 * below, 2 * last
        second[0, 0], second[1, 1], second[2, 2] = 2 * g[0], 2 * g[2], 2 * g[2]
        second[0, 1] = second[1, 0] = g[1]
    # σ in units of its estimate multiplies everything by its square.
    jacobian[:, -1] = 2 * gamma
    second[-1, :-1] = second[:-1, -1] = 2 * (g[:, None] * jacobian[:, :-1]).sum(axis=0)
    second[-1, -1] = 2 * (g * gamma).sum(axis=0)
    curvature = _product(_product(jacobian.transpose(1, 0, 2), found.hessian), jacobian) + second
    slopes = (found.slopes[:, None] * jacobian).sum(axis=0)
    inverse, regular = _swept(curvature)
    spread = 2 * (slopes * (inverse * slopes[None]).sum(axis=1)).sum(axis=0)
    # Where the curvature has a direction that is flat, or falls, it needs its eigenvectors.
    rest = np.flatnonzero(~regular)
    if rest.size:
        values, vectors = np.linalg.eigh(curvature[:, :, rest].transpose(2, 0, 1))
        along = (vectors * slopes[:, rest].T[:, :, None]).sum(axis=1)
        kept = values > 1e-8 * np.maximum(values.max(axis=1, keepdims=True), 1)
        spread[rest] = 2 * np.divide(along**2, values, out=np.zeros_like(values), where=kept).sum(
            axis=1
        )
    return _moments_df(found.phi[1, 1], spread)


def _swept(A: Array) -> tuple[Array, Array]:
    """Inverses of symmetric matrices (k, k, n) by Gauss and Jordan's sweeps, and whether they are safe: (n,)
    False where a matrix is not clearly positive definite."""
    k = len(A)
    diagonal = np.einsum("jjn->jn", A)
    regular = (diagonal > 0).all(axis=0)
    units = np.sqrt(np.where(regular, diagonal, 1))
    scaled = np.where(regular, A / (units[:, None] * units[None]), np.eye(k)[:, :, None])
    for j in range(k):
        pivot = scaled[j, j].copy()
        # Sweeps of a correlation matrix: a pivot is the share of a direction that the ones before leave over.
        safe = pivot > 1e-6
        regular &= safe
        pivot = np.where(safe, pivot, 1)
        row = scaled[j] / pivot
        column = scaled[:, j].copy()
        scaled -= column[:, None] * row[None]
        scaled[j], scaled[:, j] = row, -column / pivot
        scaled[j, j] = 1 / pivot
    return scaled / (units[:, None] * units[None]), regular


def _moments_df(variance: Array, spread: Array) -> Array:
    """2 v² / var(v), ∞ where v is known."""
    return np.divide(2 * variance**2, spread, out=np.full(len(variance), np.inf), where=spread > 0)


def kenward_roger(found: Information) -> tuple[Array, Array]:
    """(n,) Kenward and Roger's variance of the effect, adjusted for estimated variances, and degrees of
    freedom.

    V is linear in γ: their second-derivative term vanishes. For a single coefficient their F needs no factor
    and their degrees of freedom are 2 v² / var(v), with the expected information of γ.
    """
    inverse, regular = _swept(found.expected)
    if not regular.all():
        rest = found.expected[:, :, ~regular].transpose(2, 0, 1)
        inverse[:, :, ~regular] = np.linalg.pinv(rest).transpose(1, 2, 0)
    spread = 2 * inverse
    variance = found.phi[1, 1].copy()
    row = found.phi[1]
    k = len(spread)
    turned = np.stack(
        [(found.P[j] * row[:, None]).sum(axis=0) for j in range(k)]
    )  # P φ₂, (k, 2, n)
    for j in range(k):
        for i in range(k):
            extra = ((found.Q[j, i] * row[:, None]).sum(axis=0) * row).sum(axis=0)
            lost = (turned[j] * _product(found.phi, turned[i][:, None])[:, 0]).sum(axis=0)
            variance += 2 * spread[j, i] * (extra - lost)
    slopes = found.slopes
    return variance, _moments_df(
        found.phi[1, 1], (slopes * (spread * slopes[None]).sum(axis=1)).sum(axis=0)
    )


@dataclass(frozen=True)
class MixedModel:
    """A random-intercept model, or one with random slopes as well, fitted to all data sets by REML."""

    cells: Cells
    slopes: bool

    @cached_property
    def fit(self) -> Fit:
        """The fit of all data sets, made when first asked for."""
        return reml_fit(self.cells, self.slopes)

    @cached_property
    def _information(self) -> Information:
        return information(self.cells, self.fit.gamma, self.fit.scale)

    def z(self) -> Answer:
        """The effect over its standard error against the normal distribution, as statsmodels prints it."""
        return self._answer(self._information.phi[1, 1], np.inf)

    def satterthwaite(self) -> Answer:
        """The same against t with Satterthwaite's degrees of freedom, as lmerTest does."""
        return self._answer(
            self._information.phi[1, 1], satterthwaite_df(self._information, self.fit.gamma)
        )

    def kenward_roger(self) -> Answer:
        """Adjusted standard error and degrees of freedom, as pbkrtest does."""
        return self._answer(*kenward_roger(self._information))

    def _answer(self, variance: Array, df: float | Array) -> Answer:
        unit = np.sqrt(self.fit.scale)
        se = unit * np.sqrt(variance)
        usable = self.fit.solved & (se > self.cells.rounding)
        return Answer(unit * self._information.beta[1], se, df, usable, self.fit.singular)


@dataclass(frozen=True)
class Analyses:
    """The reduced data with the fits that several methods share, each made once and only when asked for."""

    cells: Cells

    @cached_property
    def intercept(self) -> MixedModel:
        """The model in which athletes differ in level only."""
        return MixedModel(self.cells, slopes=False)

    @cached_property
    def slope(self) -> MixedModel:
        """The model in which athletes differ in level and in change."""
        return MixedModel(self.cells, slopes=True)
