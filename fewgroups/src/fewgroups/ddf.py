"""Degrees of freedom for tests of fixed effects: Satterthwaite's and Kenward and Roger's.

Both ask how uncertain the *variance* of a contrast Lβ̂ is, since it was estimated too, and answer with the t or F
distribution whose denominator is as uncertain.

Satterthwaite (1946, Biometrics Bulletin 2:110) matches two moments: df = 2 v² / var(v) with v = LΦLᵀ and var(v) from
the curvature of the likelihood, as lmerTest does (Kuznetsova, Brockhoff & Christensen 2017, J. Stat. Softw. 82(13));
for several rows the F of Fai & Cornelius (1996, J. Stat. Comput. Simul. 54:363). Kenward & Roger (1997, Biometrics
53:983) also enlarge Φ for what the estimated variances add, with the expected information, as pbkrtest does (Halekoh &
Højsgaard 2014, J. Stat. Softw. 59(9)).

V = σ²(I + Σγ_iG_i) with G_i = Z S_i Zᵀ, γ the lower triangle of Ψ/σ² row by row and the τ²/σ² of the components. So
the derivatives of V by γ_i and by log σ², G_iσ² and V itself, are all that is needed, in products such as
XᵀV⁻¹G_iV⁻¹G_jV⁻¹X and traces, from the cross-products of each group (`Structure`). They are worked out for the
orthonormal columns that `Structure` makes of X and Z: neither units nor centring of the predictors then cost digits, or
decide what is negligible. Rows of contrasts are brought to those columns by `Information.rows`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.blocks import square_derivatives
from fewgroups.structure import Structure, sqrt_factor

Array = np.ndarray
FLAT = 1e-8  # eigenvalue of the scaled curvature, relative to the largest, that is none (lmerTest's bound)


@dataclass(frozen=True)
class Information:
    """What a model at one value of its k covariance parameters (γ, log σ²) knows about them; p fixed effects. The D_i
    are the derivatives of V by them. Of n data sets, all but `fixed` and `random` have a first axis of that length.

    fixed (p, p), random (q, q): X̃ = X fixed and Z̃ = Z random are the orthonormal columns; cov_re (q, q) of those, vcomp
        (v,), scale: Ψ, τ², σ²; units (k−1,): what γ_i = 1 is beside these;
    phi: (p, p) the covariance (X̃ᵀV⁻¹X̃)⁻¹ of the fixed effects; beta: (p,) their generalised-least-squares estimates;
    P: (k, p, p) with P_i = −X̃ᵀV⁻¹D_iV⁻¹X̃; Q: (k−1, k−1, p, p) with Q_ij = X̃ᵀV⁻¹D_iV⁻¹D_jV⁻¹X̃;
    traces: (k, k) tr(V⁻¹D_iV⁻¹D_j); expected: (k, k) twice the expected REML information tr(𝒫D_i𝒫D_j), with
        𝒫 = V⁻¹ − V⁻¹X̃ΦX̃ᵀV⁻¹;
    gradient: (k,) and hessian: (k, k) of −2 log-likelihood as V moves along D, REML or ML, β profiled; loglik: that
        log-likelihood, with lme4's and statsmodels' constants.
    """

    fixed: Array
    random: Array
    cov_re: Array
    vcomp: Array
    scale: float | Array
    units: Array
    phi: Array
    beta: Array
    P: Array
    Q: Array
    traces: Array
    expected: Array
    gradient: Array
    hessian: Array
    loglik: float | Array

    def rows(self, L: Array) -> Array:
        """Rows (q, p) or a row (p,) of weights of β as weights of the coefficients of X̃."""
        return np.asarray(L @ self.fixed)


def information(
    s: Structure, cov_re: Array, vcomp: Array, scale: float | Array, reml: bool
) -> Information:
    """Information of a model with this structure at Ψ (q, q), variances τ² (v,) and σ² = scale; of n data sets at as
    many (n, q, q), (n, v), (n,)."""
    p, shape, (i, j) = s.p, np.shape(scale), np.tril_indices(s.q)
    psi = s.R_re @ np.reshape(cov_re, (*shape, s.q, s.q)) @ s.R_re.T
    vcomp = np.reshape(vcomp, (*shape, s.v))
    variance = np.asarray(scale, dtype=float)[..., None]
    units = variance / np.concatenate([np.ones(len(i)), s.unit_vc**2])
    found = s.sums(np.concatenate([psi[..., i, j], vcomp], axis=-1) / units, second=True)
    # of the columns B = [X̃ r], r the residuals of least squares in units of their own; y − X̃β̂ is Bc in these
    M = s.BB - found.removed
    A, A_inverse = M[..., :p, :p], np.linalg.inv(M[..., :p, :p])
    A_inverse = (A_inverse + A_inverse.swapaxes(-1, -2)) / 2
    shift = (A_inverse @ M[..., :p, p:])[..., 0]
    c = np.concatenate([-shift, np.ones((*shape, 1))], axis=-1)
    ratio = (s.unit**2 / scale)[..., None]
    P = np.concatenate([found.P, M[..., None, :, :]], axis=-3)
    half = (P @ c[..., None, :, None])[..., 0]
    first = ratio * (half @ c[..., None])[..., 0]  # yᵀ𝒫D_i𝒫y
    half = half[..., :-1, :p]
    Q = np.ascontiguousarray(found.Q)  # of many data sets, in a third of the time
    second = np.einsum("...ijab,...ab->...ij", Q, c[..., :, None] * c[..., None, :])
    second -= half @ A_inverse @ half.swapaxes(-1, -2)
    quadratic = _bordered(ratio[..., None] * second, first)  # yᵀ𝒫D_i𝒫D_j𝒫y

    phi = variance[..., None] * A_inverse
    P = -P[..., :p, :p] / variance[..., None, None]
    Q = Q[..., :p, :p] / variance[..., None, None, None]
    phi_P = phi[..., None, :, :] @ P
    single = np.concatenate([found.single, np.full((*shape, 1), s.n)], axis=-1)
    left = single + np.einsum("...iaa->...i", phi_P)  # tr 𝒫D_i
    phi_P = phi_P[..., :-1, :, :]
    expected = found.traces - 2 * np.einsum("...ijab,...ab->...ij", Q, phi)
    expected += np.einsum("...iab,...jba->...ij", phi_P, phi_P)
    traces, expected = _bordered(found.traces, single), _bordered(expected, left)
    beta = np.linalg.solve(s.R_inverse, s.start[..., None])[..., 0]
    beta += np.asarray(s.unit)[..., None] * shift
    deviance = found.log_det + first[..., -1] + s.n * np.log(2 * np.pi * scale)
    if reml:
        deviance += np.linalg.slogdet(A)[1] - p * np.log(2 * np.pi * scale)
        deviance -= 2 * np.log(np.abs(np.diag(s.R_inverse))).sum()
    return Information(
        fixed=s.R_inverse,
        random=np.linalg.inv(s.R_re),
        cov_re=psi,
        vcomp=vcomp,
        scale=scale,
        units=units,
        phi=phi,
        beta=beta,
        P=P,
        Q=Q,
        traces=traces,
        expected=expected,
        gradient=(left if reml else single) - first,
        hessian=2 * quadratic - (expected if reml else traces),
        loglik=-deviance / 2,
    )


def _bordered(inner: Array, last: Array) -> Array:
    """A symmetric matrix (..., k, k) of its part (..., k−1, k−1) and its last row (..., k)."""
    whole = np.empty((*last.shape, last.shape[-1]))
    whole[..., :-1, :-1], whole[..., -1, :], whole[..., -1] = inner, last, last
    return whole


FTest = tuple[float, int, float]
"""F (already scaled), its numerator and its denominator degrees of freedom; for one row F = t²."""


@dataclass(frozen=True)
class Wald:
    """z and χ²/q, the variances taken as known; and what all methods have at one fit or at n, along the first axis.

    phi: (..., p, p) the covariance Φ of the coefficients of X̃; covariance: (..., p, p) what tests take for it; slopes:
    (..., k, p, p) derivatives of Φ by parameters of the variances; spread: (..., k, k) the covariance of these.
    """

    phi: Array
    covariance: Array
    slopes: Array
    spread: Array

    @classmethod
    def of(cls, found: Information) -> Wald:
        """From the information at a fit."""
        none = found.phi[..., None, :, :][..., :0, :, :]
        return cls(found.phi, found.phi, none, np.zeros((0, 0)))

    def df(self, row: Array) -> Array:
        """Degrees of freedom (...,) of one contrast (p,): 2v²/var(v), infinite where v is known."""
        variance = np.einsum("a,...ab,b->...", row, self.phi, row)
        slope = np.einsum("a,...iab,b->...i", row, self.slopes, row)
        share = np.einsum("...i,...ij,...j->...", slope, self.spread, slope) / variance**2
        return np.divide(2, share, out=np.full_like(variance, np.inf), where=share > 1e-14)

    def test(self, rows: Array, difference: Array) -> FTest:
        """The F of rows (q, p) at one fit; `difference` (q,) is Lβ̂ less its null value."""
        wald = difference @ np.linalg.solve(rows @ self.covariance @ rows.T, difference)
        return float(wald / len(rows)), len(rows), np.inf


class Satterthwaite(Wald):
    """Satterthwaite's method, its parameters φ as in `_by_relative_sds`."""

    @classmethod
    def of(cls, found: Information) -> Satterthwaite:
        """From the information at a fit.

        Directions of φ in which the likelihood is flat or curved upwards are left out, as in lmerTest. What is flat is
        judged after each φ has been brought to the size at which its curvature is about 1: a variance that is large
        beside σ² has a small curvature in units of its own, and is no less well known for that.
        """
        jacobian, second = _by_relative_sds(found)
        across = jacobian.swapaxes(-1, -2)
        by_square = across @ found.hessian @ jacobian
        by_slope = np.einsum("...i,...ijk->...jk", found.gradient, second)
        curvature = (by_square + by_square.swapaxes(-1, -2)) / 2 + by_slope
        size = np.abs(across) @ np.abs(found.hessian) @ np.abs(jacobian) + np.abs(by_slope)
        size = np.sqrt(np.diagonal(size, axis1=-2, axis2=-1))
        size = np.where(size == 0, 1.0, size)
        values, vectors = np.linalg.eigh(curvature / (size[..., None] * size[..., None, :]))
        kept = values > FLAT * values.max(axis=-1, keepdims=True)
        weights = np.divide(2, values, out=np.zeros_like(values), where=kept)
        vectors = vectors / size[..., None]
        spread = (vectors * weights[..., None, :]) @ vectors.swapaxes(-1, -2)
        slopes = np.einsum("...ij,...iab->...jab", jacobian, _phi_slopes(found))
        return cls(found.phi, found.phi, slopes, spread)

    def test(self, rows: Array, difference: Array) -> FTest:
        """Fai and Cornelius' F of rows (q, p) against their hypothesis: `difference` (q,) is Lβ̂ less its null value.

        It depends on the basis in which a hypothesis is written. Rows are first made orthonormal, here among
        orthonormal columns, so that neither the coding of a factor nor a predictor's unit changes df.
        """
        basis, triangle = np.linalg.qr(rows.T)
        values, vectors = np.linalg.eigh(basis.T @ self.covariance @ basis)
        independent = vectors.T @ np.linalg.solve(triangle.T, difference)
        dfs = np.array([self.df(row) for row in (basis @ vectors).T])
        return float(np.mean(independent**2 / values)), len(rows), _combined_df(dfs)


