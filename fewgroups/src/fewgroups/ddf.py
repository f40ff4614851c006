"""Degrees of freedom for tests of fixed effects: Satterthwaite's and Kenward and Roger's.

Both ask how uncertain the *variance* of a contrast Lβ̂ is, since it was estimated too, and answer with the
t or F distribution whose denominator is as uncertain.

Satterthwaite (1946, Biometrics Bulletin 2:110) matches two moments: df = 2 v² / var(v) with v = LΦLᵀ and
var(v) from the curvature of the likelihood, as lmerTest does (Kuznetsova, Brockhoff & Christensen 2017, J.
Stat. Softw. 82(13)); for several rows the F of Fai & Cornelius (1996, J. Stat. Comput. Simul. 54:363).
Kenward & Roger (1997, Biometrics 53:983) also enlarge Φ for what the estimated variances add, with the
expected information, as pbkrtest does (Halekoh & Højsgaard 2014, J. Stat. Softw. 59(9)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.information import Information
from fewgroups.structure import sqrt_factor

Array = np.ndarray


@dataclass(frozen=True)
class Test:
    """F (already scaled) with its numerator and denominator degrees of freedom; for one row F = t²."""

    statistic: float
    numerator: int
    denominator: float


def _scale_jacobian(cov_re: Array, vcomp: Array, scale: float) -> tuple[Array, Array]:
    """First (k, k) and second (k, k, k) derivatives of γ by φ = (relative Cholesky entries, relative SDs,
    σ/σ̂).

    φ is lmerTest's parameter vector (σ in units of its estimate). On the boundary, where a relative SD is
    zero, it
    matters which parameters are used: in these the likelihood is even about zero, so the gradient there
        vanishes.
    """
    q, v = len(cov_re), len(vcomp)
    root = np.zeros((q + v, q + v))
    root[:q, :q] = sqrt_factor(cov_re)
    root[range(q, q + v), range(q, q + v)] = np.sqrt(np.clip(vcomp, 0, None))
    root /= np.sqrt(scale)
    where = [(a, b) for a in range(q) for b in range(a + 1)] + [(c, c) for c in range(q, q + v)]
    k = len(where) + 1
    rows, columns = np.array(where).T
    jacobian, second = np.zeros((k, k)), np.zeros((k, k, k))
    units = np.zeros((k - 1, q + v, q + v))
    units[np.arange(k - 1), rows, columns] = 1.0
    for i, unit in enumerate(units):
        jacobian[:-1, i] = scale * (unit @ root.T + root @ unit.T)[rows, columns]
        for j, other in enumerate(units):
            second[:-1, i, j] = scale * (unit @ other.T + other @ unit.T)[rows, columns]
    gamma = np.append(scale * (root @ root.T)[rows, columns], scale)
    second[:-1, :-1, -1] = second[:-1, -1, :-1] = 2 * jacobian[:-1, :-1]
    jacobian[:, -1] = second[:, -1, -1] = 2 * gamma
    return jacobian, second


@dataclass(frozen=True)
class Satterthwaite:
    """Satterthwaite's method at one fit: `phi` (p, p); `slopes` (k, p, p), dΦ/dφ; `spread` (k, k), the
    covariance of φ̂.

    `flat` says how many directions of φ carry no (or negative) curvature: as lmerTest does, they are left
    out.
    """

    phi: Array
    slopes: Array
    spread: Array
    flat: int

    @classmethod
    def of(cls, found: Information, cov_re: Array, vcomp: Array, scale: float) -> Satterthwaite:
        """From the information at Ψ = cov_re (q, q), variance components vcomp (v,) and σ² = scale."""
        jacobian, second = _scale_jacobian(np.asarray(cov_re), np.asarray(vcomp), scale)
        curvature = jacobian.T @ found.hessian @ jacobian + np.einsum(
            "i,ijk->jk", found.gradient, second
        )
        values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
        kept = values > 1e-8 * max(values.max(), 1.0)
        spread = 2 * (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
        slopes = -np.einsum("ab,ibc,cd->iad", found.phi, found.P, found.phi)
        return cls(
            found.phi, np.einsum("ij,iab->jab", jacobian, slopes), spread, int(np.sum(~kept))
        )

    @property
    def covariance(self) -> Array:
        """(p, p), that of the coefficients: Φ itself."""
        return self.phi

    def df(self, row: Array) -> float:
        """Degrees of freedom of one contrast (p,)."""
        slope = np.einsum("a,iab,b->i", row, self.slopes, row)
        spread = slope @ self.spread @ slope
        return float(2 * (row @ self.phi @ row) ** 2 / spread) if spread > 0 else np.inf

    def test(self, rows: Array, difference: Array) -> Test:
        """Fai and Cornelius' F of rows (q, p) against their hypothesis: `difference` (q,) is Lβ̂ less
        its null value."""
        values, vectors = np.linalg.eigh(rows @ self.phi @ rows.T)
        turned = vectors.T @ rows
        statistic = float(np.mean((vectors.T @ difference) ** 2 / values))
        dfs = np.array([self.df(row) for row in turned])
        return Test(statistic, len(rows), _combined_df(dfs))


def _combined_df(dfs: Array) -> float:
    """Denominator df of a mean of q independent t²: matches the mean of F (Fai & Cornelius 1996), at
    least 2."""
    if np.ptp(dfs) < 1e-8 or np.all(np.isinf(dfs)):
        return float(dfs.mean())
    if np.any(dfs <= 2):
        return 2.0
    excess = np.sum(2 / (dfs - 2))  # Σ df/(df − 2) − q, without cancellation
    return float(2 * (excess + len(dfs)) / excess)


@dataclass(frozen=True)
class KenwardRoger:
    """Kenward and Roger's method at one REML fit: `phi` and the adjusted `covariance` (p, p), `P` (k, p, p),
    `spread` (k, k): the covariance of γ̂ from the expected information."""

    phi: Array
    covariance: Array
    P: Array
    spread: Array

    @classmethod
    def of(cls, found: Information) -> KenwardRoger:
        """From the information at a REML fit. V is linear in γ, so the second-derivative term vanishes."""
        spread = 2 * scaled_inverse(found.expected)
        middle = found.Q - np.einsum("iab,bc,jcd->ijad", found.P, found.phi, found.P)
        extra = np.einsum("ij,ijab->ab", spread, middle)
        adjusted = found.phi + 2 * found.phi @ extra @ found.phi
        return cls(found.phi, (adjusted + adjusted.T) / 2, found.P, spread)

    def df(self, row: Array) -> float:
        """Degrees of freedom of one contrast (p,)."""
        return self._scaling(row[None, :])[0]

    def test(self, rows: Array, difference: Array) -> Test:
        """The scaled F of rows (q, p); `difference` (q,) is Lβ̂ less its null value."""
        df, factor = self._scaling(rows)
        wald = difference @ np.linalg.solve(rows @ self.covariance @ rows.T, difference)
        return Test(float(factor * wald / len(rows)), len(rows), df)

    def _scaling(self, rows: Array) -> tuple[float, float]:
        """Denominator df and the factor of F: Kenward & Roger (1997), section 2 and their Appendix,
        names as there."""
        q = len(rows)
        theta = rows.T @ np.linalg.solve(rows @ self.phi @ rows.T, rows)
        turned = theta @ self.phi @ self.P @ self.phi
        traces = np.trace(turned, axis1=1, axis2=2)
        A1 = float(traces @ self.spread @ traces)
        A2 = float(np.einsum("ij,iab,jba->", self.spread, turned, turned))
        if A2 <= 1e-14:  # the variance of these rows is known: nothing to adjust
            return np.inf, 1.0
        B = (A1 + 6 * A2) / (2 * q)
        g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
        c1, c2, c3 = np.array([g, q - g, q + 2 - g]) / (3 * q + 2 * (1 - g))
        V0, V1, V2 = 1 + c1 * B, 1 - c2 * B, 1 - c3 * B
        V0 = 0.0 if abs(V0) < 1e-10 else V0
        ratio = 1.0 if max(abs(1 - A2 / q), abs(V1)) < 1e-14 else (1 - A2 / q) / V1
        rho = ratio**2 * V0 / V2 / q
        df = 4 + (q + 2) / (q * rho - 1)
        factor = 1.0 if abs(df - 2) < 0.01 else df * (1 - A2 / q) / (df - 2)
        return float(df), float(factor)


def scaled_inverse(matrix: Array) -> Array:
    """Inverse of an information matrix whose rows may be in very different units."""
    units = np.sqrt(np.diag(matrix))
    return np.linalg.inv(matrix / np.outer(units, units)) / np.outer(units, units)
