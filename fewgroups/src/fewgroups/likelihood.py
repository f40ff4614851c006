"""The profiled likelihood of one data set, and its optimum, for any model that MixedLM can state.

V = σ² (I + Z Λ Λᵀ Zᵀ), block by block of groups; Λ holds the lower-triangular relative factor L of the
random-effect columns (Ψ = σ² L Lᵀ, unstructured) and the relative SDs τ/σ of the variance components. β and
σ² are profiled out, as in lme4 (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 3), so
that only Λ is searched for.

Inside, coordinates are standardised (X and the random-effect columns orthonormal, residuals of least squares
of unit variance), so that neither units nor centring of scores and predictors matter to the search. θ stands
for those coordinates. The deviance is even in every column of Λ, so zero variances and correlations of ±1 are
ordinary interior points of the search and are reached exactly; what tells a boundary optimum from a saddle is
the derivative by Ψ itself (`score_re`, `score_vc`: it must have no negative direction), and that is checked.
Cost: one pass over the rows at the start, then per evaluation groups × (columns of Z per group)³.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, cast

import numpy as np
from scipy.optimize import minimize

from fewgroups.structure import Structure

Array = np.ndarray

SINGULAR = 1e-4
"""A standard deviation this small, relative to σ and per standardised column, is zero (as in lme4)."""
ESCAPE = 1e-4  # deviance per unit of relative variance, below which a negative derivative by Ψ is rounding
NEGLIGIBLE = 1e-6  # deviance that one more Newton step could gain at an optimum
SIZES = np.array([0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 3.0, 10.0])
"""Relative SDs at which the deviance is looked at for a start."""
ANGLES = 8
"""Directions, in a plane of two columns, of elongated Ψ at which it is looked at for further starts."""


@dataclass(frozen=True)
class Evaluation:
    """The profile at one θ. deviance: −2 log-likelihood with all constants; gradient: (size,) by θ.

    score_re (q, q), score_vc (v,): derivative of the deviance by the relative covariances and variances
    themselves; at an optimum none of them points down (score_re has no negative eigenvalue). beta (p,), scale
    = σ², phi (p, p) = var(β̂), in the units of the data.
    """

    deviance: float
    gradient: Array
    score_re: Array
    score_vc: Array
    beta: Array
    scale: float
    phi: Array


def evaluate(
    structure: Structure, theta: Array, reml: bool, scale: float | None = None
) -> Evaluation:
    """Profiled deviance of `structure` at θ (size,), with derivatives; REML or ML.

    scale: None for the best σ²; or a σ² at which deviance, gradient and scores are wanted, only β profiled
    (`Evaluation.scale` and `.phi` are those of the best σ² all the same).
    """
    s, (L, sds) = structure, structure.unpack(np.asarray(theta, dtype=float))
    p, q = s.p, s.q
    log_det, M, parts = 0.0, s.BB.copy(), []
    for block in s.blocks:
        m = len(block.labels)
        Lam = np.zeros((m, m))
        Lam[:q, :q] = L
        Lam[range(q, m), range(q, m)] = sds[block.labels[q:]]
        WL, LZB = block.W @ Lam, Lam.T @ block.ZB
        inner = Lam.T @ WL
        inner[:, range(m), range(m)] += 1.0
        log_det += float(np.linalg.slogdet(inner)[1].sum())
        solved = np.linalg.solve(inner, np.concatenate([LZB, WL.swapaxes(1, 2)], axis=2))
        M -= np.tensordot(LZB, solved[:, :, : p + 1], axes=([0, 1], [0, 1]))
        removed = WL @ solved
        E, F = block.ZB - removed[:, :, : p + 1], block.W - removed[:, :, p + 1 :]
        parts.append((block, E, F))  # ZᵀV⁻¹[Q r], ZᵀV⁻¹Z
    A_inverse = np.linalg.inv(M[:p, :p])
    shift = A_inverse @ M[:p, p]
    rss = float(M[p, p] - M[:p, p] @ shift)
    df = s.n - p if reml else s.n
    held = rss / df if scale is None else scale / s.unit**2
    deviance = log_det + rss / held + df * (np.log(2 * np.pi * held) + 2 * np.log(s.unit))
    if reml:
        deviance += np.linalg.slogdet(M[:p, :p])[1] - 2 * np.log(np.abs(np.diag(s.R_inverse))).sum()
    c = np.append(-shift, 1.0)
    score_re, score_vc = np.zeros((q, q)), np.zeros(s.v)
    for block, E, F in parts:
        e = E @ c
        total = F.sum(axis=0) - (e.T @ e) / held
        if reml:
            total -= np.tensordot(E[:, :, :p] @ A_inverse, E[:, :, :p], axes=([0, 2], [0, 2]))
        score_re += total[:q, :q]
        np.add.at(score_vc, block.labels[q:], np.diag(total)[q:])
    gradient = np.concatenate([(2 * score_re @ L)[np.tri(q, dtype=bool)], 2 * score_vc * sds])
    best = s.unit**2 * rss / df
    beta = s.start + s.unit * (s.R_inverse @ shift)
    phi = best * (s.R_inverse @ A_inverse @ s.R_inverse.T)
    return Evaluation(float(deviance), gradient, score_re, score_vc, beta, best, phi)


def hessian(structure: Structure, theta: Array, reml: bool, step: float = 1e-4) -> Array:
    """Second derivatives (size, size) of the deviance by θ: central differences of the exact gradient."""
    steps = step * np.maximum(1.0, np.abs(theta))
    raw = np.zeros((len(theta), len(theta)))
    for k, h in enumerate(steps):
        step_k = h * np.eye(len(theta))[k]
        ends = (evaluate(structure, theta + sign * step_k, reml).gradient for sign in (1, -1))
        raw[k] = np.subtract(*ends) / (2 * h)
    return (raw + raw.T) / 2


@dataclass(frozen=True)
class Optimum:
    """The best point found, in the units of the data.

    cov_re (q, q), vcomp (v,), scale: Ψ, τ², σ²; beta (p,); phi (p, p) = (XᵀV⁻¹X)⁻¹; loglik; theta (size,) the
    standardised point; gradient: largest derivative of the deviance by θ there; singular: whether a relative
    SD is zero (per standardised column, so that units and centring do not matter) or a correlation ±1; tried:
    the log-likelihood reached from each start.
    """

    cov_re: Array
    vcomp: Array
    scale: float
    beta: Array
    phi: Array
    loglik: float
    theta: Array
    gradient: float
    singular: bool
    tried: tuple[float, ...]


def optimum(model: Any, reml: bool = True) -> Optimum:
    """The (RE)ML optimum of a statsmodels MixedLM `model`: the best end of a few searches, each polished and
    checked to first order.

    With few, uneven groups the likelihood can have several maxima. So a search starts from random effects of two
    sizes, and wherever else the deviance dips as they grow; and where there are correlated ones from two more,
    elongated in the directions in which the deviance is lowest. `model` may also be a Structure; it is searched
    once.

    Raises ValueError as `Structure.of` does, and when no start leads to a point where the derivatives vanish.
    """
    s = model if isinstance(model, Structure) else Structure.of(model)
    if reml in s.optima:
        return cast(Optimum, s.optima[reml])
    unit = s.pack(np.eye(s.q), np.ones(s.v))
    deviances = np.array([evaluate(s, size * unit, reml).deviance for size in SIZES])
    lowest, second = SIZES[np.argsort(deviances, kind="stable")[:2]]
    sizes = sorted({lowest, 1.0 if lowest != 1.0 else second, *SIZES[_dips(deviances)]})
    starts = [size * unit for size in sizes] + _elongated(s, lowest, reml)
    ends = [_descend(s, start, reml) for start in starts]
    at = [evaluate(s, theta, reml) for theta in ends]
    best = min(range(len(ends)), key=lambda i: at[i].deviance)
    theta, found = ends[best], at[best]
    decrease = found.gradient @ _newton_step(s, theta, found.gradient, reml) / 2
    if not decrease < NEGLIGIBLE:
        raise ValueError(
            "the likelihood has no optimum that could be found (where the search ended, the deviance "
            f"should still fall by about {decrease:.2g}): the data say too little about these random "
            "effects; leave out one of them"
        )
    psi, variances = s.to_data_units(theta)
    s.optima[reml] = Optimum(
        found.scale * psi,
        found.scale * variances,
        found.scale,
        found.beta,
        found.phi,
        -found.deviance / 2,
        theta,
        float(np.max(np.abs(found.gradient), initial=0.0)),
        is_singular(s, theta),
        tuple(-e.deviance / 2 for e in at),
    )
    return s.optima[reml]


def _dips(values: Array) -> Array:
    """Places of the local minima of values (k,), ends included."""
    beside = np.concatenate([[np.inf], values, [np.inf]])
    return np.flatnonzero((values < beside[:-2]) & (values <= beside[2:]))


def _elongated(s: Structure, size: float, reml: bool) -> list[Array]:
    """θ of the two lowest dips of the deviance over elongated Ψ of any direction in a plane of two columns."""
    dips = []
    for (i, j), length in product(combinations(range(s.q), 2), (size, 3 * size)):
        ring = []
        for angle in np.arange(ANGLES) * np.pi / ANGLES:
            v = np.zeros(s.q)
            v[[i, j]] = np.cos(angle), np.sin(angle)
            psi = length**2 * (np.outer(v, v) + 0.03 * np.eye(s.q))
            ring.append(s.pack(psi, np.full(s.v, length**2)))
        values = np.array([evaluate(s, point, reml).deviance for point in ring])
        low = np.flatnonzero((values <= np.roll(values, 1)) & (values <= np.roll(values, -1)))
        dips += [(values[k], ring[k]) for k in low]
    return [point for _, point in sorted(dips, key=lambda pair: pair[0])[:2]]


def is_singular(structure: Structure, theta: Array) -> bool:
    """Whether Ψ has a zero standard deviation in some direction, or a component is zero, relative to σ."""
    L, sds = structure.unpack(theta)
    smallest = np.append(np.linalg.svd(L, compute_uv=False) if structure.q else [], np.abs(sds))
    return bool(np.any(smallest < SINGULAR))


def _descend(s: Structure, theta: Array, reml: bool) -> Array:
    """From θ down to a point that satisfies the first-order conditions in Ψ, not only those in Λ."""

    def both(point: Array) -> tuple[float, Array]:
        at = evaluate(s, point, reml)
        return at.deviance, at.gradient

    for _ in range(10):
        found = minimize(
            both, theta, jac=True, method="BFGS", options={"gtol": 1e-6 * np.sqrt(s.n)}
        )
        theta = _polish(s, found.x, reml)
        away = _escape(s, theta, reml)
        if away is None:
            break
        theta = away
    return theta


def _rounding(s: Structure, at: Evaluation) -> float:
    """What rounding may be worth in a deviance: it is a sum over n rows, and grows with it."""
    return 16 * float(np.finfo(float).eps) * (s.n + abs(at.deviance))


def _newton_step(s: Structure, theta: Array, gradient: Array, reml: bool) -> Array:
    """Newton's step (size,), to be subtracted. |eigenvalues|: never towards a saddle; the floor: no leap along a
    direction in which nothing changes."""
    values, vectors = np.linalg.eigh(hessian(s, theta, reml))
    sizes = np.maximum(np.abs(values), 1e-6 * np.max(np.abs(values), initial=0.0))
    return np.asarray(vectors @ (vectors.T @ gradient / sizes))


def _polish(s: Structure, theta: Array, reml: bool) -> Array:
    """Newton's method to the last digits; a step that does not lower the gradient is not taken."""
    at = evaluate(s, theta, reml)
    for _ in range(6):
        step = _newton_step(s, theta, at.gradient, reml)
        if at.gradient @ step < 1e-3 * _rounding(s, at):
            break
        trial = evaluate(s, theta - step, reml)
        if not (
            trial.deviance < at.deviance + _rounding(s, at)
            and np.linalg.norm(trial.gradient) < np.linalg.norm(at.gradient)
        ):
            break
        theta, at = theta - step, trial
    return theta


def _escape(s: Structure, theta: Array, reml: bool) -> Array | None:
    """A lower point if some variance that is zero should not be, else None."""
    at = evaluate(s, theta, reml)
    L, sds = s.unpack(theta)
    candidates, sizes = [], np.logspace(-6, 1, 8)
    if s.q:
        values, vectors = np.linalg.eigh(at.score_re)
        if values[0] < -ESCAPE:
            v = vectors[:, 0]
            candidates += [s.pack(L @ L.T + t * np.outer(v, v), sds**2) for t in sizes]
    for c in np.flatnonzero(at.score_vc < -ESCAPE):
        candidates += [s.pack(L @ L.T, sds**2 + t * np.eye(s.v)[c]) for t in sizes]
    if not candidates:
        return None
    lowest = min(candidates, key=lambda point: evaluate(s, point, reml).deviance)
    return lowest if evaluate(s, lowest, reml).deviance < at.deviance - _rounding(s, at) else None
