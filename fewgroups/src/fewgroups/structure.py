"""What a mixed model's likelihood needs to know of one data set: cross-products of the rows that share random effects,
in standardised coordinates, and the sums over those rows of which likelihoods are made.

X and the random-effect columns are made orthonormal, the outcome is freed of its least-squares fit and brought to unit
variance. Neither the units nor the centring of scores and predictors then matter to what is built on it, and the cost
no longer depends on the number of rows.

In units of σ², V = I + Σ γ_iG_i with G_i = Z S_i Zᵀ, γ the lower triangle of Ψ/σ² row by row and the τ²/σ² of the
components, S_i constant. Two layouts give the same sums: many groups with few columns each (`GroupBlock`), and one
group with many, the levels of crossed factors (`CrossedBlock`)."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy import sparse

Array = np.ndarray
DEPENDENT = 1e-10  # share of its length that a column must keep beside those before it
MOST, COPIES = 8, 10  # GB at most, and how many matrices of all columns are held at once
SINGULAR = 1e-4  # an SD this small, relative to σ and per standardised column, is zero (as in lme4)
RANK = 1e-10  # of an eigenvalue, relative to the largest, that is not rounding
FILLED = 0.2  # a matrix with fewer of its entries is kept sparse
MANY = 64  # columns of a single group from which on those of one component are eliminated first


@dataclass(frozen=True)
class Structure:
    """What the likelihood needs of a model, in standardised coordinates.

    n rows, p fixed effects, q random-effect columns, v variance components; BB = [Q r]ᵀ[Q r] (p+1, p+1) with X = QR and
    r the least-squares residuals over `unit` (their root mean square); R_inverse (p, p); start (..., p) the
    least-squares coefficients of Q; R_re (q, q) with exog_re = Z R_re, ZᵀZ = n I; unit_vc (v,): root mean square of a
    component's columns; optima: what `likelihood.optimum` found, by REML or not. Of many data sets that differ in the
    outcome only, `start`, `unit` and the blocks' ZB have a first axis."""

    n: int
    p: int
    q: int
    v: int
    blocks: "tuple[GroupBlock | CrossedBlock, ...]"
    BB: Array
    R_inverse: Array
    start: Array
    unit: Any
    R_re: Array
    unit_vc: Array
    optima: dict[bool, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, model: Any, outcomes: Array | None = None) -> Self:
        """The structure of a statsmodels MixedLM; or of as many models like it as there are outcomes (k, rows).
        ValueError for fixed or random effects that depend on each other, and where nothing is left of the outcome."""
        X = np.asarray(model.exog, dtype=float)
        y = np.asarray(model.endog if outcomes is None else outcomes, dtype=float)
        (n, p), q, v = X.shape, model.k_re, model.k_vc
        Q, R = orthonormal(X, "the fixed effects have", list(model.exog_names))
        coefficients = y @ Q
        residuals = y - coefficients @ Q.T
        with np.errstate(over="ignore"):
            unit = np.sqrt(np.mean(residuals**2, axis=-1))
        largest = np.maximum(np.max(np.abs(y), axis=-1), np.finfo(float).tiny)
        if not np.all(unit > 1e-12 * largest):
            raise ValueError(
                "the outcome does not vary beyond what the fixed effects explain exactly: there is no residual "
                "variation, so nothing can be estimated; is the outcome constant, or made from a predictor?"
            )
        if not np.all(np.isfinite(unit)):
            raise ValueError(
                f"the outcome reaches {np.max(np.abs(y)):.3g}, too large to be squared: give it in larger units"
            )
        r = residuals / unit[..., None]
        exog_re = np.asarray(model.exog_re if q else np.zeros((n, 0)), dtype=float)
        Q_re, R_re = orthonormal(exog_re, "the random effects have", list(model.data.exog_re_names))
        unit_vc = np.sqrt([sum((m * m).sum() for m in mats) / n for mats in model.exog_vc.mats])
        if np.any(unit_vc == 0):
            empty = np.array(model.exog_vc.names, dtype=str)[unit_vc == 0]
            raise ValueError(f"vc_formula: the columns of {', '.join(empty)} are zero in every row")
        blocks = _blocks(model, Q, r, Q_re * np.sqrt(n), unit_vc)
        B = np.column_stack([Q, np.atleast_2d(r)[0]])  # rᵀr = n and Qᵀr = 0, whatever the outcome
        R_inverse, R_re = np.linalg.inv(R), R_re / np.sqrt(n)
        return cls(n, p, q, v, blocks, B.T @ B, R_inverse, coefficients, unit, R_re, unit_vc)

    def of_data_sets(self, which: Any) -> Self:
        """Of many data sets those that `which` (an index of their axis) picks out."""
        blocks = tuple(replace(block, ZB=block.ZB[which]) for block in self.blocks)
        return replace(
            self, blocks=blocks, start=self.start[which], unit=self.unit[which], optima={}
        )

    @property
    def size(self) -> int:
        """Number of covariance parameters besides σ²."""
        return self.q * (self.q + 1) // 2 + self.v

    @cached_property
    def squares(self) -> Array:
        """(size, size, size) the second derivatives of γ by θ, of which it is a quadratic form."""
        return square_derivatives(np.eye(self.q), self.v)

    @property
    def mean_squares(self) -> Array:
        """(q + v,) of the random-effect columns and of the components' columns, over the rows."""
        return np.append(np.sum(self.R_re**2, axis=0), self.unit_vc**2)

    @property
    def values(self) -> int:
        """About how many numbers the sums of one data set are made of."""
        return 1 + sum(b.W.size + b.W.shape[0] * b.W.shape[-1] * (self.p + 1) for b in self.blocks)

    def sums(self, gamma: Array, second: bool) -> list[Any]:
        """At γ (..., size), with V in units of σ² and B (n, p + 1) = [Q r]: log|V|; (p+1, p+1) BᵀB − BᵀV⁻¹B; (size,)
        tr V⁻¹G_i; (size, p+1, p+1) BᵀV⁻¹G_iV⁻¹B; and, None if not `second`, (size, size) tr V⁻¹G_iV⁻¹G_j and (size,
        size, p+1, p+1) BᵀV⁻¹G_iV⁻¹G_jV⁻¹B. At many γ, or for many outcomes, all have first axes."""
        parts = zip(*(block.sums(gamma, second) for block in self.blocks), strict=True)
        return [None if part[0] is None else sum(part) for part in parts]

    def unpack(self, theta: Array) -> tuple[Array, Array]:
        """L (..., q, q) and relative SDs (..., v) of θ (..., size): rows of the lower triangle, then components."""
        L = np.zeros((*theta.shape[:-1], self.q, self.q))
        L[..., np.tri(self.q, dtype=bool)] = theta[..., : self.size - self.v]
        return L, theta[..., self.size - self.v :]

    def singular(self, theta: Array) -> Any:
        """Whether, at θ (..., size), Ψ has a zero SD in some direction, or a component is zero, relative to σ."""
        L, sds = self.unpack(theta)
        smallest = np.concatenate([np.linalg.svd(L, compute_uv=False), np.abs(sds)], axis=-1)
        return np.any(smallest < SINGULAR, axis=-1)

    def pack(self, psi: Array, variances: Array) -> Array:
        """θ of a standardised relative covariance (..., q, q) and variances (..., v), singular or not."""
        entries = sqrt_factor(psi)[..., np.tri(self.q, dtype=bool)]
        return np.concatenate([entries, np.sqrt(np.clip(variances, 0, None))], axis=-1)

    @cached_property
    def random(self) -> Array:
        """(q, q) the inverse of R_re: the effects of exog_re are those of Z times its transpose."""
        return np.linalg.inv(self.R_re)

    def gamma(self, theta: Array) -> Array:
        """γ (..., size) at θ (..., size)."""
        return np.einsum("rij,...i,...j->...r", self.squares, theta, theta) / 2

    def theta(self, gamma: Array) -> Array:
        """The θ (..., size) of γ (..., size), singular or not."""
        triangle = self.size - self.v
        return self.pack(symmetric(gamma[..., :triangle], self.q), gamma[..., triangle:])

    def from_data_units(self, psi: Array, variances: Array) -> Array:
        """γ (..., size) of Ψ/σ² (..., q, q) and τ²/σ² (..., v) for the columns as the model has them."""
        variances, (i, j) = np.asarray(variances), np.tril_indices(self.q)
        psi = np.reshape(psi, (*variances.shape[:-1], self.q, self.q))
        psi = self.R_re @ psi @ self.R_re.T
        return np.concatenate([psi[..., i, j], variances * self.unit_vc**2], axis=-1)


