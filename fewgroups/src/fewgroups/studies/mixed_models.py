"""Mixed models fitted to many data sets, and their tests: z, Satterthwaite's t, Kenward and Roger's t.

The fits are those of `fewgroups.batch`. The degrees of freedom come from V = Σⱼ γⱼTⱼ of the cell means: the Tⱼ are
constant, γ is the lower triangle of the groups' covariance matrix row by row and then σ², about which the outcomes
within cells inform as well. Groups with the same numbers of repeats share all matrices, so that the cost does not grow
with their number. All of it is in units of the estimated residual variance: what is computed does not depend on the
units of the outcome. Data sets lie along the first axis.

Sources: Kuznetsova, Brockhoff & Christensen (2017, J. Stat. Softw. 82(13)), Kenward & Roger (1997, Biometrics 53:983),
Halekoh & Højsgaard (2014, J. Stat. Softw. 59(9)).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fewgroups.batch.cells import CellStatistics
from fewgroups.batch.intercepts import fit_intercepts, intercept_model
from fewgroups.batch.layouts import layout_of
from fewgroups.batch.slopes import fit_slopes, slope_model
from fewgroups.studies.cell_means import CellMeans
from fewgroups.studies.t_tests import Answer

Array = np.ndarray


@dataclass(frozen=True)
class REMLFits:
    """n fits; where one is not `solved` there is no maximum, and its numbers are placeholders.

    gamma: (n, k) covariance parameters over σ²: the lower triangle of the groups' covariance by row, then 1;
    scale: (n,) σ²; loglik: (n,) restricted; solved, singular: (n,).
    """

    gamma: Array
    scale: Array
    loglik: Array
    solved: Array
    singular: Array


def reml_fits(cells: CellMeans, slopes: bool) -> REMLFits:
    """Fit all data sets; `slopes` gives groups changes that differ, correlated with their levels."""
    m, sizes = len(cells.counts), cells.counts.ravel()
    # The same cells as the rows of a matrix: intercept and treated, the rows of a cell side by side.
    X = np.column_stack([np.ones(2 * m), np.tile([0.0, 1.0], m)])
    layout = layout_of(np.repeat(X, sizes, axis=0), np.repeat(np.repeat(np.arange(m), 2), sizes))
    means = cells.means.reshape(2 * m, -1)
    within = cells.squares.sum(axis=0)
    statistics = CellStatistics(means[sizes > 0], within, within + sizes @ means**2)
    if slopes:
        found = fit_slopes(slope_model(layout, reml=True), statistics)
    else:
        found = fit_intercepts(intercept_model(layout, reml=True), statistics)
    solved = found["solved"]
    psi, scale = np.where(solved, found["psi"], 0), np.where(solved, found["scale"], 1)
    gamma = np.vstack([psi[np.tril_indices(len(psi))], np.ones(cells.n)]).T
    return REMLFits(gamma, scale, found["loglik"], solved, found["singular"] & solved)


@dataclass(frozen=True)
class REMLInformation:
    """What n fits know about their k covariance parameters γ.

    phi: (n, 2, 2) covariance (XᵀV⁻¹X)⁻¹ of the fixed effects; beta: (n, 2) their estimates; P: (n, k, 2, 2) with
    Pⱼ = XᵀV⁻¹TⱼV⁻¹X; Q: (n, k, k, 2, 2) with Qⱼₗ = XᵀV⁻¹TⱼV⁻¹TₗV⁻¹X; gradient: (n, k) and hessian: (n, k, k) of −2
    log-likelihood (REML); expected: (n, k, k) what the Hessian is expected to be at the true γ.
    """

    phi: Array
    beta: Array
    P: Array
    Q: Array
    gradient: Array
    hessian: Array
    expected: Array

    @property
    def derivatives(self) -> Array:
        """(n, k) derivatives of the effect's variance by γ."""
        return np.einsum("na,njab,nb->nj", self.phi[:, 1], self.P, self.phi[:, 1])


def _parameter_matrices(X: Array, repeats: Array, k: int) -> Array:
    """(k, cells, cells) the constant matrices Tⱼ of one group: random effects first, residual last."""
    one, treated = X.T
    both = np.outer(one, treated)
    slopes = [both + both.T, np.outer(treated, treated)] if k == 4 else []
    return np.array([np.outer(one, one), *slopes, np.diag(1 / repeats)])


def _traces(A: Array, B: Array) -> Array:
    """(n, k, k) traces of AⱼBₗ, of matrices (n, k, c, c)."""
    flat = (*A.shape[:2], -1)
    return A.reshape(flat) @ B.swapaxes(2, 3).reshape(flat).swapaxes(1, 2)


