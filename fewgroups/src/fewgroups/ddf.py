"""Degrees of freedom for tests of fixed effects: Satterthwaite's and Kenward and Roger's.

Both ask how uncertain the *variance* of a contrast Lβ̂ is, since it was estimated too, and answer with the t or F
distribution whose denominator is as uncertain.

Satterthwaite (1946, Biometrics Bulletin 2:110) matches two moments: df = 2 v² / var(v) with v = LΦLᵀ and var(v) from
the curvature of the likelihood, as lmerTest does (Kuznetsova, Brockhoff & Christensen 2017, J. Stat. Softw. 82(13));
for several rows the F of Fai & Cornelius (1996, J. Stat. Comput. Simul. 54:363). Kenward & Roger (1997, Biometrics
53:983) also enlarge Φ for what the estimated variances add, with the expected information, as pbkrtest does (Halekoh &
Højsgaard 2014, J. Stat. Softw. 59(9)).

V = Σ_g (Z_g S Z_gᵀ + σ²I), with S made of the covariance Ψ of the random-effect columns and of the variance components
τ², is linear in γ = (lower triangle of Ψ row by row, τ², σ²). So its derivatives G_i are constant, and all that is
needed are products such as XᵀV⁻¹G_iV⁻¹G_jV⁻¹X and traces, from the cross-products of each group (`Structure`). They are
worked out for the orthonormal columns that `Structure` makes of X and Z: neither units nor centring of the predictors
then cost digits, or decide what is negligible. Rows of contrasts are brought to those columns by `Information.rows`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.structure import Structure, sqrt_factor

Array = np.ndarray
FLAT = 1e-8  # eigenvalue of the scaled curvature, relative to the largest, that is none (lmerTest's bound)


@dataclass(frozen=True)
class Information:
    """What a model at one value of its k covariance parameters γ knows about them; p fixed effects.

    fixed (p, p), random (q, q): X̃ = X fixed and Z̃ = Z random are the orthonormal columns; cov_re (q, q), vcomp (v,),
        scale: γ for those columns;
    phi: (p, p) the covariance (X̃ᵀV⁻¹X̃)⁻¹ of the fixed effects; beta: (p,) their generalised-least-squares estimates;
    P: (k, p, p) with P_i = −X̃ᵀV⁻¹G_iV⁻¹X̃; Q: (k, k, p, p) with Q_ij = X̃ᵀV⁻¹G_iV⁻¹G_jV⁻¹X̃;
    traces: (k, k) tr(V⁻¹G_iV⁻¹G_j); expected: (k, k) twice the expected REML information tr(𝒫G_i𝒫G_j), with
        𝒫 = V⁻¹ − V⁻¹X̃ΦX̃ᵀV⁻¹;
    gradient: (k,) and hessian: (k, k) of −2 log-likelihood, REML or ML, β profiled; loglik: that log-likelihood, with
        lme4's and statsmodels' constants.
    """

    fixed: Array
    random: Array
    cov_re: Array
    vcomp: Array
    scale: float
    phi: Array
    beta: Array
    P: Array
    Q: Array
    traces: Array
    expected: Array
    gradient: Array
    hessian: Array
    loglik: float

    def rows(self, L: Array) -> Array:
        """Rows (q, p) or a row (p,) of weights of β as weights of the coefficients of X̃."""
        return np.asarray(L @ self.fixed)


def derivatives(labels: Array, k_re: int, k_vc: int) -> Array:
    """The constant matrices dS/dγ_i of one group, (k − 1, m, m): all but that of σ².

    labels (m,) of its random-effect columns: −1 − c for column c of re_formula, else the component's number.
    """
    pairs = [(a, b) for a in range(k_re) for b in range(a + 1)]
    answer = np.zeros((len(pairs) + k_vc, len(labels), len(labels)))
    for i, (a, b) in enumerate(pairs):
        answer[i, a, b] = answer[i, b, a] = 1.0
    for number in range(k_vc):
        np.fill_diagonal(answer[len(pairs) + number], labels == number)
    return answer


def information(
    model: MixedLM | Structure, cov_re: Array, vcomp: Array, scale: float, reml: bool
) -> Information:
    """Information of a statsmodels MixedLM, or of its Structure, at Ψ (q, q), variances τ² (v,) and σ² = scale."""
    s = model if isinstance(model, Structure) else Structure.of(model)
    p, k = s.p, s.size + 1
    psi = s.R_re @ np.reshape(cov_re, (s.q, s.q)) @ s.R_re.T
    vcomp = np.reshape(vcomp, s.v)
    gamma = np.concatenate([psi[np.tril_indices(s.q)], vcomp])
    units = np.append(np.ones(p), s.unit)  # B = [X̃ r], r the least-squares residuals
    first = s.BB * np.outer(units, units)
    second, third = np.zeros((2, p + 1, p + 1))
    P, Q = np.zeros((k, p + 1, p + 1)), np.zeros((k, k, p + 1, p + 1))
    traces, single = np.zeros((k, k)), np.zeros(k)  # tr(V⁻¹G_iV⁻¹G_j), tr(V⁻¹G_i)
    single[-1], traces[-1, -1], log_det = s.n / scale, s.n / scale**2, s.n * np.log(scale)
    for block in s.blocks:
        columns = np.append(np.ones(s.q), s.unit_vc[block.labels[s.q :]])
        W = block.W * np.outer(columns, columns)
        ZB = block.ZB * columns[:, None] * units
        m, dS = W.shape[1], derivatives(block.labels, s.q, s.v)
        S = np.tensordot(gamma, dS, axes=1)
        # V⁻¹Z = ZC/σ² with C = (I + SZᵀZ/σ²)⁻¹, also for a singular S; V⁻¹B = (B − ZSE)/σ² with E = ZᵀV⁻¹B
        C = np.linalg.inv(np.eye(m) + S @ W / scale)
        log_det -= float(np.linalg.slogdet(C)[1].sum())
        E = C.swapaxes(1, 2) @ ZB / scale
        E2 = C.swapaxes(1, 2) @ E / scale  # ZᵀV⁻²B
        F = W @ C / scale  # ZᵀV⁻¹Z
        SE = S @ E
        first = first - np.tensordot(ZB, SE, axes=([0, 1], [0, 1]))
        second = second - np.tensordot(E, SE, axes=([0, 1], [0, 1]))
        third = third - np.tensordot(SE, E2, axes=([0, 1], [0, 1]))
        dE, dF = dS[:, None] @ E, dS[:, None] @ F
        P[:-1] -= np.einsum("gab,igac->ibc", E, dE)
        Q[:-1, :-1] += np.tensordot(dE, F @ dE, axes=([1, 2], [1, 2])).transpose(0, 2, 1, 3)
        Q[:-1, -1] += np.tensordot(dE, E2, axes=([1, 2], [0, 1]))
        single[:-1] += np.einsum("igaa->i", dF)
        traces[:-1, :-1] += np.einsum("igab,jgba->ij", dF, dF)
        traces[:-1, -1] += np.einsum("igab,gba->i", dF, C) / scale
        single[-1] += np.einsum("gaa->", C - np.eye(m)) / scale
        traces[-1, -1] += (np.einsum("gab,gba->", C, C) - m * len(C)) / scale**2
    first = first / scale  # BᵀV⁻¹B, then BᵀV⁻²B and BᵀV⁻³B
    second = (first + second) / scale
    third = (second + third) / scale
    P[-1], Q[-1, -1] = -second, third
    Q[-1, :-1], traces[-1, :-1] = Q[:-1, -1].swapaxes(1, 2), traces[:-1, -1]

    # from products with B to products with X̃ and with the residuals y − X̃β̂ = Bc
    phi = np.linalg.inv(first[:p, :p])
    phi = (phi + phi.T) / 2
    shift = phi @ first[:p, p]
    c = np.append(-shift, 1.0)
    half = P[:, :p, :] @ c
    quadratic = np.einsum("a,ijab,b->ij", c, Q, c) - half @ phi @ half.T  # yᵀ𝒫G_i𝒫G_j𝒫y
    deviance = log_det + c @ first @ c + s.n * np.log(2 * np.pi)
    gradient = single + P @ c @ c
    P, Q = P[:, :p, :p], Q[:, :, :p, :p]
    phi_p = phi @ P
    expected = (
        traces - 2 * np.einsum("ab,ijba->ij", phi, Q) + np.einsum("iab,jba->ij", phi_p, phi_p)
    )
    if reml:
        deviance += np.linalg.slogdet(first[:p, :p])[1] - p * np.log(2 * np.pi)
        deviance -= 2 * np.log(np.abs(np.diag(s.R_inverse))).sum()
        gradient = gradient + np.einsum("iaa->i", phi_p)
    return Information(
        fixed=s.R_inverse,
        random=np.linalg.inv(s.R_re),
        cov_re=psi,
        vcomp=vcomp,
        scale=scale,
        phi=phi,
        beta=np.linalg.solve(s.R_inverse, s.start) + shift,
        P=P,
        Q=Q,
        traces=traces,
        expected=expected,
        gradient=gradient,
        hessian=2 * quadratic - (expected if reml else traces),
        loglik=-float(deviance) / 2,
    )


@dataclass(frozen=True)
class FTest:
    """F (already scaled) with its numerator and denominator degrees of freedom; for one row F = t²."""

    statistic: float
    numerator: int
    denominator: float


@dataclass(frozen=True)
class Wald:
    """z and χ²/q: the variances are taken as known; `covariance` (p, p) of the coefficients of X̃."""

    covariance: Array

    def df(self, row: Array) -> float:
        """Infinitely many, for any row (p,)."""
        return np.inf

    def test(self, rows: Array, difference: Array) -> FTest:
        """χ²/q of rows (q, p), whose estimates are `difference` (q,) from their null values."""
        wald = difference @ np.linalg.solve(rows @ self.covariance @ rows.T, difference)
        return FTest(float(wald / len(rows)), len(rows), np.inf)


@dataclass(frozen=True)
class Satterthwaite:
    """Satterthwaite's method at one fit, for the coefficients of X̃: `covariance` (p, p), Φ itself; `slopes`
    (k, p, p), dΦ/dφ for φ as in `_by_relative_sds`; `spread` (k, k), the covariance of φ̂."""

    covariance: Array
    slopes: Array
    spread: Array

    @classmethod
    def of(cls, found: Information) -> Satterthwaite:
        """From the information at a fit.

        Directions of φ in which the likelihood is flat or curved upwards are left out, as in lmerTest. What is flat is
        judged after each φ has been brought to the size at which its curvature is about 1: a variance that is large
        beside σ² has a small curvature in units of its own, and is no less well known for that.
        """
        jacobian, second = _by_relative_sds(found)
        by_square = jacobian.T @ found.hessian @ jacobian
        by_slope = np.einsum("i,ijk->jk", found.gradient, second)
        curvature = (by_square + by_square.T) / 2 + by_slope
        size = np.abs(jacobian).T @ np.abs(found.hessian) @ np.abs(jacobian)
        size = np.sqrt(np.diag(size) + np.abs(np.diag(by_slope)))
        size[size == 0] = 1.0
        values, vectors = np.linalg.eigh(curvature / np.outer(size, size))
        kept = values > FLAT * values.max()
        vectors = vectors[:, kept] / size[:, None]
        spread = 2 * (vectors / values[kept]) @ vectors.T
        slopes = -np.einsum("ab,ibc,cd->iad", found.phi, found.P, found.phi)
        return cls(found.phi, np.einsum("ij,iab->jab", jacobian, slopes), spread)

    def df(self, row: Array) -> float:
        """Degrees of freedom of one contrast (p,)."""
        slope = np.einsum("a,iab,b->i", row, self.slopes, row)
        spread = slope @ self.spread @ slope
        return float(2 * (row @ self.covariance @ row) ** 2 / spread) if spread > 0 else np.inf

    def test(self, rows: Array, difference: Array) -> FTest:
        """Fai and Cornelius' F of rows (q, p) against their hypothesis: `difference` (q,) is Lβ̂ less its null value.

        It depends on the basis in which a hypothesis is written. Rows are first made orthonormal, here among
        orthonormal columns, so that neither the coding of a factor nor a predictor's unit changes df.
        """
        basis, triangle = np.linalg.qr(rows.T)
        values, vectors = np.linalg.eigh(basis.T @ self.covariance @ basis)
        independent = vectors.T @ np.linalg.solve(triangle.T, difference)
        dfs = np.array([self.df(row) for row in (basis @ vectors).T])
        return FTest(float(np.mean(independent**2 / values)), len(rows), _combined_df(dfs))


def _by_relative_sds(found: Information) -> tuple[Array, Array]:
    """First (k, k) and second (k, k, k) derivatives of γ by φ = (relative Cholesky entries, relative SDs, σ/σ̂).

    φ is lmerTest's parameter vector (σ in units of its estimate). On the boundary, where a relative SD is zero, it
    matters which parameters are used: in these the likelihood is even about zero, so the gradient there vanishes.
    """
    q, v, scale = len(found.cov_re), len(found.vcomp), found.scale
    root = np.zeros((q + v, q + v))
    root[:q, :q] = sqrt_factor(found.cov_re)
    root[range(q, q + v), range(q, q + v)] = np.sqrt(np.clip(found.vcomp, 0, None))
    root /= np.sqrt(scale)
    where = [(a, b) for a in range(q) for b in range(a + 1)] + [(c, c) for c in range(q, q + v)]
    k = len(where) + 1
    rows, columns = np.array(where, dtype=int).reshape(-1, 2).T
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


def _combined_df(dfs: Array) -> float:
    """Denominator df of a mean of q independent t²: matches the mean of F (Fai & Cornelius 1996), at least 2."""
    if np.all(np.isinf(dfs)) or np.ptp(dfs) < 1e-8 * dfs.min():
        return float(dfs.mean())
    if np.any(dfs <= 2):
        return 2.0
    excess = np.sum(2 / (dfs - 2))  # Σ df/(df − 2) − q, without cancellation
    return float(2 * (excess + len(dfs)) / excess)


@dataclass(frozen=True)
class KenwardRoger:
    """Kenward and Roger's method at one REML fit, for the coefficients of X̃: `phi` and the adjusted `covariance`
    (p, p), `P` (k, p, p), `spread` (k, k): the covariance of γ̂ from the expected information."""

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

    def test(self, rows: Array, difference: Array) -> FTest:
        """The scaled F of rows (q, p); `difference` (q,) is Lβ̂ less its null value."""
        df, factor = self._scaling(rows)
        wald = difference @ np.linalg.solve(rows @ self.covariance @ rows.T, difference)
        return FTest(float(factor * wald / len(rows)), len(rows), df)

    def _scaling(self, rows: Array) -> tuple[float, float]:
        """Denominator df and the factor of F: Kenward & Roger (1997), section 2 and their Appendix, names as there."""
        q = len(rows)
        theta = rows.T @ np.linalg.solve(rows @ self.phi @ rows.T, rows)
        products = theta @ self.phi @ self.P @ self.phi
        traces = np.trace(products, axis1=1, axis2=2)
        A1 = float(traces @ self.spread @ traces)
        A2 = float(np.einsum("ij,iab,jba->", self.spread, products, products))
        if (
            A2 <= 1e-14
        ):  # about 2/df: the variance of these rows is known, nothing is to be adjusted
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


Method = Wald | Satterthwaite | KenwardRoger


def method_of(ddf: str, found: Information) -> Method:
    """The method called `ddf` (one of METHODS) at a fit; Kenward–Roger's needs the information of a REML fit."""
    if ddf == "wald":
        return Wald(found.phi)
    return Satterthwaite.of(found) if ddf == "satterthwaite" else KenwardRoger.of(found)


def scaled_inverse(matrix: Array) -> Array:
    """Inverse of an information matrix whose rows may be in very different units."""
    units = np.sqrt(np.diag(matrix))
    return np.linalg.inv(matrix / np.outer(units, units)) / np.outer(units, units)
