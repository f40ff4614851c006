"""What a fitted mixed model knows about its own variances: derivatives of V, of the likelihood, of var(β̂).

One data set, V = Σ_g (Z_g S Z_gᵀ + σ²I) with S made of the random-effects covariance Ψ and of the variance
components. V is linear in γ = (lower triangle of Ψ row by row, variance components, σ²), so its derivatives
G_i are constant; all that Satterthwaite's and Kenward and Roger's methods need are products such as
XᵀV⁻¹G_iV⁻¹G_jV⁻¹X and traces. They come from the cross-products ZᵀZ, Zᵀ[X y], [X y]ᵀ[X y] of each group
alone (Woodbury's identity in the form that allows a singular S), so that the cost does not grow with the
number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.structure import sqrt_factor

Array = np.ndarray


@dataclass(frozen=True)
class Information:
    """Products of one model at one value of its k covariance parameters γ; p fixed effects.

    phi: (p, p) the covariance (XᵀV⁻¹X)⁻¹ of the fixed effects; beta: (p,) their generalised-least-squares
        estimates; P: (k, p, p) with P_i = −XᵀV⁻¹G_iV⁻¹X; Q: (k, k, p, p) with Q_ij = XᵀV⁻¹G_iV⁻¹G_jV⁻¹X;
    traces: (k, k) tr(V⁻¹G_iV⁻¹G_j); gradient: (k,) and hessian: (k, k) of −2 log-likelihood, REML or ML, β
        profiled;
    loglik: that log-likelihood, with lme4's and statsmodels' constants.
    """

    phi: Array
    beta: Array
    P: Array
    Q: Array
    traces: Array
    gradient: Array
    hessian: Array
    loglik: float

    @property
    def expected(self) -> Array:
        """(k, k) twice the expected REML information of γ: tr(𝒫G_i𝒫G_j), 𝒫 = V⁻¹ − V⁻¹XΦXᵀV⁻¹."""
        return _expected(self.phi, self.P, self.Q, self.traces)


def random_design(model: MixedLM, group: int) -> tuple[Array, Array]:
    """Z_g (n_g, m_g) of one group and the component of each column: −1 − c for column c of exog_re,
    else 0, 1, …"""
    blocks, labels = [], []
    if model.k_re:
        blocks.append(np.asarray(model.exog_re_li[group], dtype=float))
        labels.append(-1 - np.arange(model.k_re))
    for number, matrices in enumerate(model.exog_vc.mats):
        matrix = matrices[group]
        dense = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix, dtype=float)
        blocks.append(dense)
        labels.append(np.full(dense.shape[1], number))
    return np.hstack(blocks), np.concatenate(labels)


def derivatives(labels: Array, k_re: int, k_vc: int) -> list[Array]:
    """The constant matrices dS/dγ_i (m, m) of one group, without the one of σ²."""
    m, answer = len(labels), []
    for a in range(k_re):
        for b in range(a + 1):
            pattern = np.zeros((m, m))
            pattern[a, b] = pattern[b, a] = 1.0
            answer.append(pattern)
    answer.extend(np.diag((labels == number).astype(float)) for number in range(k_vc))
    return answer


def information(
    model: MixedLM, cov_re: Array, vcomp: Array, scale: float, reml: bool
) -> Information:
    """Information of a statsmodels MixedLM `model` at Ψ = cov_re (q, q), variances vcomp (v,) and σ² = scale.

    The columns of X and y enter as they are; y is first freed of its least-squares fit, which costs nothing
    and keeps digits when the mean is large.
    """
    X = np.asarray(model.exog, dtype=float)
    start = np.linalg.lstsq(X, np.asarray(model.endog, dtype=float), rcond=None)[0]
    k_re, k_vc, p = model.k_re, model.k_vc, X.shape[1]
    k = k_re * (k_re + 1) // 2 + k_vc + 1
    root_re, root_vc = (
        sqrt_factor(np.asarray(cov_re).reshape(k_re, k_re)),
        np.sqrt(np.clip(vcomp, 0, None)),
    )
    whole = np.zeros((p + 1, p + 1))
    P = np.zeros((k, p + 1, p + 1))
    Q = np.zeros((k, k, p + 1, p + 1))
    traces, first = np.zeros((k, k)), np.zeros(k)
    log_det = 0.0
    for group in range(model.n_groups):
        x = np.asarray(model.exog_li[group], dtype=float)
        B = np.column_stack([x, model.endog_li[group] - x @ start])
        Z, labels = random_design(model, group)
        W, ZB, BB, n, m = Z.T @ Z, Z.T @ B, B.T @ B, len(B), Z.shape[1]
        root = block_diag(root_re, np.diag(root_vc[labels[k_re:]])) / np.sqrt(scale)
        # V⁻¹ = (I − Z H Zᵀ) / σ², so V⁻¹Z = Z C / σ² and ZᵀV⁻¹B = CᵀZᵀB / σ²
        inner = np.eye(m) + root.T @ W @ root
        log_det += n * np.log(scale) + np.linalg.slogdet(inner)[1]
        H = root @ np.linalg.solve(inner, root.T)
        C = np.eye(m) - H @ W
        E1 = C.T @ ZB / scale
        E2 = C.T @ E1 / scale
        F1, F2 = W @ C / scale, W @ C @ C / scale**2
        HZB = H @ ZB
        B1 = (BB - ZB.T @ HZB) / scale
        B2 = (B1 - HZB.T @ E1) / scale
        B3 = (B2 - HZB.T @ E2) / scale
        whole += B1
        S = derivatives(labels, k_re, k_vc)
        SE, SF = [s @ E1 for s in S], [s @ F1 for s in S]
        for i, s in enumerate(S):
            P[i] -= E1.T @ SE[i]
            first[i] += np.trace(SF[i])
            traces[i, -1] += np.sum(s * F2)
            Q[i, -1] += SE[i].T @ E2
            for j in range(i + 1):
                traces[i, j] += np.sum(SF[i] * SF[j].T)
                Q[i, j] += SE[i].T @ F1 @ SE[j]
        HW = H @ W
        P[-1] -= B2
        first[-1] += (n - np.trace(HW)) / scale
        traces[-1, -1] += (n - 2 * np.trace(HW) + np.sum(HW * HW.T)) / scale**2
        Q[-1, -1] += B3
    for i in range(k):
        for j in range(i):
            if i < k - 1:
                traces[j, i], Q[j, i] = traces[i, j], Q[i, j].transpose()
            else:
                traces[i, j], Q[i, j] = traces[j, i], Q[j, i].transpose()
    return _finish(whole, P, Q, traces, first, start, reml, log_det, len(X))


def _finish(
    whole: Array,
    P: Array,
    Q: Array,
    traces: Array,
    first: Array,
    start: Array,
    reml: bool,
    log_det: float,
    n: int,
) -> Information:
    """Eliminate β: from products with [X y] to products with X and with the residuals r = y − Xβ̂."""
    p = len(start)
    phi = np.linalg.inv(whole[:p, :p])
    phi = (phi + phi.T) / 2
    shift = phi @ whole[:p, p]
    c = np.append(-shift, 1.0)  # [X y] c = r
    half = P[:, :p, :] @ c  # −XᵀV⁻¹G_iV⁻¹r
    quadratic = np.einsum("a,ijab,b->ij", c, Q, c) - half @ phi @ half.T  # yᵀ𝒫G_i𝒫G_j𝒫y
    deviance = log_det + c @ whole @ c + n * np.log(2 * np.pi)
    gradient, hessian = first + P @ c @ c, 2 * quadratic - traces
    P, Q = P[:, :p, :p], Q[:, :, :p, :p]
    if reml:
        deviance += np.linalg.slogdet(whole[:p, :p])[1] - p * np.log(2 * np.pi)
        gradient = gradient + np.einsum("ab,iba->i", phi, P)
        hessian = 2 * quadratic - _expected(phi, P, Q, traces)
    return Information(phi, start + shift, P, Q, traces, gradient, hessian, -deviance / 2)


def _expected(phi: Array, P: Array, Q: Array, traces: Array) -> Array:
    phi_p = phi @ P
    return traces - 2 * np.einsum("ab,ijba->ij", phi, Q) + np.einsum("iab,jba->ij", phi_p, phi_p)
