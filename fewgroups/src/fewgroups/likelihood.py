"""The likelihood of one data set, or of many, and its optimum, for any model that MixedLM can state.

V = σ²(I + ZΛΛᵀZᵀ), block by block of groups; Λ holds the lower-triangular relative factor L of the random-effect
columns (Ψ = σ²LLᵀ, unstructured) and the relative SDs τ/σ of the variance components. β and σ² are profiled out, as in
lme4 (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 3), so that only Λ is searched for: θ, in the
standardised coordinates of `structure`. The deviance is even in every column of Λ, so zero variances and correlations
of ±1 are ordinary interior points of the search and are reached exactly; what tells a boundary optimum from a saddle
is the derivative by Ψ itself (it must have no negative direction), and that is checked.

Cost: one pass over the rows at the start, then per evaluation groups × (columns of Z per group)³; of crossed factors
m₁m₂² + m₂³ with m₁ levels of the largest and m₂ of the others."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Self, cast

import numpy as np

from fewgroups.structure import Structure, symmetric

Array = np.ndarray
ESCAPE = 1e-4  # deviance per unit of relative variance, below which a negative derivative by Ψ is rounding
NEGLIGIBLE = 1e-6  # deviance that one more Newton step could gain at an optimum
AWAY = 0.1  # relative SDs near zero start from here: at zero the deviance is flat, whether or not it is a minimum
ROUNDS = 200  # Newton steps at most; five to ten are usual
AT_ONCE = 2**18  # numbers in an array for the points that are looked at at once: 2 MB
# Relative SDs at which the deviance is looked at for a start.
SIZES = np.array([0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 3.0, 10.0])
ANGLES = 8  # directions, in a plane of two columns, of elongated Ψ for further starts


class NotAtOptimumWarning(UserWarning):
    """The fit stopped below the best log-likelihood: its numbers are not what the model says of the data."""


@dataclass(frozen=True)
class Information:
    """The (RE)ML likelihood at one value of its k covariance parameters (γ, log σ²), and what the data say of them; p
    fixed effects. At many values, or of many data sets, all but the structure has first axes.

    V = σ²(I + Σγ_iG_i) as in `structure`; the D_i are its derivatives, σ²G_i and V itself; X̃ the orthonormal columns,
    Φ = (X̃ᵀV⁻¹X̃)⁻¹ and 𝒫 = V⁻¹ − V⁻¹X̃ΦX̃ᵀV⁻¹. deviance: −2 log-likelihood, with lme4's and statsmodels' constants;
    gradient (k,): of it; inverse (p, p): Φ/σ²; residual (p+1,): the c with which Bc is (y − X̃β̂)/σ; rss: yᵀ𝒫y; single
    (size,), P (size, p+1, p+1), traces and Q: from `Structure.sums`."""

    structure: Structure
    reml: bool
    gamma: Array
    scale: Any
    deviance: Any
    gradient: Array
    inverse: Array
    residual: Array
    rss: Any
    single: Array
    P: Array
    traces: Any
    Q: Any

    @classmethod
    def of(
        cls, s: Structure, gamma: Array, reml: bool, scale: Any = None, second: bool = True
    ) -> Self:
        """At γ (..., size) and σ² = scale, None for the best one. `second`: whether second derivatives are wanted."""
        log_det, removed, single, P, traces, Q = s.sums(gamma, second)
        p, df, M = s.p, s.n - s.p * reml, s.BB - removed
        inverse = np.linalg.inv(M[..., :p, :p])
        inverse = (inverse + inverse.swapaxes(-1, -2)) / 2
        shift = (inverse @ M[..., :p, p:])[..., 0]
        rss = s.unit**2 * (M[..., p, p] - np.sum(M[..., :p, p] * shift, axis=-1))
        scale = np.asarray(rss / df if scale is None else scale)
        rss = np.asarray(rss / scale)
        residual = np.concatenate([-shift, np.ones((*shift.shape[:-1], 1))], axis=-1)
        residual *= (s.unit / np.sqrt(scale))[..., None]
        deviance = log_det + rss + df * np.log(2 * np.pi * scale)
        weights = residual[..., :, None] * residual[..., None, :]
        if reml:
            deviance -= np.linalg.slogdet(inverse)[1]
            deviance -= 2 * np.log(np.abs(np.diag(s.R_inverse))).sum()
            weights[..., :p, :p] += inverse
        by_gamma = single - np.einsum("...ij,...aij->...a", weights, P)
        gradient = np.concatenate([by_gamma, (df - rss)[..., None]], axis=-1)
        sums = single, P, traces, Q
        return cls(s, reml, gamma, scale, deviance, gradient, inverse, residual, rss, *sums)

    def rows(self, L: Array) -> Array:
        """Rows (q, p) or a row (p,) of weights of β as weights of the coefficients of X̃."""
        return np.asarray(L @ self.structure.R_inverse)

    @property
    def loglik(self) -> Any:
        """The (restricted) log-likelihood."""
        return -self.deviance / 2

    @property
    def beta(self) -> Array:
        """(p,) the generalised-least-squares coefficients of X̃."""
        shift = np.sqrt(self.scale)[..., None] * self.residual[..., :-1]
        return np.asarray(self.structure.start - shift)

    @property
    def phi(self) -> Array:
        """(p, p) their covariance Φ."""
        return np.asarray(self.scale[..., None, None] * self.inverse)

    @property
    def coefficients(self) -> Array:
        """(p,) those of the model's own columns."""
        return np.asarray(self.beta @ self.structure.R_inverse.T)

    @property
    def covariance(self) -> Array:
        """(p, p) (XᵀV⁻¹X)⁻¹, that of the coefficients of the model's own columns."""
        fixed = self.structure.R_inverse
        return np.asarray(fixed @ self.phi @ fixed.T)

    @property
    def phi_slopes(self) -> Array:
        """(k, p, p) the derivatives of Φ."""
        by_gamma = self.inverse[..., None, :, :] @ self.P[..., :-1, :-1]
        by_gamma = by_gamma @ self.phi[..., None, :, :]
        return np.concatenate([by_gamma, self.phi[..., None, :, :]], axis=-3)

    @cached_property
    def expected(self) -> Array:
        """(k, k) twice the expected information: tr(𝒫D_i𝒫D_j), of ML tr(V⁻¹D_iV⁻¹D_j)."""
        if not self.reml:
            return _bordered(self.traces, self.single, self.structure.n)
        AP = self.inverse[..., None, :, :] @ self.P[..., :-1, :-1]
        inner = self.traces + np.einsum("...aij,...bji->...ab", AP, AP)
        inner -= 2 * np.einsum("...ij,...abij->...ab", self.inverse, self.Q[..., :-1, :-1])
        last = self.single - np.trace(AP, axis1=-2, axis2=-1)
        return _bordered(inner, last, self.structure.n - self.structure.p)

    @cached_property
    def hessian(self) -> Array:
        """(k, k) of the deviance: by γ twice yᵀ𝒫D_i𝒫D_j𝒫y, less `expected` (Lindstrom & Bates 1988, J. Am. Stat. Assoc.
        83:1014)."""
        c = self.residual
        along = (self.P @ c[..., None, :, None])[..., 0]
        half = along[..., :-1]
        inner = np.einsum("...ij,...abij->...ab", c[..., :, None] * c[..., None, :], self.Q)
        inner -= half @ self.inverse @ half.swapaxes(-1, -2)
        inner = 2 * inner - self.expected[..., :-1, :-1]
        return _bordered(inner, (along @ c[..., None])[..., 0], self.rss)

    @property
    def profiled(self) -> Array:
        """(size, size) the Hessian by γ where σ² is the best one for every γ."""
        mixed = self.hessian[..., :-1, -1:]
        taken = mixed * mixed.swapaxes(-1, -2) / self.rss[..., None, None]
        return np.asarray(self.hessian[..., :-1, :-1] - taken)


