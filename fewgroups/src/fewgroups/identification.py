"""Whether the data can tell a model's variances apart at all, whatever the outcome turned out to be."""

from __future__ import annotations

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.structure import Structure

Array = np.ndarray
RANK = 1e-10  # relative to the largest
ALIKE = 1e-11  # smallest eigenvalue of a matrix of squared cosines that is not rounding


def check_identified(model: MixedLM, structure: Structure) -> None:
    """ValueError, saying what would do, when a variance has nothing to be estimated from."""
    if residual_share(structure) < RANK:
        raise ValueError(
            "the fixed and random effects together explain every score exactly, so there is no residual "
            "variation: is the outcome constant within groups, or are there as many effects as rows?"
        )
    names = list(model.data.exog_re_names) if model.k_re else []
    for column in _unidentified_columns(structure):
        raise ValueError(
            f"re_formula: {names[column]!r} cannot be told from the other random effects within any single "
            "group (a predictor that is constant in each group has no slope there); leave it out of "
            "re_formula"
        )
    names = list(model.data.param_names)[model.k_fe :] + ["the residual variance"]
    gram = information_at_zero(structure)
    size = np.sqrt(np.clip(np.diag(gram), 0, None))
    if np.any(size <= 1e-7 * size[-1]):
        gone = [name for name, s in zip(names, size, strict=True) if s <= 1e-7 * size[-1]]
        raise ValueError(
            f"nothing in the data tells of {', '.join(gone)}: the fixed effects already explain what it "
            "would; leave one of them out"
        )
    values, vectors = np.linalg.eigh(gram / np.outer(size, size))
    if values[0] < ALIKE:
        alike = [
            name for name, weight in zip(names, vectors[:, 0], strict=True) if abs(weight) > 0.1
        ]
        raise ValueError(
            f"the data cannot tell apart {', '.join(alike)}: they make the scores vary in the same way; "
            "leave one of these random effects out"
        )


def residual_share(s: Structure) -> float:
    """What random effects of any size leave unexplained, as a share of what least squares leaves."""
    left = s.BB.copy()
    for block in s.blocks:
        explained = np.linalg.pinv(block.W, rcond=RANK, hermitian=True) @ block.ZB
        left -= np.tensordot(block.ZB, explained, axes=([0, 1], [0, 1]))
    p = s.p
    cross = left[:p, p]
    rest = left[p, p] - cross @ np.linalg.pinv(left[:p, :p], rcond=RANK, hermitian=True) @ cross
    return float(rest / s.BB[p, p])


def _unidentified_columns(s: Structure) -> list[int]:
    """Random-effect columns that in every group are combinations of the group's other columns."""
    W = np.concatenate([block.W[:, : s.q, : s.q] for block in s.blocks])
    whole = _ranks(W)
    without = [_ranks(np.delete(np.delete(W, c, axis=1), c, axis=2)) for c in range(s.q)]
    return [c for c in reversed(range(s.q)) if not np.any(whole > without[c])]


def _ranks(W: Array) -> Array:
    """Ranks (g,) of positive semi-definite matrices (g, m, m)."""
    if W.shape[1] == 0:
        return np.zeros(len(W), dtype=int)
    values = np.linalg.eigvalsh(W)
    return np.sum(values > RANK * np.maximum(values[:, -1:], np.finfo(float).tiny), axis=1)


def information_at_zero(s: Structure) -> Array:
    """tr(P G_r P G_s) (k, k) at V = I: twice the expected REML information of Ψ, τ² (all relative) and, last,
    σ².

    It is singular exactly when V = Σ γ_r G_r cannot be recovered from what X leaves, at whatever value of γ.
    With P = I − QQᵀ and G_r = Z S_r Zᵀ all comes from the cross-products ZᵀZ and QᵀZ.
    """
    pairs = [(a, b) for a in range(s.q) for b in range(a + 1)]
    k = len(pairs) + s.v + 1
    gram, H = np.zeros((k, k)), np.zeros((k - 1, s.p, s.p))
    for block in s.blocks:
        m = len(block.labels)
        patterns = np.zeros((k - 1, m, m))
        for r, (a, b) in enumerate(pairs):
            patterns[r, a, b] = patterns[r, b, a] = 1.0
        for c in range(s.v):
            patterns[len(pairs) + c] = np.diag((block.labels == c).astype(float))
        D = block.ZB[:, :, : s.p]  # ZᵀQ
        SW, SD = patterns[:, None] @ block.W, patterns[:, None] @ D
        gram[-1, :-1] += np.trace(SW.sum(axis=1), axis1=1, axis2=2)
        gram[:-1, :-1] += np.einsum("rgab,sgba->rs", SW, SW) - 2 * np.einsum(
            "rgap,sgap->rs", SD, block.W @ SD
        )
        H += np.einsum("gap,rgaq->rpq", D, SD)
    gram[:-1, :-1] += np.einsum("rpq,sqp->rs", H, H)
    gram[-1, :-1] -= np.trace(H, axis1=1, axis2=2)
    gram[:-1, -1] = gram[-1, :-1]
    gram[-1, -1] = s.n - s.p
    return gram
