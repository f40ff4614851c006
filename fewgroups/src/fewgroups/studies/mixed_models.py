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

from fewgroups.batch.intercepts import fit_intercepts, intercept_model
from fewgroups.batch.slopes import fit_slopes, slope_model
from fewgroups.ddf import Information, Wald
from fewgroups.studies.cell_means import CellMeans
from fewgroups.studies.t_tests import Answer

Array = np.ndarray


@dataclass(frozen=True)
class MixedModel:
    """REML fits of a random-intercept model, or one with random slopes as well, to n data sets; where one is not
    `solved` there is no maximum, and its numbers are placeholders.

    psi: (n, q, q) the groups' covariance over σ²; scale: (n,) σ²; loglik: (n,) restricted; solved, singular: (n,).
    """

    cells: CellMeans
    psi: Array
    scale: Array
    loglik: Array
    solved: Array
    singular: Array

    @classmethod
    def of(cls, cells: CellMeans, slopes: bool) -> MixedModel:
        """Fit all data sets; `slopes` gives groups changes that differ, correlated with their levels."""
        if slopes:
            found = fit_slopes(slope_model(cells.layout, reml=True), cells.statistics)
        else:
            found = fit_intercepts(intercept_model(cells.layout, reml=True), cells.statistics)
        solved = found["solved"]
        psi, scale = np.where(solved, found["psi"], 0).T, np.where(solved, found["scale"], 1)
        return cls(cells, psi, scale, found["loglik"], solved, found["singular"] & solved)

    @cached_property
    def information(self) -> Information:
        """The information of the fits, in units of their residual variances."""
        return reml_information(self)

    def test(self, method: type[Wald]) -> Answer:
        """The effect over its standard error, against t with the degrees of freedom of the method."""
        found = method.of(self.information)
        unit = np.sqrt(self.scale)
        se = unit * np.sqrt(found.covariance[:, 1, 1])
        usable = self.solved & (se > self.cells.rounding)
        estimate, df = unit * self.information.beta[:, 1], found.df(np.array([0.0, 1.0]))
        return Answer(estimate, se, df, usable, self.singular)


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


def reml_information(fits: MixedModel) -> Information:
    """The information of n fits, in units of their residual variances."""
    cells = fits.cells
    n, q, _ = fits.psi.shape
    rows, columns = np.tril_indices(q)
    gamma = np.column_stack([fits.psi[:, rows, columns], np.ones(n)])
    k = gamma.shape[1]
    kinds, kind_of_group = np.unique(cells.counts, axis=0, return_inverse=True)
    parts: list[tuple[Array, Array, Array, Array]] = []
    XWX, XWy = np.zeros((n, 2, 2)), np.zeros((n, 2))
    for kind, repeats in enumerate(kinds):
        measured = np.flatnonzero(repeats)
        X: Array = np.column_stack([np.ones(len(measured)), measured])
        T = _parameter_matrices(X, repeats[measured], k)
        W = np.linalg.inv(np.einsum("nj,jab->nab", gamma, T))
        y = cells.means[kind_of_group.ravel() == kind][:, measured] / np.sqrt(fits.scale)
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
        P -= m * (X.T @ W)[:, None] @ TWX
        stacked = TWX.swapaxes(2, 3).reshape(n, 2 * k, -1)
        Q += m * (stacked @ W @ stacked.swapaxes(1, 2)).reshape(n, k, 2, k, 2).swapaxes(2, 3)
        half += np.einsum("njax,na->njx", TWX, np.einsum("nab,bn->na", W, residuals.sum(axis=0)))
        gradient += np.einsum("njaa->nj", m * TW - TWSW)
        traces += m * _traces(TW, TW)
        quadratic += _traces(TW, TWSW)
    within, within_df = cells.statistics.within / fits.scale, cells.rows - cells.layout.cells
    traces[:, -1, -1] += within_df
    quadratic[:, -1, -1] += within
    phiP = phi[:, None] @ P
    gradient[:, -1] += within_df - within
    gradient += np.einsum("njaa->nj", phiP)
    fixed = 2 * np.einsum("nab,njlab->njl", phi, Q) - _traces(phiP, phiP)
    expected = traces - fixed
    projected = quadratic - half @ phi @ half.transpose(0, 2, 1)
    return Information(
        fixed=np.eye(2),
        random=np.eye(q),
        cov_re=fits.psi,
        vcomp=np.zeros((n, 0)),
        scale=np.ones(n),
        phi=phi,
        beta=beta,
        P=P,
        Q=Q,
        traces=traces,
        expected=expected,
        gradient=gradient,
        hessian=2 * projected - expected,
        loglik=fits.loglik,
    )


@dataclass(frozen=True)
class Analyses:
    """The cell means with the two models that several methods share, each fitted once and only when asked for."""

    cells: CellMeans

    @cached_property
    def intercept(self) -> MixedModel:
        """The model in which groups differ in level only."""
        return MixedModel.of(self.cells, slopes=False)

    @cached_property
    def slope(self) -> MixedModel:
        """The model in which groups differ in level and in change."""
        return MixedModel.of(self.cells, slopes=True)