def symmetric(triangle: Array, q: int) -> Array:
    """The symmetric matrices (..., q, q) with these lower triangles, row by row."""
    answer, (i, j) = np.zeros((*triangle.shape[:-1], q, q)), np.tril_indices(q)
    answer[..., i, j] = answer[..., j, i] = triangle
    return answer


def sqrt_factor(psi: Array) -> Array:
    """The lower-triangular L with non-negative diagonal and LLᵀ = psi (..., q, q), also where psi is singular."""
    values, vectors = np.linalg.eigh(psi)
    root = vectors * np.sqrt(np.clip(values, 0, None))[..., None, :]
    lower = np.asarray(np.linalg.qr(root.swapaxes(-1, -2), mode="r")).swapaxes(-1, -2)
    signs = np.where(np.diagonal(lower, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    return np.asarray(lower * signs[..., None, :])


def sds_and_correlations(cov_re: Array, vcomp: Array, scale: Array) -> Array:
    """(..., q + q(q−1)/2 + v + 1) of Ψ (..., q, q), τ² (..., v), σ² (...): the SDs of random-effect columns; the
    correlations of columns 0 and 1, 0 and 2, 1 and 2, …, nan where one of them does not vary; the other SDs."""
    sds = np.sqrt(np.clip(np.diagonal(cov_re, axis1=-2, axis2=-1), 0, None))
    i, j = np.tril_indices(cov_re.shape[-1], -1)
    size = sds[..., i] * sds[..., j]
    r = np.divide(cov_re[..., i, j], size, out=np.full_like(size, np.nan), where=size > 0)
    components = np.sqrt(np.clip(vcomp, 0, None))
    residual = np.sqrt(np.asarray(scale))[..., None]
    return np.concatenate([sds, np.clip(r, -1, 1), components, residual], axis=-1)


def orthonormal(matrix: Array, what: str, names: list[Any]) -> tuple[Array, Array]:
    """Q (n, k) orthonormal and R (k, k) upper triangular, its diagonal not negative, with matrix (n, k) = QR. A column
    that those before it determine is refused; `what` ("X has") begins the sentence."""
    size = np.linalg.norm(matrix, axis=0)
    Q, R = np.linalg.qr(matrix / np.where(size > 0, size, 1.0))
    signs = np.where(np.diag(R) < 0, -1.0, 1.0)
    short = [*np.flatnonzero(np.abs(np.diag(R)) < DEPENDENT), *range(len(R), len(size))]
    if short:
        raise ValueError(
            f"{what} columns that say the same: {names[short[0]]!r} follows from the columns before it "
            f"({', '.join(map(repr, names[: short[0]]))}); leave it out"
        )
    return Q * signs, signs[:, None] * R * size


def dense(matrix: Any) -> Array:
    """A component's columns (rows, levels) as an array, sparse or not."""
    return matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix, dtype=float)


def _blocks(
    model: Any, Q: Array, r: Array, Z_re: Array, unit_vc: Array
) -> "tuple[GroupBlock | CrossedBlock, ...]":
    """Cross-products with Q (rows, p) and r (..., rows), per group, gathered where groups have the same kinds of
    columns; or of the only group, if it has many."""
    q, v = Z_re.shape[1], len(unit_vc)
    widths = np.array([[m.shape[1] for m in mats] for mats in model.exog_vc.mats], dtype=float)
    left = widths.sum(axis=0) + q
    if model.n_groups == 1 and widths.size:
        left -= widths.max()  # the levels that are eliminated
    needed = 8 * COPIES * np.sum(left**2) / 2**30
    if needed > MOST:
        raise ValueError(
            f"vc_formula: the components have {int(left.max()):,} columns in one group (crossed factors: beside those "
            f"of the largest one), which need about {needed:,.0f} GB of memory, more than {MOST}: if a factor is "
            "nested in another, name that one as groups; or leave one of them out"
        )
    if model.n_groups == 1 and not q and widths.sum() > MANY:
        units = zip(model.exog_vc.mats, unit_vc, strict=True)
        return (CrossedBlock.of([sparse.csr_array(m[0]) / unit for m, unit in units], Q, r),)
    gathered: dict[tuple[int, ...], list[tuple[Array, Array, Array]]] = defaultdict(list)
    for g, name in enumerate(model.group_labels):
        rows = model.row_indices[name]
        Z, labels = random_design(model, g)
        Z[:, :q] = Z_re[rows]
        Z[:, q:] /= unit_vc[labels[q:]]
        gathered[tuple(labels)].append((Z.T @ Z, Z.T @ Q[rows], r[..., rows] @ Z))
    blocks = []
    for kinds, found in gathered.items():
        W, ZQ, Zr = zip(*found, strict=True)
        ZB = with_outcomes(np.stack(ZQ), np.stack(Zr, axis=-2))
        blocks.append(GroupBlock(np.stack(W), ZB, derivatives(np.array(kinds), q, v)))
    return tuple(blocks)


def level_of_rows(matrices: Any) -> Array | None:
    """Which level each row has (n,), counted through the groups, whose columns (rows, levels) are given; None unless
    every row has a one for a single level and zeros for the others."""
    values = np.concatenate([m.data if sparse.issparse(m) else np.ravel(m) for m in matrices])
    in_row = np.concatenate([np.ravel(m.sum(axis=1)) for m in matrices])
    if not np.all(np.isin(values, (0, 1))) or np.any(in_row != 1):
        return None
    first = np.cumsum([0, *(m.shape[1] for m in matrices[:-1])])
    levels = zip(first, matrices, strict=True)
    return np.concatenate([k + np.ravel(m.argmax(axis=1)) for k, m in levels])


def random_design(model: Any, group: int) -> tuple[Array, Array]:
    """Z (n, m) of group number `group` of a MixedLM, and the component of each column: −1 − c for column c of
    exog_re, else 0, 1, …"""
    parts = [dense(matrices[group]) for matrices in model.exog_vc.mats]
    labels = [np.full(part.shape[1], number) for number, part in enumerate(parts)]
    if model.k_re:
        parts.insert(0, dense(model.exog_re_li[group]))
        labels.insert(0, -1 - np.arange(model.k_re))
    return np.hstack(parts), np.concatenate(labels)


def derivatives(labels: Array, k_re: int, k_vc: int) -> Array:
    """The constant matrices S_i of one group, (k, m, m). labels (m,) of its random-effect columns: −1 − c for column c
    of re_formula, else the component's number."""
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

    def sums(self, gamma: Array, second: bool) -> tuple[Any, ...]:
        """This block's part of `Structure.sums`."""
        W, S_i = self.W, self.changes
        S = np.tensordot(gamma, S_i, axes=1)[..., None, :, :]
        A = np.eye(W.shape[-1]) + S @ W
        T = np.linalg.inv(A)  # V⁻¹Z = ZT, also for a singular S; V⁻¹B = B − ZSE with E = ZᵀV⁻¹B
        E, F = T.swapaxes(-1, -2) @ self.ZB, W @ T  # F = ZᵀV⁻¹Z
        SE = S_i[:, None] @ E[..., None, :, :, :]
        columns, k, p1 = _columns(SE), len(S_i), self.ZB.shape[-1]
        P = columns.swapaxes(-1, -2) @ _columns(E[..., None, :, :, :])
        found = (
            self.count * np.linalg.slogdet(A)[1].sum(axis=-1),
            _rows(self.ZB).swapaxes(-1, -2) @ _rows(S @ E),
            self.count * np.einsum("...ab,iba->...i", F.sum(axis=-3), S_i),
            P.reshape(*P.shape[:-2], k, p1, p1),
        )
        if not second:
            return *found, None, None
        FS = F[..., None, :, :, :] @ S_i[:, None]
        flat = FS.reshape(*FS.shape[:-3], -1)
        traces = self.count * flat @ FS.swapaxes(-1, -2).reshape(flat.shape).swapaxes(-1, -2)
        Q = columns.swapaxes(-1, -2) @ _columns(F[..., None, :, :, :] @ SE)
        Q = Q.reshape(*Q.shape[:-2], k, p1, k, p1).swapaxes(-2, -3)
        return *found, traces, np.ascontiguousarray(Q)  # read in a third of the time


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
    held as weights (m₁,), its diagonal there, cross (m₁, m₂), sparse or not, and W (m₂, m₂)."""

    labels: Array
    weights: Array
    cross: Any
    W: Array
    ZB: Array

    @classmethod
    def of(cls, parts: list[Any], Q: Array, r: Array) -> Self:
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

    def sums(self, gamma: Array, second: bool) -> tuple[Any, ...]:
        """This block's part of `Structure.sums`, at one γ after the other, `second` or not."""
        shapes = "(k),(m,j)->(),(j,j),(k),(k,j,j),(k,k),(k,k,j,j)"
        return tuple(np.vectorize(self._sums, signature=shapes)(gamma, self.ZB))

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
