"""Degrees of freedom for tests of fixed effects: Satterthwaite's and Kenward and Roger's.

Both ask how uncertain the *variance* of a contrast Lβ̂ is, since it was estimated too, and answer with the t or F
distribution whose denominator is as uncertain.

Satterthwaite (1946, Biometrics Bulletin 2:110) matches two moments: df = 2 v² / var(v) with v = LΦLᵀ and var(v) from
the curvature of the likelihood, as lmerTest does (Kuznetsova, Brockhoff & Christensen 2017, J. Stat. Softw. 82(13));
for several rows the F of Fai & Cornelius (1996, J. Stat. Comput. Simul. 54:363). Kenward & Roger (1997, Biometrics
53:983) also enlarge Φ for what the estimated variances add, with the expected information, as pbkrtest does (Halekoh &
Højsgaard 2014, J. Stat. Softw. 59(9)).

All is worked out for the orthonormal columns that `Structure` makes of X and Z: neither units nor centring of the
predictors then cost digits, or decide what is negligible. `Information.rows` brings contrasts to those columns."""

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fewgroups.arguments import check_choice
from fewgroups.likelihood import Information, NotAtOptimumWarning, by_coordinates, optimum
from fewgroups.wording import say

Array = np.ndarray
SHORTFALL = 1e-4  # log-likelihood below the optimum from which on a fit counts as short of it
FLAT = 1e-8  # eigenvalue of the scaled curvature, relative to the largest, that is none (lmerTest's bound)


@dataclass(frozen=True)
class Wald:
    """z and χ²/q, the variances taken as known; and what all methods have at one fit or at n, along the first axis.

    phi: (..., p, p) the covariance Φ of the coefficients of X̃; covariance: (..., p, p) what tests take for it; slopes:
    (..., k, p, p) derivatives of Φ by parameters of the variances; spread: (..., k, k) the covariance of these."""

    phi: Array
    covariance: Array
    slopes: Array
    spread: Array

    @classmethod
    def of(cls, found: Information) -> Self:
        """From the information at a fit."""
        return cls(
            found.phi, found.phi, found.phi[..., None, :, :][..., :0, :, :], np.zeros((0, 0))
        )

    def df(self, row: Array) -> Array:
        """Degrees of freedom (...,) of one contrast (p,): 2v²/var(v), infinite where v is known."""
        variance = np.einsum("a,...ab,b->...", row, self.phi, row)
        slope = np.einsum("a,...iab,b->...i", row, self.slopes, row)
        share = np.einsum("...i,...ij,...j->...", slope, self.spread, slope) / variance**2
        return np.divide(2, share, out=np.full_like(variance, np.inf), where=share > 1e-14)

    def test(self, rows: Array, difference: Array) -> tuple[float, int, float]:
        """F (already scaled), its numerator and its denominator degrees of freedom, of rows (q, p) at one fit; for one
        row F = t². `difference` (q,) is Lβ̂ less its null value."""
        wald = difference @ np.linalg.solve(rows @ self.covariance @ rows.T, difference)
        return float(wald / len(rows)), len(rows), np.inf


class Satterthwaite(Wald):
    """Satterthwaite's method. Its parameters φ are lmerTest's: relative Cholesky entries and relative SDs, θ, and σ/σ̂.

    On the boundary, where a relative SD is zero, it matters which parameters are used: in these the likelihood is even
    about zero, so the gradient there vanishes."""

    @classmethod
    def of(cls, found: Information) -> Self:
        """From the information at a fit.

        Directions of φ in which the likelihood is flat or curved upwards are left out, as in lmerTest. What is flat is
        judged after each φ has been brought to the size at which its curvature is about 1: a variance that is large
        beside σ² has a small curvature in units of its own, and is no less well known for that."""
        s = found.structure
        theta, k = s.theta(found.gamma), s.size + 1
        jacobian, second = np.zeros((*theta.shape[:-1], k, k)), np.zeros((k, k, k))
        jacobian[..., :-1, :-1] = np.einsum("rij,...j->...ri", s.squares, theta)
        second[:-1, :-1, :-1] = s.squares
        jacobian[..., -1, -1], second[-1, -1, -1] = 2, -2
        terms = found.gradient, found.hessian, jacobian, second
        _, curvature = by_coordinates(*terms)
        size = np.sqrt(np.diagonal(by_coordinates(*map(np.abs, terms))[1], axis1=-2, axis2=-1))
        size = np.where(size == 0, 1.0, size)
        values, vectors = np.linalg.eigh(curvature / (size[..., None] * size[..., None, :]))
        kept = values > FLAT * values.max(axis=-1, keepdims=True)
        weights = np.divide(2, values, out=np.zeros_like(values), where=kept)
        vectors = vectors / size[..., None]
        spread = (vectors * weights[..., None, :]) @ vectors.swapaxes(-1, -2)
        slopes = np.einsum("...ij,...iab->...jab", jacobian, found.phi_slopes)
        return cls(found.phi, found.phi, slopes, spread)

    def test(self, rows: Array, difference: Array) -> tuple[float, int, float]:
        """Fai and Cornelius' F of rows (q, p) against their hypothesis: `difference` (q,) is Lβ̂ less its null value.

        It depends on the basis in which a hypothesis is written. Rows are first made orthonormal, here among
        orthonormal columns, so that neither the coding of a factor nor a predictor's unit changes df."""
        basis, triangle = np.linalg.qr(rows.T)
        values, vectors = np.linalg.eigh(basis.T @ self.covariance @ basis)
        independent = vectors.T @ np.linalg.solve(triangle.T, difference)
        dfs = np.array([self.df(row) for row in (basis @ vectors).T])
        # Denominator df of a mean of q independent t²: it matches the mean of F, and is at least 2.
        if np.all(np.isinf(dfs)) or np.ptp(dfs) < 1e-8 * dfs.min():
            df = dfs.mean()
        elif np.any(dfs <= 2):
            df = 2.0
        else:
            excess = np.sum(2 / (dfs - 2))  # Σ df/(df − 2) − q, without cancellation
            df = 2 * (excess + len(dfs)) / excess
        return float(np.mean(independent**2 / values)), len(rows), float(df)