def _bordered(inner: Array, last: Array, corner: Any) -> Array:
    """The symmetric matrix (..., k, k) with this part (..., k−1, k−1), last row (..., k−1) and last element (...)."""
    size = last.shape[-1] + 1
    whole = np.empty((*last.shape[:-1], size, size))
    whole[..., :-1, :-1], whole[..., -1, :-1], whole[..., :-1, -1] = inner, last, last
    whole[..., -1, -1] = corner
    return whole


def by_coordinates(
    gradient: Array, hessian: Array, slopes: Array, second: Array
) -> tuple[Array, Array]:
    """Gradient (..., m) and Hessian (..., m, m) by coordinates, by which the parameters have the first derivatives
    `slopes` (..., k, m) and the second derivatives `second` (..., k, m, m)."""
    across = slopes.swapaxes(-1, -2)
    by_slope = np.einsum("...r,...rij->...ij", gradient, second)
    return (across @ gradient[..., None])[..., 0], across @ hessian @ slopes + by_slope


def profile(s: Structure, theta: Array, reml: bool) -> tuple[Any, Array, Array]:
    """At θ (..., size) and the best σ²: the deviance, its gradient (..., size) and Hessian (..., size, size)."""
    found = Information.of(s, s.gamma(theta), reml)
    slopes = np.einsum("rij,...j->...ri", s.squares, theta)
    by_theta = by_coordinates(found.gradient[..., :-1], found.profiled, slopes, s.squares)
    return found.deviance, *by_theta


