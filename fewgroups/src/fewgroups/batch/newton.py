"""Newton's method on the Cholesky factor of Ψ (2 × 2), for all data sets at once.

Minus twice the log-likelihood of bᵢ ~ N(β, σ²(Gᵢ⁻¹ + Ψ)), with β and σ² profiled out, is up to constants
df·log Q + Σ log|I + GᵢΨ| (+ log|A| under REML), with Wᵢ = (I + GᵢΨ)⁻¹Gᵢ, A = ΣWᵢ, β = A⁻¹ΣWᵢbᵢ and
Q = rest + Σ(bᵢ − β)ᵀWᵢ(bᵢ − β) (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 3).

Data sets lie along the last axis (n), kinds of groups before it (P), so that einsum's inner loops are long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

ROUNDS = 200
"""Newton steps after which a data set counts as not solved; six are usual."""

SHRINK, GROW, FIRST = 5.0, 5.0, 1.0
"""The damping after a step that lowered the value, after one that did not, and the least after a failure."""

DONE = 1e-10
"""A step with a smaller predicted decrease of −2 log-likelihood is the last one: at Newton's pace what is left after it
is about the square of that, and a third of it where the likelihood is flat at the boundary."""

ZERO, INWARDS = 1e-4, 0.1
"""A diagonal entry of the factor that counts as zero, and where it goes when the likelihood rises from there."""


class ProfilePoint(NamedTuple):
    """A profile at one Ψ per data set: −2 log-likelihood (n,), Q (n,), β (2, n), A⁻¹ (2, 2, n), Wᵢ (2, 2, P, n)."""

    value: np.ndarray
    total: np.ndarray
    beta: np.ndarray
    inverse: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class SlopeProfile:
    """−2 log-likelihood of Ψ, β and σ² profiled out, for n data sets of P kinds of groups.

    grams (2, 2, P), determinants (P,), multiplicity (P,): Gᵢ of each kind, |Gᵢ|, number of such groups; sums (2, P, n),
    squares (2, 2, P, n): Σbᵢ and Σbᵢbᵢᵀ over them; rest (n,): sum of squares around each group's own line; df: N − 2
    under REML, N under ML.
    """

    grams: np.ndarray
    determinants: np.ndarray
    multiplicity: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    rest: np.ndarray
    df: float
    reml: bool

    def subset(self, which: np.ndarray) -> SlopeProfile:
        """The profiles of some of the data sets."""
        sums, squares = self.sums.take(which, axis=-1), self.squares.take(which, axis=-1)
        return replace(self, sums=sums, squares=squares, rest=self.rest[which])

    def with_placeholders(self, usable: np.ndarray) -> SlopeProfile:
        """The same, but for data sets that are not `usable` (n,): for these a residual and no groups' differences."""
        sums, squares = np.where(usable, self.sums, 0.0), np.where(usable, self.squares, 0.0)
        return replace(self, sums=sums, squares=squares, rest=np.where(usable, self.rest, 1.0))

    def deviations(self, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Σ(bᵢ − β) (2, P, n) and Σ(bᵢ − β)(bᵢ − β)ᵀ (2, 2, P, n) over the groups of each kind."""
        left = self.sums - self.multiplicity[:, None] * beta[:, None]
        return left, self.squares - self.sums[:, None] * beta[:, None] - beta[:, None, None] * left

    def at(self, psi: np.ndarray) -> ProfilePoint:
        """The profile at Ψ (2, 2, n)."""
        grams, determinants = self.grams[..., None], self.determinants[:, None]
        adjugate, size = _adjugate(psi)
        spread = 1 + np.einsum("ijp,ijn->pn", self.grams, psi) + determinants * size  # |I + GᵢΨ|
        weights = (grams + determinants * adjugate[:, :, None]) / spread
        adjugate, size = _adjugate(np.einsum("p,ijpn->ijn", self.multiplicity, weights))
        inverse = adjugate / size
        right = np.einsum("ijpn,jpn->in", weights, self.sums)
        beta = np.einsum("ijn,jn->in", inverse, right)
        total = self.rest + np.einsum("ijpn,ijpn->n", weights, self.squares) - (beta * right).sum(0)
        value = self.df * np.log(total) + self.multiplicity @ np.log(spread)
        if self.reml:
            value += np.log(size)
        return ProfilePoint(value, total, beta, inverse, weights)

    def derivatives(self, here: ProfilePoint) -> tuple[np.ndarray, np.ndarray]:
        """Γ (2, 2, n) and H (2, 2, 2, 2, n): the first derivatives tr ΓE and the second ones EᵢⱼHᵢⱼₖₗFₖₗ of the value
        when Ψ moves along symmetric E and F.

        From dWᵢ = −Wᵢ dΨ Wᵢ, d log|I + GᵢΨ| = tr Wᵢ dΨ and dβ = −A⁻¹ ΣWᵢ dΨ Wᵢ(bᵢ − β).
        """
        weights, beta, inverse = here.weights, here.beta, here.inverse
        left, scatter = self.deviations(beta)
        weighted = np.einsum("ijpn,jpn->ipn", weights, left)
        squares = _sandwich(weights, scatter)  # WᵢΣ(bᵢ − β)(bᵢ − β)ᵀWᵢ
        ratio = self.df / here.total
        counted = self.multiplicity[:, None] * weights
        inner = 2 * ratio * squares - counted
        by_total = -ratio * squares.sum(axis=2)
        gradient = by_total + counted.sum(axis=2)
        if self.reml:
            fixed = _sandwich(weights, inverse[:, :, None])
            fixed *= self.multiplicity[:, None]
            gradient -= fixed.sum(axis=2)
            inner += 2 * fixed
        hessian = np.einsum("ijpn,klpn->jklin", weights, inner)
        hessian -= by_total[:, :, None, None] * by_total / self.df
        moved = np.einsum("ijpn,kpn->ijkn", weights, weighted)  # dβ = −A⁻¹·moved·dΨ
        by_beta = np.einsum("abn,bijn->aijn", 2 * ratio * inverse, moved)
        hessian -= np.einsum("aijn,akln->ijkln", by_beta, moved)
        if self.reml:  # −tr A⁻¹CA⁻¹C′, C = ΣWᵢ dΨ Wᵢ
            change = np.einsum("ijpn,klpn->iljkn", counted, weights)
            change = np.einsum("ain,iljkn->aljkn", inverse, change)
            hessian -= np.einsum("abijn,bakln->ijkln", change, change)
        return gradient, hessian


def _adjugate(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The adjugates (2, 2, n) and determinants (n,) of symmetric matrices x (2, 2, n)."""
    a, b, c = x[0, 0], x[0, 1], x[1, 1]
    return np.array([[c, -b], [-b, a]]), a * c - b * b


def _sandwich(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """WXW."""
    return np.einsum("ijpn,jkpn->ikpn", np.einsum("ijpn,jkpn->ikpn", w, x), w)


def minimise(profile: SlopeProfile, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Ψ (2, 2, n) to which −2 log-likelihood falls from `start`, and whether a minimum was reached (n,).

    Newton's method with a damped Hessian on the Cholesky factor of Ψ, written in the eigenvectors of the present Ψ:
    there the boundary (rank one, or none) is an ordinary minimum at zero, reached at Newton's pace.
    """
    psi, current, here = start.copy(), start, profile.at(start)
    damping, solved = np.zeros(start.shape[-1]), np.zeros(start.shape[-1], dtype=bool)
    active = np.arange(len(solved))
    for _ in range(ROUNDS):
        if not active.size:
            break
        proposal, decrease, damping, off_boundary = _step(
            current, *profile.derivatives(here), damping
        )
        # A step so long that its value is no number is refused like one that leads uphill.
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            there = profile.at(proposal)
        better = there.value <= here.value + 1e-12 * np.abs(here.value)
        current = np.where(better, proposal, current)
        here = ProfilePoint(*(np.where(better, x, y) for x, y in zip(there, here, strict=True)))
        psi[..., active] = current
        # Rounding hides improvements below 1e-12: a step from which nothing is expected or gained is the last as well.
        last = np.where(better, (decrease < DONE) & ~off_boundary, decrease < 1e-9)
        damping = np.where(better, damping / SHRINK, np.maximum(GROW * damping, FIRST))
        damping = np.where(damping < 1e-3, 0.0, damping)
        if last.any():
            solved[active[last]] = True
            going = np.flatnonzero(~last)
            # `take` keeps data sets next to each other in memory, which psi[..., going] would not.
            active, damping, profile = active[going], damping[going], profile.subset(going)
            current = current.take(going, axis=-1)
            here = ProfilePoint(*(x.take(going, axis=-1) for x in here))
    return psi, solved


def _step(
    psi: np.ndarray, gradient: np.ndarray, hessian: np.ndarray, damping: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The next Ψ, the predicted decrease of −2 log-likelihood, the damping used, and whether Ψ was moved off a boundary
    at which the likelihood rises inwards (where Newton's method alone would stay)."""
    large, small, (cosine, sine) = eigenvalues(psi)
    # The larger eigenvalue's eigenvector, from the cosine and sine of twice its angle.
    x = np.sqrt((1 + cosine) / 2)
    z = np.copysign(np.sqrt(np.maximum(1 - x * x, 0)), sine)
    v1, v2 = np.stack([x, z]), np.stack([-z, x])
    # Ψ = Σ bases·(11, 21, 22) of LLᵀ, L the factor in these axes.
    bases = np.stack([v1[:, None] * v1, v1[:, None] * v2 + v2[:, None] * v1, v2[:, None] * v2])
    m11, m21, m22 = np.einsum("ijn,rijn->rn", gradient, bases)
    first, second = np.sqrt(np.maximum(large, 0)), np.sqrt(np.maximum(small, 0))
    out1, out2 = (first < ZERO) & (m11 < -1e-6), (second < ZERO) & (m22 < -1e-6)
    first, second = np.where(out1, INWARDS, first), np.where(out2, INWARDS, second)
    # Damp in the units in which the information about each entry of the factor is about constant.
    u1, u2 = np.sqrt(1 + first * first), np.sqrt(1 + second * second)
    speed = np.stack([2 * first * u1, first * u2, 2 * second * u2])
    slope = speed * [m11, m21, m22]
    moves = speed[:, None, None] * bases  # dΨ by the entries l11, l21, l22
    k = np.einsum("rijn,sijn->rsn", moves, np.einsum("ijkln,skln->sijn", hessian, moves))
    k[0, 0] += 2 * u1 * u1 * m11
    k[[0, 1], [1, 0]] += u1 * u2 * m21
    k[[1, 2], [1, 2]] += 2 * u2 * u2 * m22
    step, damping = _newton_step(k, slope, damping)
    decrease = -(slope * step).sum(axis=0) / 2
    l11, l21, l22 = first + u1 * step[0], u2 * step[1], second + u2 * step[2]
    products = np.stack([l11 * l11, l11 * l21, l21 * l21 + l22 * l22])
    return np.einsum("rijn,rn->ijn", bases, products), decrease, damping, out1 | out2


def _newton_step(
    k: np.ndarray, slope: np.ndarray, damping: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """−(K + μI)⁻¹·slope for symmetric matrices K (3, 3, n), and μ: raised where K + μI is not positive definite.

    Written out as LDLᵀ: a batch of LAPACK's solutions takes several times as long.
    """
    diagonal = np.stack([k[0, 0], k[1, 1], k[2, 2]])
    floor = 1e-10 * np.abs(diagonal).sum(axis=0) + 1e-14
    # Gershgorin's bound below the smallest eigenvalue makes the damped matrix safe at once.
    lowest = (diagonal + np.abs(diagonal) - np.abs(k).sum(axis=0)).min(axis=0)
    safe = 0.01 * np.abs(lowest) - lowest + 10 * floor
    for _ in range(2):
        d1, d2, d3 = diagonal + damping
        d1 = np.where(d1 == 0, 1e-300, d1)
        l21, l31 = k[0, 1] / d1, k[0, 2] / d1
        d2 = d2 - l21 * k[0, 1]
        d2 = np.where(d2 == 0, 1e-300, d2)
        l32 = (k[1, 2] - l21 * k[0, 2]) / d2
        d3 = d3 - l31 * k[0, 2] - l32 * l32 * d2
        weak = np.minimum(np.minimum(d1, d2), d3) <= floor
        if not weak.any():
            break
        damping = np.where(weak, np.maximum(damping, safe), damping)
    y1 = -slope[0]
    y2 = -slope[1] - l21 * y1
    y3 = -slope[2] - l31 * y1 - l32 * y2
    x3 = y3 / d3
    x2 = y2 / d2 - l32 * x3
    return np.stack([y1 / d1 - l21 * x2 - l31 * x3, x2, x3]), damping


def eigenvalues(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues (n,) of symmetric matrices x (2, 2, n), the larger first, and the cosine and sine (2, n) of twice the
    angle of its eigenvector."""
    middle, half = (x[0, 0] + x[1, 1]) / 2, (x[0, 0] - x[1, 1]) / 2
    radius = np.hypot(half, x[0, 1])
    safe = np.where(radius > 0, radius, 1.0)
    direction = np.stack([np.where(radius > 0, half / safe, 1.0), x[0, 1] / safe])
    return middle + radius, middle - radius, direction


def matrix(large: np.ndarray, small: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """The inverse of `eigenvalues`, (2, 2, n)."""
    middle, radius = (large + small) / 2, (large - small) / 2
    cosine, sine = radius * direction
    return np.array([[middle + cosine, sine], [sine, middle - cosine]])