def reml_information(cells: CellMeans, gamma: Array, scale: Array) -> REMLInformation:
    """Information at γ (n, k), in units of the residual variance `scale` (n,): the last column of γ is 1."""
    n, k = gamma.shape
    kinds, kind_of_group = np.unique(cells.counts, axis=0, return_inverse=True)
    parts: list[tuple[Array, Array, Array, Array]] = []
    XWX, XWy = np.zeros((n, 2, 2)), np.zeros((n, 2))
    for kind, repeats in enumerate(kinds):
        measured = np.flatnonzero(repeats)
        X: Array = np.column_stack([np.ones(len(measured)), measured])
        T = _parameter_matrices(X, repeats[measured], k)
        W = np.linalg.inv(np.einsum("nj,jab->nab", gamma, T))
        y = cells.means[kind_of_group.ravel() == kind][:, measured] / np.sqrt(scale)
        XWX += len(y) * (X.T @ W @ X)
        XWy += np.einsum("nab,bn->na", X.T @ W, y.sum(axis=0))
        parts.append((X, T, W, y))
    phi = np.linalg.inv(XWX)
    beta = np.einsum("nab,nb->na", phi, XWy)
    P, Q = np.zeros((n, k, 2, 2)), np.zeros((n, k, k, 2, 2))
    gradient, half = np.zeros((n, k)), np.zeros((n, k, 2))
    traces, quadratic = np.zeros((n, k, k)), np.zeros((n, k, k))
    for X, T, W, y in parts:
        m = len(y)
        residuals = y - X @ beta.T
        WSW = W @ np.einsum("man,mbn->nab", residuals, residuals) @ W
        TW, TWSW = T @ W[:, None], T @ WSW[:, None]
        TWX = TW @ X
        P += m * (X.T @ W)[:, None] @ TWX
        stacked = TWX.swapaxes(2, 3).reshape(n, 2 * k, -1)
        Q += m * (stacked @ W @ stacked.swapaxes(1, 2)).reshape(n, k, 2, k, 2).swapaxes(2, 3)
        half += np.einsum("njax,na->njx", TWX, np.einsum("nab,bn->na", W, residuals.sum(axis=0)))
        gradient += np.einsum("njaa->nj", m * TW - TWSW)
        traces += m * _traces(TW, TW)
        quadratic += _traces(TW, TWSW)
    within = cells.squares.sum(axis=0) / scale
    traces[:, -1, -1] += cells.within_df
    quadratic[:, -1, -1] += within
    phiP = phi[:, None] @ P
    gradient[:, -1] += cells.within_df - within
    gradient -= np.einsum("njaa->nj", phiP)
    fixed = 2 * np.einsum("nab,njlab->njl", phi, Q) - _traces(phiP, phiP)
    expected = traces - fixed
    projected = quadratic - half @ phi @ half.transpose(0, 2, 1)
    return REMLInformation(phi, beta, P, Q, gradient, 2 * projected - expected, expected)


def satterthwaite_df(found: REMLInformation, gamma: Array) -> Array:
    """(n,) Satterthwaite's degrees of freedom as lmerTest finds them, singular fits included.

    The curvature is taken in lmerTest's parameters, the Cholesky factor of the relative covariance matrix and σ; there
    the likelihood is even about zero. Directions without curvature are left out.
    """
    n, k = gamma.shape
    g = found.gradient
    jacobian, second = np.zeros((n, k, k)), np.zeros((n, k, k))
    if k == 2:
        jacobian[:, 0, 0] = 2 * np.sqrt(gamma[:, 0])
        second[:, 0, 0] = 2 * g[:, 0]
    else:
        first = np.sqrt(gamma[:, 0])
        below = np.divide(gamma[:, 1], first, out=np.zeros(n), where=first > 0)
        last = np.sqrt(np.maximum(gamma[:, 2] - below**2, 0))
        jacobian[:, 0, 0], jacobian[:, 1, 0], jacobian[:, 1, 1] = 2 * first, below, first
        jacobian[:, 2, 1], jacobian[:, 2, 2] = 2 * below, 2 * last
        second[:, 0, 0], second[:, 1, 1], second[:, 2, 2] = 2 * g[:, 0], 2 * g[:, 2], 2 * g[:, 2]
        second[:, 0, 1] = second[:, 1, 0] = g[:, 1]
    # σ in units of its estimate multiplies everything by its square.
    jacobian[:, :, -1] = 2 * gamma
    second[:, -1, :-1] = second[:, :-1, -1] = 2 * np.einsum("nj,njl->nl", g, jacobian[:, :, :-1])
    second[:, -1, -1] = 2 * (g * gamma).sum(axis=1)
    curvature = jacobian.transpose(0, 2, 1) @ found.hessian @ jacobian + second
    units = _units(curvature)
    values, vectors = np.linalg.eigh(curvature / (units[:, :, None] * units[:, None]))
    slopes = np.einsum("nj,njl->nl", found.derivatives, jacobian) / units
    along = np.einsum("nl,nla->na", slopes, vectors)
    kept = values > 1e-8 * np.maximum(values.max(axis=1, keepdims=True), 1)
    variances = np.divide(2 * along**2, values, out=np.zeros((n, k)), where=kept)
    return _moments_df(found.phi[:, 1, 1], variances.sum(axis=1))