@dataclass(frozen=True)
class Optimum(Information):
    """The likelihood at the best point found; of many data sets, with a first axis of everything but the structure.
    theta (size,): the standardised point; tried: the log-likelihood reached from each start (of many data sets: all).
    """

    theta: Array
    tried: tuple[float, ...]

    @classmethod
    def at(
        cls, s: Structure, theta: Array, reml: bool, tried: Any = (), second: bool = False
    ) -> Self:
        """What is found at θ (..., size), with second derivatives or without."""
        found = Information.of(s, s.gamma(theta), reml, second=second)
        return cls(**vars(found), theta=theta, tried=tried)

    @property
    def cov_re(self) -> Array:
        """(q, q) Ψ of the model's own columns."""
        root = self.structure.random @ self.structure.unpack(self.theta)[0]
        return np.asarray(self.scale[..., None, None] * (root @ root.swapaxes(-1, -2)))

    @property
    def vcomp(self) -> Array:
        """(v,) τ² of the model's own columns."""
        sds = self.structure.unpack(self.theta)[1] / self.structure.unit_vc
        return np.asarray(self.scale[..., None] * sds**2)

    @property
    def singular(self) -> Any:
        """Whether a relative SD is zero or a correlation ±1; neither units nor the centring of columns matter."""
        return self.structure.singular(self.theta)


def optimum(model: Any, reml: bool = True) -> Optimum:
    """The (RE)ML optimum of a statsmodels MixedLM `model`: the best end of a few searches, each checked to first order.

    With few, uneven groups the likelihood can have several maxima. So a search starts wherever the deviance dips as
    random effects grow; of several parameters from two sizes at least; and of correlated random effects from two points
    more, elongated in the directions in which the deviance is lowest. `model` may also be a Structure; it is searched
    once. ValueError as of `Structure.of`, and when no start leads to a point where the derivatives vanish."""
    s = model if isinstance(model, Structure) else Structure.of(model)
    if reml not in s.optima:
        best, decrease, tried = _best_ends(s.of_data_sets(np.newaxis), reml)
        if not decrease[0] < NEGLIGIBLE:
            raise ValueError(
                "the likelihood has no optimum that could be found (where the search ended, the deviance should still "
                f"fall by about {decrease[0]:.2g}): the data say too little about these random effects; leave out one"
            )
        s.optima[reml] = Optimum.at(s, best[0], reml, tried, second=True)
    return cast(Optimum, s.optima[reml])


def optima(structure: Structure, reml: bool, near: Array) -> tuple[Optimum, Array]:
    """The optima of the n data sets of `structure`, and in which of them none was found (n,). All are searched at once:
    from `near` (size,), the θ of a fit that they resemble, and as in `optimum` wherever the deviance has several dips
    as random effects grow, or may have one in an elongated direction."""
    best, decrease, tried = _best_ends(structure, reml, near)
    return Optimum.at(structure, best, reml, tried), ~(decrease < NEGLIGIBLE)


