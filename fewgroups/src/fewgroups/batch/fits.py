"""`fit_many`: (RE)ML fits of many data sets of one layout at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from fewgroups.batch.cells import cell_statistics, scores_of
from fewgroups.batch.intercepts import fit_intercepts, intercept_model
from fewgroups.batch.layouts import Layout, layout_of
from fewgroups.batch.slopes import fit_slopes, slope_model

BLOCK_VALUES = 2**17
"""Cell means handled at a time, 1 MB: memory stays bounded, and near the processor."""

BLOCK = {True: 2048, False: 16384}
"""Data sets handled at a time at most, with a closed form and without: the few that take many steps are better
shared."""


@dataclass(frozen=True, eq=False)
class Fits:
    """Fits of n data sets, p fixed effects, q random effects (1, or 2 with slopes).

    Attributes
    ----------
    estimate, se : (n, p) fixed effects and their standard errors, from σ²(XᵀV⁻¹X)⁻¹ as in lme4.
    cov_re : (n, q, q) covariance of the random effects, in units of y squared.
    scale : (n,) residual variance σ².
    loglik : (n,) the (restricted) log-likelihood, with the constants of lme4 and statsmodels.
    converged : (n,) bool. False where the scores leave no residual variance (constant scores, for example): the
        numbers of that data set are then NaN, as there is no maximum.
    singular : (n,) bool. True where the smallest SD of a random effect (in columns made orthonormal and scaled so that
        the average athlete's information is one; for an intercept alone τ/σ itself) is below 1e-4 of the residual
        SD: on the boundary, whatever the units.
    layout : the layout that all data sets share: X, athletes, sizes of cells, XᵢᵀXᵢ.
    reml : bool.
    """

    estimate: np.ndarray
    se: np.ndarray
    cov_re: np.ndarray
    scale: np.ndarray
    loglik: np.ndarray
    converged: np.ndarray
    singular: np.ndarray
    layout: Layout
    reml: bool

    def __len__(self) -> int:
        return len(self.scale)

    @property
    def psi(self) -> np.ndarray:
        """Relative covariance of the random effects, cov_re/σ², (n, q, q)."""
        return self.cov_re / self.scale[:, None, None]

    @cached_property
    def theta(self) -> np.ndarray:
        """Relative covariance factor, lower triangular Λ with ΛΛᵀ = cov_re/σ², (n, q, q); the θ of lme4."""
        psi = self.psi
        factor = np.zeros_like(psi)
        factor[:, 0, 0] = np.sqrt(psi[:, 0, 0])
        if psi.shape[1] == 2:
            first = np.where(factor[:, 0, 0] > 0, factor[:, 0, 0], 1.0)
            factor[:, 1, 0] = np.where(factor[:, 0, 0] > 0, psi[:, 1, 0] / first, 0.0)
            factor[:, 1, 1] = np.sqrt(np.maximum(psi[:, 1, 1] - factor[:, 1, 0] ** 2, 0))
        return factor

    @cached_property
    def vcov(self) -> np.ndarray:
        """Covariance of the fixed effects, σ²(XᵀV⁻¹X)⁻¹ with V relative to σ², (n, p, p)."""
        psi, grams = self.psi, self.layout.grams
        p = self.layout.columns
        information = np.zeros((len(self), p, p))
        if psi.shape[1] == 1:
            sums, sizes = self.layout.athlete_sums, self.layout.athlete_sizes
            information += grams.sum(axis=0)
            for row, size in zip(sums, sizes, strict=True):
                information -= (psi[:, 0, 0] / (1 + size * psi[:, 0, 0]))[:, None, None] * (
                    row[:, None] * row
                )
        else:
            for gram in grams:
                # (I + GΨ)⁻¹G
                mixed = np.eye(2) + np.einsum("ij,njk->nik", gram, psi)
                information += np.linalg.solve(mixed, np.broadcast_to(gram, mixed.shape))
        dead = ~np.isfinite(self.scale)
        information[dead] = np.eye(p)
        return self.scale[:, None, None] * np.linalg.inv(information)


def fit_many(
    y: Any, design_or_X: Any, groups: Any = None, slopes: bool = False, reml: bool = True
) -> Fits:
    """Mixed models with one grouping factor for many data sets at once: only the scores differ between them.

    Balanced layouts have a closed form; for the others Newton's method is run on sufficient statistics, all data sets
    together. The digits depend neither on threads nor on which data sets are fitted together. With few, uneven athletes
    the likelihood of a slope model can have several maxima; among 220 000 such data sets of 2 to 6 athletes 41 ended on
    one that is not the highest (up to .9 below it), as lmer does now and then.

    Parameters
    ----------
    y : (n, rows) or (rows,) scores, a data set per row, in the order of the design's table or of the rows of X.
    design_or_X : Design, or array (rows, p)
        A design gives an intercept and a 0/1 column for each session but the first.
    groups : (rows,) labels of the athletes; only with a matrix X.
    slopes : bool
        False: a random intercept. True: also a random slope of the second column; X must have two columns.
    reml : bool
        Restricted (True) or full maximum likelihood.

    Returns
    -------
    Fits

    Raises
    ------
    TypeError, ValueError
        For input that is not numeric, of the wrong shape, not finite, rank-deficient, with one athlete, too few rows,
        or a slope that no athlete's data can identify. A data set without residual variance is not an error: its
        `converged` is False and its numbers are NaN.
    """
    for name, value in (("slopes", slopes), ("reml", reml)):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False; given {value!r}")
    return _fit(y, layout_of(design_or_X, groups), bool(slopes), bool(reml))


def _fit(
    y: Any,
    layout: Layout,
    slopes: bool,
    reml: bool,
    iterate: bool = False,
    block: int | None = None,
) -> Fits:
    scores = scores_of(y, layout.rows)
    q = 2 if slopes else 1
    p, n = layout.columns, len(scores)
    found = {
        name: np.empty((n, *shape))
        for name, shape in [
            ("estimate", (p,)),
            ("se", (p,)),
            ("cov_re", (q, q)),
            ("scale", ()),
            ("loglik", ()),
        ]
    }
    converged, singular = np.empty(n, dtype=bool), np.empty(n, dtype=bool)
    if slopes:
        lines = slope_model(layout, reml)
        closed, fits_of = lines.closed, partial(fit_slopes, lines)
    else:
        intercepts = intercept_model(layout, reml)
        closed, fits_of = intercepts.closed, partial(fit_intercepts, intercepts)
    step = block or min(BLOCK[closed and not iterate], max(128, BLOCK_VALUES // layout.cells))
    for start in range(0, n, step):
        part = scores[start : start + step]
        here = slice(start, start + len(part))
        # einsum sums a lone column in another order: fit it twice instead, for the same digits in any block.
        cells = cell_statistics(part if len(part) > 1 else np.repeat(part, 2, axis=0), layout)
        fits = fits_of(cells, iterate)
        fits = {name: values[..., : len(part)] for name, values in fits.items()}
        solved = fits["solved"]
        if not solved.all():
            fits |= {
                name: np.where(solved, fits[name], np.nan)
                for name in ("estimate", "variance", "psi", "scale", "loglik")
            }
        found["estimate"][here] = fits["estimate"].T
        found["se"][here] = np.sqrt(fits["variance"]).T
        found["scale"][here], found["loglik"][here] = fits["scale"], fits["loglik"]
        covariance = fits["scale"] * fits["psi"]
        for (i, j), values in zip(
            [(0, 0), (0, 1), (1, 1)][: len(covariance)], covariance, strict=True
        ):
            found["cov_re"][here, i, j] = found["cov_re"][here, j, i] = values
        converged[here], singular[here] = solved, fits["singular"] & solved
    return Fits(**found, converged=converged, singular=singular, layout=layout, reml=reml)