def _units(A: Array) -> Array:
    """(n, k) scales that give matrices (n, k, k) a diagonal of ones; ones for a matrix whose diagonal is not positive.

    Parameters whose sizes are far apart would otherwise look like directions without curvature.
    """
    diagonal = np.einsum("njj->nj", A)
    positive = (diagonal > 0).all(axis=1, keepdims=True)
    return np.sqrt(np.where(positive, diagonal, 1))


def _moments_df(variance: Array, spread: Array) -> Array:
    """2v²/var(v), ∞ where v is known."""
    return np.divide(2 * variance**2, spread, out=np.full(len(variance), np.inf), where=spread > 0)


def kenward_roger(found: REMLInformation) -> tuple[Array, Array]:
    """(n,) variance of the effect, adjusted for estimated variances, and degrees of freedom of Kenward and Roger.

    V is linear in γ: their term of second derivatives vanishes. For a single coefficient their F needs no factor, and
    their degrees of freedom are 2v²/var(v), with the expected information of γ.
    """
    units = _units(found.expected)
    units = units[:, :, None] * units[:, None]
    spread = 2 * np.linalg.pinv(found.expected / units, hermitian=True) / units
    phi, effect = found.phi, found.phi[:, 1]
    Pe = np.einsum("njab,nb->nja", found.P, effect)
    extra = np.einsum("na,njlab,nb->njl", effect, found.Q, effect)
    extra -= np.einsum("nja,nab,nlb->njl", Pe, phi, Pe)
    variance = phi[:, 1, 1] + 2 * np.einsum("njl,njl->n", spread, extra)
    of_variance = np.einsum("nj,njl,nl->n", found.derivatives, spread, found.derivatives)
    return variance, _moments_df(phi[:, 1, 1], of_variance)


@dataclass(frozen=True)
class MixedModel:
    """A random-intercept model, or one with random slopes as well, fitted to all data sets by REML."""

    cells: CellMeans
    slopes: bool

    @cached_property
    def fits(self) -> REMLFits:
        """The fits of all data sets, made when first asked for."""
        return reml_fits(self.cells, self.slopes)

    @cached_property
    def _information(self) -> REMLInformation:
        return reml_information(self.cells, self.fits.gamma, self.fits.scale)

    def z(self) -> Answer:
        """The effect over its standard error against the normal distribution, as statsmodels prints it."""
        return self._answer(self._information.phi[:, 1, 1], np.inf)

    def satterthwaite(self) -> Answer:
        """The same against t with Satterthwaite's degrees of freedom, as lmerTest does."""
        df = satterthwaite_df(self._information, self.fits.gamma)
        return self._answer(self._information.phi[:, 1, 1], df)

    def kenward_roger(self) -> Answer:
        """Adjusted standard error and degrees of freedom, as pbkrtest does."""
        return self._answer(*kenward_roger(self._information))

    def _answer(self, variance: Array, df: float | Array) -> Answer:
        unit = np.sqrt(self.fits.scale)
        se = unit * np.sqrt(variance)
        usable = self.fits.solved & (se > self.cells.rounding)
        return Answer(unit * self._information.beta[:, 1], se, df, usable, self.fits.singular)


@dataclass(frozen=True)
class Analyses:
    """The cell means with the two models that several methods share, each fitted once and only when asked for."""

    cells: CellMeans

    @cached_property
    def intercept(self) -> MixedModel:
        """The model in which groups differ in level only."""
        return MixedModel(self.cells, slopes=False)

    @cached_property
    def slope(self) -> MixedModel:
        """The model in which groups differ in level and in change."""
        return MixedModel(self.cells, slopes=True)