def _best_ends(
    s: Structure, reml: bool, near: Array | None = None
) -> tuple[Array, Array, tuple[float, ...]]:
    """Of each of the n data sets the θ (n, size) with the lowest deviance that a search ended at, by how much one more
    Newton step would lower it (n,), and the log-likelihood from each start."""
    which, starts = _starts(s, reml, near)
    theta, deviance, decrease = _descend(s, which, starts, reml)
    order = np.lexsort((deviance, which))
    best = order[np.searchsorted(which[order], np.arange(len(s.unit)))]
    return theta[best], decrease[best], tuple((-deviance / 2).tolist())


def _starts(s: Structure, reml: bool, near: Array | None) -> tuple[Array, Array]:
    """Starts of the search: which data set each is for (k,), and θ (k, size)."""
    every, unit = np.arange(len(s.unit)), s.pack(np.eye(s.q), np.ones(s.v))
    deviances = _deviances(s, (SIZES[:, None] * unit)[:, None], reml)
    beside = np.pad(deviances, ((1, 1), (0, 0)), constant_values=np.inf)
    wanted = (deviances < beside[:-2]) & (deviances <= beside[2:])
    best, second = SIZES[np.argsort(deviances, axis=0, kind="stable")[:2]]
    if s.size > 1 and (near is None or s.q > 1):
        other = np.where(best == 1.0, second, 1.0)
        wanted |= (SIZES[:, None] == best) | (SIZES[:, None] == other)
    elif near is not None:
        wanted &= wanted.sum(axis=0) > 1
    size, which = np.nonzero(wanted)
    found = [(which, SIZES[size, None] * unit)]
    if near is not None:
        near = np.where((unit > 0) & (np.abs(near) < AWAY), AWAY, near)
        found.append((every, np.tile(near, (len(every), 1))))
    if s.q > 1:  # and elongated Ψ, in the best direction in a plane of two columns
        circle = [(np.cos(angle), np.sin(angle)) for angle in np.arange(ANGLES) * np.pi / ANGLES]
        planes = combinations(np.eye(s.q), 2)
        v = np.array([c * one + d * other for one, other in planes for c, d in circle])
        psi = v[:, :, None] * v[:, None, :] + 0.03 * np.eye(s.q)
        shapes = s.pack(psi, np.ones((len(v), s.v)))
        for length in (best, 3 * best):
            points = length[:, None] * shapes[:, None]
            found.append((every, points[_deviances(s, points, reml).argmin(axis=0), every]))
    parts, starts = zip(*found, strict=True)
    return np.concatenate(parts), np.concatenate(starts)