class KenwardRoger(Wald):
    """Kenward and Roger's method, its parameters γ and log σ²: at REML fits only."""

    @classmethod
    def of(cls, found: Information) -> Self:
        """From the information at a REML fit. V is linear in Ψ, τ² and σ², whose derivatives the D_i span, so that the
        second-derivative term vanishes."""
        spread, P = 2 * scaled_inverse(found.expected), found.P[..., :-1, :-1]
        products = (P @ found.inverse[..., None, :, :])[..., None, :, :] @ P[..., None, :, :, :]
        middle = found.Q[..., :-1, :-1] - products  # 0 for V
        extra = np.einsum("...ij,...ijab->...ab", spread[..., :-1, :-1], middle)
        adjusted = found.phi + 2 * found.phi @ extra @ found.inverse
        adjusted = (adjusted + adjusted.swapaxes(-1, -2)) / 2
        return cls(found.phi, adjusted, found.phi_slopes, spread)

    def test(self, rows: Array, difference: Array) -> tuple[float, int, float]:
        """The scaled F of rows (q, p); `difference` (q,) is Lβ̂ less its null value. Denominator df and the factor of F:
        Kenward & Roger (1997), section 2 and their Appendix, names as there."""
        known = super().test(rows, difference)
        wald, q, _ = known
        theta = rows.T @ np.linalg.solve(rows @ self.phi @ rows.T, rows)
        products = theta @ self.slopes
        traces = np.trace(products, axis1=1, axis2=2)
        A1 = float(traces @ self.spread @ traces)
        A2 = float(np.einsum("ij,iab,jba->", self.spread, products, products))
        if A2 <= 1e-14:  # about 2/df: the variance of these rows is known, nothing to adjust
            return known
        B = (A1 + 6 * A2) / (2 * q)
        g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
        c1, c2, c3 = np.array([g, q - g, q + 2 - g]) / (3 * q + 2 * (1 - g))
        V0, V1, V2 = 1 + c1 * B, 1 - c2 * B, 1 - c3 * B
        V0 = 0.0 if abs(V0) < 1e-10 else V0
        ratio = 1.0 if max(abs(1 - A2 / q), abs(V1)) < 1e-14 else (1 - A2 / q) / V1
        rho = ratio**2 * V0 / V2 / q
        df = 4 + (q + 2) / (q * rho - 1)
        factor = 1.0 if abs(df - 2) < 0.01 else df * (1 - A2 / q) / (df - 2)
        return float(factor * wald), q, float(df)


METHODS = {"kenward-roger": KenwardRoger, "satterthwaite": Satterthwaite, "wald": Wald}


def scaled_inverse(matrix: Array) -> Array:
    """Inverse of information matrices (..., k, k) whose rows may be in very different units."""
    units = np.sqrt(np.diagonal(matrix, axis1=-2, axis2=-1))
    units = units[..., None] * units[..., None, :]
    return np.linalg.inv(matrix / units) / units


@dataclass(frozen=True)
class Examination:
    """A fit, examined. found: the information at its parameters, or at those of its REML refit; method: what judges the
    fixed effects; notes; facts for `attrs` of a table."""

    found: Information
    method: Wald
    notes: list[str]
    facts: dict[str, Any]


def examine(result: Any, ddf: str) -> Examination:
    """Examine a MixedLMResults, checked, for the method `ddf`; ValueError unless that is one of METHODS.

    Everything rests on the parameters of the fit itself, also where it is short of the optimum
    (NotAtOptimumWarning). Two exceptions rest on the optimum: Kenward–Roger of an ML fit, on that of REML, as in
    pbkrtest; and a fit beside a singular optimum, which statsmodels can come near to but not reach."""
    check_choice("ddf", ddf, tuple(METHODS))
    s, reml = result.structure, bool(result.reml)
    best, scale = optimum(s, reml), float(result.scale)
    gamma = s.from_data_units(result.cov_re / scale, result.vcomp / scale)
    found, singular = Information.of(s, gamma, reml, scale), s.singular(s.theta(gamma))
    shortfall = max(best.loglik - found.loglik, 0.0)
    refitted = ddf == "kenward-roger" and not reml
    notes = []
    if shortfall > SHORTFALL:
        notes.append(say("examined.short", shortfall=f"{shortfall:.2g}"))
        warnings.warn(notes[-1], NotAtOptimumWarning, stacklevel=3)
    if refitted:
        best = optimum(s, True)
        notes.append(say("examined.refitted"))
    if refitted or (best.singular and shortfall <= SHORTFALL):
        found, singular = best, best.singular
    if singular:
        notes.append(say(f"examined.{ddf}"))
    facts = {"method": ddf, "singular": singular, "refitted": refitted, "shortfall": shortfall}
    return Examination(found, METHODS[ddf].of(found), notes, facts)