def _phi_slopes(found: Information) -> Array:
    """(..., k, p, p) derivatives of Φ by (γ, log σ²)."""
    phi = found.phi[..., None, :, :]
    return -phi @ found.P @ phi


def _by_relative_sds(found: Information) -> tuple[Array, Array]:
    """First (..., k, k) and second (..., k, k, k) derivatives of V, as weights of the D_i, by φ = (relative Cholesky
    entries, relative SDs, σ/σ̂).

    φ is lmerTest's parameter vector (σ in units of its estimate). On the boundary, where a relative SD is zero, it
    matters which parameters are used: in these the likelihood is even about zero, so the gradient there vanishes.
    """
    q, v = found.cov_re.shape[-1], found.vcomp.shape[-1]
    root = sqrt_factor(found.cov_re / np.asarray(found.scale)[..., None, None])
    sds = np.sqrt(np.clip(found.vcomp / found.units[..., len(found.units.T) - v :], 0, None))
    theta = np.concatenate([root[..., np.tri(q, dtype=bool)], sds], axis=-1)
    constant = square_derivatives(np.eye(q), v)
    k = len(constant) + 1
    jacobian, second = np.zeros((*theta.shape[:-1], k, k)), np.zeros((*theta.shape[:-1], k, k, k))
    jacobian[..., :-1, :-1] = np.einsum("rij,...j->...ri", constant, theta)
    jacobian[..., -1, -1] = second[..., -1, -1, -1] = 2
    second[..., :-1, :-1, :-1] = constant
    second[..., :-1, :-1, -1] = second[..., :-1, -1, :-1] = 2 * jacobian[..., :-1, :-1]
    return jacobian, second