def _deviances(s: Structure, points: Array, reml: bool) -> Array:
    """At points (k, n or 1, size) of the n data sets, (k, n)."""
    n = len(s.unit)
    step = max(1, AT_ONCE // (n * s.values))
    points = np.broadcast_to(points, (len(points), n, s.size))
    parts = [points[first : first + step] for first in range(0, len(points), step)]
    found = [Information.of(s, s.gamma(part), reml, second=False).deviance for part in parts]
    return np.concatenate(found)


def _descend(
    s: Structure, which: Array, starts: Array, reml: bool, escapes: int = 3
) -> tuple[Array, Array, Array]:
    """From starts (k, size) of the data sets `which` (k,) down to points that satisfy the first-order conditions in Ψ,
    not only those in Λ: θ, deviance, and by how much another Newton step should lower it."""

    def objective(left: Array, theta: Array) -> tuple[Array, Array, Array]:
        return profile(s.of_data_sets(which[left]), theta, reml)

    theta, deviance, gain = minimise(objective, starts, s.n)
    # Where a variance is zero and should not be, the search goes on from beside it.
    slope = Information.of(s.of_data_sets(which), s.gamma(theta), reml, second=False).gradient
    i, j = np.tril_indices(s.q)
    values, vectors = np.linalg.eigh(symmetric(slope[:, : len(i)] / (1 + (i != j)), s.q))
    down, grown = vectors * (values < -ESCAPE)[:, None, :], slope[:, len(i) : -1] < -ESCAPE
    left = np.flatnonzero(down.any(axis=(1, 2)) | grown.any(axis=1))
    if left.size and escapes:
        L, sds = s.unpack(theta[left])
        root = np.concatenate([L, AWAY * down[left]], axis=-1)
        beside = s.pack(root @ root.swapaxes(-1, -2), sds**2 + AWAY**2 * grown[left])
        further = _descend(s, which[left], beside, reml, escapes - 1)
        lower = further[1] < deviance[left]
        for ends, better in zip((theta, deviance, gain), further, strict=True):
            ends[left[lower]] = better[lower]
    return theta, deviance, gain


def minimise(
    objective: Callable[[Array, Array], tuple[Array, Array, Array]],
    starts: Array,
    rows: int,
    enough: float = 0.0,
) -> tuple[Array, Array, Array]:
    """Newton's method in a trust region, all searches at once (Nocedal & Wright 2006, Numerical Optimization, ch. 4).

    objective: of the numbers of some searches and of their points (k, size), the deviances (k,), gradients and Hessians
    there. |eigenvalues| of the Hessian: never towards a saddle; a floor for them: no leap along a direction in which
    nothing changes. A step that does not lower the deviance is not taken. rows: of the data, which make the rounding.

    Returns the ends (n, size), their deviances, and by how much one more step should lower these: `enough`, or less."""
    ends, left, gain = starts.copy(), np.arange(len(starts)), np.zeros(len(starts))
    radius = 0.25 * np.maximum(1.0, np.linalg.norm(ends, axis=1))  # not past a near minimum
    deviance, gradient, hessian = objective(left, ends)
    for _ in range(ROUNDS):
        values, vectors = np.linalg.eigh(hessian[left])
        sizes = np.abs(values)
        sizes = np.maximum(sizes, 1e-6 * sizes.max(axis=1, keepdims=True, initial=0.0))
        along = (gradient[left, None] @ vectors)[:, 0]
        gain[left] = np.sum(along**2 / sizes, axis=1) / 2
        least = np.maximum(enough, 1e-3 * _rounding(rows, deviance[left]))
        going = (gain[left] > least) & (radius[left] > 1e-12)
        if not going.any():
            break
        left, along, sizes, vectors = left[going], along[going], sizes[going], vectors[going]
        step = _within(radius[left], along, sizes)
        trial = ends[left] - (vectors @ step[:, :, None])[:, :, 0]
        lower, slope, curvature = objective(left, trial)
        largest = 1 + np.max(ends[left] ** 2, axis=1, initial=0.0)  # of V, which is what cancels
        rounding, fall = _rounding(rows * largest, deviance[left]), deviance[left] - lower
        flatter = np.sum(slope**2, axis=1) < np.sum(gradient[left] ** 2, axis=1)
        better = fall > np.where(flatter, -rounding, rounding)
        expected = np.sum(step * (along - sizes * step / 2), axis=1)
        length, limit = np.linalg.norm(step, axis=1), radius[left]
        limit = np.where(fall > 0.75 * expected, np.maximum(limit, 2 * length), limit)
        limit = np.where(fall < 0.25 * expected - rounding, length / 4, limit)
        radius[left] = np.where(~better & (gain[left] < rounding), 0.0, limit)
        taken = left[better]
        ends[taken], deviance[taken] = trial[better], lower[better]
        gradient[taken], hessian[taken] = slope[better], curvature[better]
    return ends, deviance, gain


def _within(radius: Array, along: Array, sizes: Array) -> Array:
    """Newton's steps (k, size) in the eigenvectors' coordinates, shortened to `radius` (k,) by damping."""
    damping = np.zeros((len(radius), 1))
    for _ in range(6):
        step = along / (sizes + damping)
        square = np.sum(step**2, axis=1)
        if not (long := square > radius**2).any():
            break
        slope = np.sum(step**2 / (sizes + damping), axis=1)
        more = (np.sqrt(square) / radius - 1) * square / slope
        damping += np.where(long, more, 0.0)[:, None]
    return np.asarray(step)


def _rounding(rows: Any, deviance: Any) -> Any:
    """What rounding may be worth in a deviance: it is a sum over rows, and grows with it."""
    return 16 * float(np.finfo(float).eps) * (rows + np.abs(deviance))
