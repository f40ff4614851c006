"""Cross-products of the rows that share random effects, and the sums over those rows of which likelihoods are made.

All is in units of σ²: V = I + Σ γ_i G_i with G_i = Z S_i Zᵀ, γ the lower triangle of Ψ/σ² row by row and the τ²/σ² of
the components, S_i constant. Two layouts give the same sums: many groups with few columns each (`GroupBlock`), and one
group with many, the levels of crossed factors (`CrossedBlock`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

Array = np.ndarray
RANK = 1e-10  # of an eigenvalue, relative to the largest, that is not rounding
FILLED = 0.2  # a matrix with fewer of its entries is kept sparse


@dataclass(frozen=True)
class Sums:
    """Of one block, or of several; B (rows, p + 1) are the fixed effects' columns and the outcome, k the length of γ.

    log_det: log|V|. removed (p+1, p+1): BᵀB − BᵀV⁻¹B. single (k,): tr V⁻¹G_i. P (k, p+1, p+1): BᵀV⁻¹G_iV⁻¹B. traces
    (k, k): tr V⁻¹G_iV⁻¹G_j. Q (k, k, p+1, p+1): BᵀV⁻¹G_iV⁻¹G_jV⁻¹B. The last two are None where not asked for. At many
    γ, or for many outcomes, all have first axes.
    """

    log_det: Any
    removed: Array
    single: Array
    P: Array
    traces: Any = None
    Q: Any = None

    def __add__(self, other: Sums) -> Sums:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        added: list[Any] = [None if a is None else a + b for a, b in pairs]
        return Sums(*added)


def derivatives(labels: Array, k_re: int, k_vc: int) -> Array:
    """The constant matrices S_i of one group, (k, m, m).

    labels (m,) of its random-effect columns: −1 − c for column c of re_formula, else the component's number.
    """
    i, j = np.tril_indices(k_re)
    answer = np.zeros((len(i) + k_vc, len(labels), len(labels)))
    answer[range(len(i)), i, j] = answer[range(len(i)), j, i] = 1
    answer[len(i) :, range(len(labels)), range(len(labels))] = labels == np.arange(k_vc)[:, None]
    return answer


def square_derivatives(back: Array, v: int) -> Array:
    """(..., k, k, k) the constant second derivatives of the lower triangle of BLLᵀBᵀ, row by row, with B = back
    (..., q, q), and of v squares, by the entries of L (q, q) and the v roots. As all are squares, the first derivatives
    are these times θ."""
    q = back.shape[-1]
    i, j = np.tril_indices(q)
    k, ones = len(i), np.zeros((len(i), q, q))
    ones[range(k), i, j] = 1
    ones = back[..., None, :, :] @ ones
    products = np.einsum("...aic,...bjc->...ijab", ones, ones)
    products = (products + products.swapaxes(-1, -2))[..., i, j, :, :]
    answer = np.zeros((*back.shape[:-2], k + v, k + v, k + v))
    answer[..., :k, :k, :k] = products
    answer[..., range(k, k + v), range(k, k + v), range(k, k + v)] = 2
    return answer


@dataclass(frozen=True)
class GroupBlock:
    """The g groups that have the same random-effect columns: W = ZᵀZ (g, m, m), ZB = ZᵀB (..., g, m, p+1), changes (k,
    m, m): the S_i. Of many groups with one W its shape is (1, m, m), `count` their number, and the rows of ZB, fewer
    than the groups, have the same cross-products."""

    W: Array
    ZB: Array
    changes: Array
    count: int = 1

    def explained(self) -> tuple[Array, int]:
        """What random effects of any size take from BᵀB (p+1, p+1), and the rank of Z."""
        taken = np.linalg.pinv(self.W, rcond=RANK, hermitian=True) @ self.ZB
        return _rows(self.ZB).T @ _rows(taken), int(ranks(self.W).sum())

    def sums(self, gamma: Array, second: bool) -> Sums:
        """At γ (..., k)."""
        W, S_i = self.W, self.changes
        S = np.tensordot(gamma, S_i, axes=1)[..., None, :, :]
        A = np.eye(W.shape[-1]) + S @ W
        T = np.linalg.inv(A)  # V⁻¹Z = ZT, also for a singular S; V⁻¹B = B − ZSE with E = ZᵀV⁻¹B
        E, F = T.swapaxes(-1, -2) @ self.ZB, W @ T  # F = ZᵀV⁻¹Z
        SE = S_i[:, None] @ E[..., None, :, :, :]
        columns, k, p1 = _columns(SE), len(S_i), self.ZB.shape[-1]
        P = columns.swapaxes(-1, -2) @ _columns(E[..., None, :, :, :])
        found = Sums(
            self.count * np.linalg.slogdet(A)[1].sum(axis=-1),
            _rows(self.ZB).swapaxes(-1, -2) @ _rows(S @ E),
            self.count * np.einsum("...ab,iba->...i", F.sum(axis=-3), S_i),
            P.reshape(*P.shape[:-2], k, p1, p1),
        )
        if not second:
            return found
        FS = F[..., None, :, :, :] @ S_i[:, None]
        flat = FS.reshape(*FS.shape[:-3], -1)
        traces = self.count * flat @ FS.swapaxes(-1, -2).reshape(flat.shape).swapaxes(-1, -2)
        Q = columns.swapaxes(-1, -2) @ _columns(F[..., None, :, :, :] @ SE)
        Q = Q.reshape(*Q.shape[:-2], k, p1, k, p1).swapaxes(-2, -3)
        return replace(found, traces=traces, Q=Q)


def ranks(W: Array) -> Array:
    """Ranks (g,) of positive semi-definite matrices (g, m, m)."""
    values = np.linalg.eigvalsh(W)
    return np.sum(values > RANK * np.maximum(values[:, -1:], np.finfo(float).tiny), axis=1)


def with_outcomes(ZQ: Array, Zr: Array) -> Array:
    """ZᵀB (..., m, p+1) of ZᵀQ (m, p) and Zᵀr (..., m)."""
    first = np.broadcast_to(ZQ, (*Zr.shape, ZQ.shape[-1]))
    return np.concatenate([first, Zr[..., None]], axis=-1)


def _rows(x: Array) -> Array:
    """(..., g, m, j) → (..., gm, j)."""
    return x.reshape(*x.shape[:-3], -1, x.shape[-1])


def _columns(x: Array) -> Array:
    """(..., k, g, m, j) → (..., gm, kj)."""
    return np.moveaxis(_rows(x), -3, -2).reshape(*x.shape[:-4], x.shape[-3] * x.shape[-2], -1)


@dataclass(frozen=True)
class CrossedBlock:
    """One group whose columns are independent: labels (m,), the component of each; ZB = ZᵀB (..., m, p+1).

    The m₁ columns that come first have no row in common and are of one component, the one with the most such columns.
    For them ZᵀZ is diagonal, and they are eliminated: what is left is dense in the other m₂ columns only. ZᵀZ is
    held as weights (m₁,), its diagonal there, cross (m₁, m₂), sparse or not, and W (m₂, m₂).
    """

    labels: Array
    weights: Array
    cross: Any
    W: Array
    ZB: Array

    @classmethod
    def of(cls, parts: list[Any], Q: Array, r: Array) -> CrossedBlock:
        """Of the components' columns, sparse (rows, their levels), with Q (rows, p) and r (..., rows)."""
        alone = [part.shape[1] * (np.diff(part.indptr).max() <= 1) for part in parts]
        order, m = np.argsort(alone)[::-1], max(alone)
        Z = sparse.csr_array(sparse.hstack([parts[c] for c in order]))
        labels, W = np.repeat(order, [parts[c].shape[1] for c in order]), sparse.csr_array(Z.T @ Z)
        cross = W[:m, m:]
        cross = cross if cross.nnz < FILLED * m * (len(labels) - m) else cross.toarray()
        return cls(
            labels, W.diagonal()[:m], cross, W[m:, m:].toarray(), with_outcomes(Z.T @ Q, r @ Z)
        )

    def explained(self) -> tuple[Array, int]:
        """As of a `GroupBlock`."""
        m, w, ZB = len(self.weights), self.weights, self.ZB
        inverse = np.divide(1, w, out=np.zeros_like(w), where=w > 0)
        X = ZB[m:] - self.cross.T @ (inverse[:, None] * ZB[:m])
        values, vectors = np.linalg.eigh(self.W - _gram(self.cross, inverse))
        kept = values > RANK * np.abs(self.W).max(initial=0.0)
        roots = vectors[:, kept].T @ X / np.sqrt(values[kept, None])
        taken = ZB[:m].T @ (inverse[:, None] * ZB[:m]) + roots.T @ roots
        return taken, int(np.sum(w > 0) + kept.sum())

    def sums(self, gamma: Array, second: bool) -> Sums:
        """At γ (..., k), one after the other, `second` or not."""
        shapes = "(k),(m,j)->(),(j,j),(k),(k,j,j),(k,k),(k,k,j,j)"
        return Sums(*np.vectorize(self._sums, signature=shapes)(gamma, self.ZB))

    def _sums(self, gamma: Array, ZB: Array) -> tuple[Any, ...]:
        m, w, cross, v = len(self.weights), self.weights, self.cross, len(gamma)
        own = np.eye(v)[self.labels]  # which component a column belongs to
        first, others = own[0], own[m:]
        eliminated, kept = gamma[self.labels[0]], gamma[self.labels[m:]]
        # V₁ = I + γ₁Z₁Z₁ᵀ: Z₁ᵀV₁⁻¹[Z₁ Z₂ B] are the rows of ZᵀZ and ZᵀB, each shrunk
        shrunk = 1 / (1 + eliminated * w)
        d = (eliminated * shrunk)[:, None]
        X = ZB[m:] - cross.T @ (d * ZB[:m])  # Z₂ᵀV₁⁻¹B
        G = self.W - _gram(cross, d[:, 0])  # Z₂ᵀV₁⁻¹Z₂
        A = np.eye(len(G)) + kept[:, None] * G
        T = np.linalg.inv(A)  # V⁻¹ = V₁⁻¹ − V₁⁻¹Z₂KZ₂ᵀV₁⁻¹ with K = TΓ₂
        K, F = T * kept, G @ T  # F = Z₂ᵀV⁻¹Z₂
        E = np.concatenate([shrunk[:, None] * (ZB[:m] - cross @ (K @ X)), T.T @ X])  # ZᵀV⁻¹B
        N, f = _gram(cross, shrunk**2), w * shrunk  # C = Z₁ᵀV₁⁻¹Z₂, N = CᵀC
        KN = K @ N

        own_E = own.T[:, :, None] * E
        x, z = own_E[:, :m], own_E[:, m:]
        y = np.stack([cross.T @ (shrunk[:, None] * one) for one in x])
        inner = np.stack([cross @ one for one in K @ y - T @ z])
        FE = np.concatenate([f[:, None] * x - shrunk[:, None] * inner, T.T @ y + F @ z], axis=1)
        both = np.sum(f**2) - 2 * np.sum(K * _gram(cross, f * shrunk**2)) + np.sum(KN * KN.T)
        mixed = np.outer(first, np.sum(T * (N @ T), axis=0) @ others)
        return (
            np.linalg.slogdet(A)[1] - np.log(shrunk).sum(),
            ZB[:m].T @ (d * ZB[:m]) + X.T @ K @ X,
            first * (f.sum() - np.trace(KN)) + np.diag(F) @ others,
            own_E.swapaxes(1, 2) @ E,
            both * np.outer(first, first) + mixed + mixed.T + others.T @ F**2 @ others,
            np.einsum("ami,bmj->abij", own_E, FE),
        )


def _gram(matrix: Any, weights: Array) -> Array:
    """Mᵀ diag(weights) M of M (m₁, m₂), sparse or not."""
    found = matrix.T @ (sparse.diags_array(weights) @ matrix)
    return found.toarray() if sparse.issparse(found) else np.asarray(found)