def _combined_df(dfs: Array) -> float:
    """Denominator df of a mean of q independent t²: matches the mean of F (Fai & Cornelius 1996), at least 2."""
    if np.all(np.isinf(dfs)) or np.ptp(dfs) < 1e-8 * dfs.min():
        return float(dfs.mean())
    if np.any(dfs <= 2):
        return 2.0
    excess = np.sum(2 / (dfs - 2))  # Σ df/(df − 2) − q, without cancellation
    return float(2 * (excess + len(dfs)) / excess)


class KenwardRoger(Wald):
    """Kenward and Roger's method, its parameters γ and log σ²: at REML fits only."""

    @classmethod
    def of(cls, found: Information) -> KenwardRoger:
        """From the information at a REML fit. V is linear in Ψ, τ² and σ², whose derivatives the D_i span, so that the
        second-derivative term vanishes."""
        spread = 2 * scaled_inverse(found.expected)
        P, inner = found.P[..., :-1, :, :], spread[..., :-1, :-1]
        left = (P @ found.phi[..., None, :, :])[..., None, :, :]
        middle = found.Q - left @ P[..., None, :, :, :]  # 0 for V
        extra = np.einsum("...ij,...ijab->...ab", inner, middle)
        adjusted = found.phi + 2 * found.phi @ extra @ found.phi
        adjusted = (adjusted + adjusted.swapaxes(-1, -2)) / 2
        return cls(found.phi, adjusted, _phi_slopes(found), spread)

    def test(self, rows: Array, difference: Array) -> FTest:
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


METHODS: dict[str, type[Wald]] = {
    "kenward-roger": KenwardRoger,
    "satterthwaite": Satterthwaite,
    "wald": Wald,
}


def scaled_inverse(matrix: Array) -> Array:
    """Inverse of information matrices (..., k, k) whose rows may be in very different units."""
    units = np.sqrt(np.diagonal(matrix, axis1=-2, axis2=-1))
    units = units[..., None] * units[..., None, :]
    return np.linalg.inv(matrix / units) / units
