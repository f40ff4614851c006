"""Newton's method on the Cholesky factor of Ψ (2 × 2), for all data sets at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

ROUNDS = 200
"""Newton steps after which a data set counts as not solved; ten are usual."""

SHARE, EARLY = 4096, 8
"""Data sets that take their first steps together, near the processor, and how many; the rest then go on all at once."""

SHRINK, GROW, FIRST = 5.0, 5.0, 1.0
"""The damping after a step that lowered the value, after one that did not, and the least after a failure."""

DONE = 1e-10
"""A step that promises to lower −2 log-likelihood by less than this is the last one: at Newton's pace what is left
after it is about the square of that, and a third of it where the likelihood is flat at the boundary."""


@dataclass(frozen=True, eq=False)
class Point:
    """Where a profile stands: its value, the residual total Q, β̂, and the inverse of ΣWᵢ (entries 11, 12, 22)."""

    value: np.ndarray
    total: np.ndarray
    beta: tuple[np.ndarray, np.ndarray]
    inverse: tuple[np.ndarray, np.ndarray, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Profile:
    """−2 log-likelihood of Ψ, β and σ² profiled out, for n data sets of P kinds of athletes.

    Attributes
    ----------
    grams (3, P, 1), determinants (P, 1), copies (P, 1) : Gᵢ of each kind, |Gᵢ|, number of such athletes.
    sums (2, P, n), squares (3, P, n) : Σbᵢ and Σbᵢbᵢᵀ over them.
    rest (n,) : sum of squares around each athlete's own line.
    alone : whether each kind has one athlete, so that Σbᵢbᵢᵀ is a single product.
    """

    grams: np.ndarray
    determinants: np.ndarray
    copies: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    rest: np.ndarray
    alone: bool
    freedom: float
    reml: bool

    def times(self, values: np.ndarray) -> np.ndarray:
        """`values` (P, n), as often as there are athletes of each kind."""
        return values if self.alone else self.copies * values

    def subset(self, which: np.ndarray | slice) -> Profile:
        """The profiles of some of the data sets."""
        return replace(
            self,
            sums=self.sums[..., which],
            squares=self.squares[..., which],
            rest=self.rest[which],
        )

    def at(self, psi: np.ndarray) -> Point:
        """The profile at Ψ (3, n): entries 11, 12, 22."""
        a, b, c = psi
        g11, g12, g22 = self.grams
        determinant = 1 + g11 * a + 2 * g12 * b + g22 * c + self.determinants * (a * c - b * b)
        over = 1 / determinant
        w11, w12, w22 = (
            (g11 + self.determinants * c) * over,
            (g12 - self.determinants * b) * over,
            (g22 + self.determinants * a) * over,
        )
        a11, a12, a22 = (self.times(w).sum(axis=0) for w in (w11, w12, w22))
        size = a11 * a22 - a12 * a12
        inverse = a22 / size, -a12 / size, a11 / size
        s0, s1 = self.sums
        h0, h1 = (w11 * s0 + w12 * s1).sum(axis=0), (w12 * s0 + w22 * s1).sum(axis=0)
        beta = inverse[0] * h0 + inverse[1] * h1, inverse[1] * h0 + inverse[2] * h1
        q11, q12, q22 = self.squares
        total = (
            self.rest
            + (w11 * q11 + 2 * w12 * q12 + w22 * q22).sum(axis=0)
            - beta[0] * h0
            - beta[1] * h1
        )
        value = self.freedom * np.log(total) + self.times(np.log(determinant)).sum(axis=0)
        return Point(
            value + np.log(size) if self.reml else value, total, beta, inverse, (w11, w12, w22)
        )

    def derivatives(self, here: Point) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (3, n) and Hessian (6, n; entries 11, 12, 13, 22, 23, 33) in the entries a, b, c of Ψ.

        From dW = −W dΨ W, d log|I + GΨ| = tr W dΨ and d β̂ = −A⁻¹ ΣW dΨ W(b − β̂), A = ΣW.
        """
        w11, w12, w22 = weights = here.weights
        b0, b1 = here.beta
        k = self.copies
        s0, s1 = self.sums[0] - k * b0, self.sums[1] - k * b1
        v0, v1 = w11 * s0 + w12 * s1, w12 * s0 + w22 * s1
        if self.alone:
            e = v0 * v0, v0 * v1, v1 * v1
        else:
            e = _sandwich(
                weights,
                (
                    self.squares[0] - (self.sums[0] + s0) * b0,
                    self.squares[1] - self.sums[0] * b1 - s1 * b0,
                    self.squares[2] - (self.sums[1] + s1) * b1,
                ),
            )
        total = here.total
        ratio = self.freedom / total
        slope = [
            -ratio * e[0].sum(axis=0),
            -2 * ratio * e[1].sum(axis=0),
            -ratio * e[2].sum(axis=0),
        ]
        double = 2 * ratio
        if self.reml:
            y = _sandwich(weights, here.inverse)
            logs = [self.times(w - x).sum(axis=0) for w, x in zip(weights, y, strict=True)]
            bend = [
                double * x + self.times(z + z - w) for x, z, w in zip(e, y, weights, strict=True)
            ]
        else:
            logs = [self.times(w).sum(axis=0) for w in weights]
            bend = [double * x - self.times(w) for x, w in zip(e, weights, strict=True)]
        gradient = np.stack([slope[0] + logs[0], slope[1] + 2 * logs[1], slope[2] + logs[2]])
        hessian = _pairing(weights, bend)
        i11, i12, i22 = here.inverse
        z = [
            ((w11 * v0).sum(axis=0), (w12 * v0).sum(axis=0)),
            ((w11 * v1 + w12 * v0).sum(axis=0), (w12 * v1 + w22 * v0).sum(axis=0)),
            ((w12 * v1).sum(axis=0), (w22 * v1).sum(axis=0)),
        ]
        pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
        turned = [(double * (i11 * p + i12 * q), double * (i12 * p + i22 * q)) for p, q in z]
        shares = [x / self.freedom for x in slope]
        for entry, (r, s) in enumerate(pairs):
            hessian[entry] -= turned[r][0] * z[s][0] + turned[r][1] * z[s][1] + shares[r] * slope[s]
        if self.reml:
            kw11, kw12, kw22 = (self.times(w) for w in weights)
            p, q, r2, t = (
                (kw11 * w11).sum(axis=0),
                (kw11 * w12).sum(axis=0),
                (kw12 * w12).sum(axis=0),
                (kw11 * w22).sum(axis=0),
            )
            u, v = (kw12 * w22).sum(axis=0), (kw22 * w22).sum(axis=0)
            # ΣW E W for E of each entry, as [11, 12, 22]; then tr(A⁻¹ C A⁻¹ C′).
            c = [(p, q, r2), (2 * q, t + r2, 2 * u), (r2, u, v)]
            d = [_sandwich(here.inverse, x) for x in c]
            for entry, (r, s) in enumerate(pairs):
                hessian[entry] -= d[r][0] * c[s][0] + 2 * d[r][1] * c[s][1] + d[r][2] * c[s][2]
        return gradient, hessian


def _sandwich(w, x):  # type: ignore[no-untyped-def]
    """WXW for symmetric 2 × 2 matrices given by their entries 11, 12, 22."""
    w11, w12, w22 = w
    x11, x12, x22 = x
    m11, m12 = w11 * x11 + w12 * x12, w11 * x12 + w12 * x22
    m21, m22 = w12 * x11 + w22 * x12, w12 * x12 + w22 * x22
    return m11 * w11 + m12 * w12, m11 * w12 + m12 * w22, m21 * w12 + m22 * w22


def _pairing(w, y) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Σ over kinds of tr(W E Y E′), symmetrised, for the entries E of Ψ: (6, n)."""
    (w11, w12, w22), (y11, y12, y22) = w, y
    return np.stack(
        [
            (w11 * y11).sum(axis=0),
            (w11 * y12 + w12 * y11).sum(axis=0),
            (w12 * y12).sum(axis=0),
            (w11 * y22 + w22 * y11 + 2 * w12 * y12).sum(axis=0),
            (w12 * y22 + w22 * y12).sum(axis=0),
            (w22 * y22).sum(axis=0),
        ]
    )


def minimise(profile: Profile, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Ψ (3, n) at which each profile is lowest, from `start`, and whether it was reached (n,).

    Newton's method with a damped Hessian on the Cholesky factor of Ψ, written in the eigenvectors of the present Ψ:
    there the boundary (rank one, or none) is an ordinary minimum at zero, reached at Newton's pace.
    """
    psi, solved = start.copy(), np.zeros(start.shape[1], dtype=bool)
    for first in range(0, len(solved), SHARE):
        _advance(profile, psi, solved, np.arange(first, min(first + SHARE, len(solved))), EARLY)
    _advance(profile, psi, solved, np.flatnonzero(~solved), ROUNDS)
    return psi, solved


def _advance(
    profile: Profile, psi: np.ndarray, solved: np.ndarray, active: np.ndarray, rounds: int
) -> None:
    """Up to `rounds` steps of the data sets `active`, in place."""
    active = _two(active)
    current, damping = psi[:, active], np.zeros(len(active))
    profile = profile.subset(active)
    here = profile.at(current)
    gradient, hessian = profile.derivatives(here)
    value = here.value
    for _ in range(rounds):
        if not active.size:
            break
        proposal, promise, damping, kick = _step(current, gradient, hessian, damping)
        # A step so long that its value is no number is refused like one that leads uphill.
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            there = profile.at(proposal)
            better = there.value <= value + 1e-12 * np.abs(value)
        last = better & (promise < DONE) & ~kick
        psi[:, active] = current = np.where(better, proposal, current)
        # Rounding hides improvements below 1e-12: a step that promises nothing and gains nothing ends as well.
        last |= ~better & (promise < 1e-9)
        solved[active[last]] = True
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            fresh = profile.derivatives(there)
        gradient, hessian = (
            fresh
            if better.all()
            else (np.where(better, fresh[0], gradient), np.where(better, fresh[1], hessian))
        )
        value = np.where(better, there.value, value)
        damping = np.where(better, damping / SHRINK, np.maximum(GROW * damping, FIRST))
        damping = np.where(damping < 1e-3, 0.0, damping)
        if last.any():
            going = _two(np.flatnonzero(~last))
            active, current, gradient, hessian = (
                active[going],
                current[:, going],
                gradient[:, going],
                hessian[:, going],
            )
            value, damping, profile = value[going], damping[going], profile.subset(going)


def _two(places: np.ndarray) -> np.ndarray:
    """A single place twice: NumPy sums a lone column in another order, and the digits would tell who went along."""
    return np.repeat(places, 2) if len(places) == 1 else places


def _step(
    psi: np.ndarray, gradient: np.ndarray, hessian: np.ndarray, damping: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The next Ψ, the fall of −2 log-likelihood that it promises, the damping used, and whether Ψ was moved off a
    boundary at which the likelihood rises inwards (where Newton's method alone would stay)."""
    a, b, c = psi
    middle, half = (a + c) / 2, (a - c) / 2
    radius = np.hypot(half, b)
    first = np.sqrt(np.maximum(middle + radius, 0))
    second = np.sqrt(np.maximum(middle - radius, 0))
    # Half-angle of the larger eigenvector (x, z).
    safe = np.where(radius > 0, radius, 1.0)
    x = np.sqrt(np.maximum((1 + np.where(radius > 0, half / safe, 1.0)) / 2, 0))
    z = np.copysign(np.sqrt(np.maximum(1 - x * x, 0)), b)
    xx, xz, zz = x * x, x * z, z * z
    f, g, h = gradient
    m11, m12, m22 = (
        xx * f + xz * g + zz * h,
        -xz * f + (xx - zz) * g / 2 + xz * h,
        zz * f - xz * g + xx * h,
    )
    kick = (second < 1e-4) & (m22 < -1e-6) | (first < 1e-4) & (m11 < -1e-6)
    first = np.where(kick & (first < 1e-4), 0.1, first)
    second = np.where(kick & (second < 1e-4), 0.1, second)
    moves = [
        (2 * first * xx, 2 * first * xz, 2 * first * zz),
        (-2 * first * xz, first * (xx - zz), 2 * first * xz),
        (2 * second * zz, -2 * second * xz, 2 * second * xx),
    ]
    h11, h12, h13, h22, h23, h33 = hessian
    bent = [
        (h11 * p + h12 * q + h13 * r, h12 * p + h22 * q + h23 * r, h13 * p + h23 * q + h33 * r)
        for p, q, r in moves
    ]

    def entry(i: int, j: int) -> np.ndarray:
        return moves[i][0] * bent[j][0] + moves[i][1] * bent[j][1] + moves[i][2] * bent[j][2]

    k11, k12, k13 = entry(0, 0) + 2 * m11, entry(0, 1) + 2 * m12, entry(0, 2)
    k22, k23, k33 = entry(1, 1) + 2 * m22, entry(1, 2), entry(2, 2) + 2 * m22
    # Damp in the units in which the information about each entry of the factor is about constant.
    u1, u2 = np.sqrt(1 + first * first), np.sqrt(1 + second * second)
    g1, g2, g3 = 2 * first * m11 * u1, 2 * first * m12 * u2, 2 * second * m22 * u2
    u11, u12, u22 = u1 * u1, u1 * u2, u2 * u2
    scaled = k11 * u11, k12 * u12, k13 * u12, k22 * u22, k23 * u22, k33 * u22
    steps, damping = _newton_step(scaled, (g1, g2, g3), damping)
    promise = -(g1 * steps[0] + g2 * steps[1] + g3 * steps[2]) / 2
    l11, l21, l22 = first + u1 * steps[0], u2 * steps[1], second + u2 * steps[2]
    p, q, r = l11 * l11, l11 * l21, l21 * l21 + l22 * l22
    return (
        np.stack(
            [
                xx * p - 2 * xz * q + zz * r,
                xz * p + (xx - zz) * q - xz * r,
                zz * p + 2 * xz * q + xx * r,
            ]
        ),
        promise,
        damping,
        kick,
    )


def _newton_step(k, g, damping):  # type: ignore[no-untyped-def]
    """−(K + μI)⁻¹g for symmetric 3 × 3 matrices K, μ raised where needed to make K + μI positive definite."""
    k11, k12, k13, k22, k23, k33 = k
    pivots = _pivots(k, damping)
    # Gershgorin's bound below the smallest eigenvalue makes the damped matrix safe at once.
    lowest = np.minimum(
        k11 - np.abs(k12) - np.abs(k13),
        np.minimum(k22 - np.abs(k12) - np.abs(k23), k33 - np.abs(k13) - np.abs(k23)),
    )
    floor = 1e-10 * (np.abs(k11) + np.abs(k22) + np.abs(k33)) + 1e-14
    weak = np.minimum(np.minimum(pivots[0], pivots[2]), pivots[4]) <= floor
    if weak.any():
        damping = np.where(
            weak, np.maximum(damping, -lowest + 1e-2 * np.abs(lowest) + floor * 10), damping
        )
        pivots = _pivots(k, damping)
    d1, (l21, l31), d2, l32, d3 = pivots
    y1 = -g[0]
    y2 = -g[1] - l21 * y1
    y3 = -g[2] - l31 * y1 - l32 * y2
    x3 = y3 / d3
    x2 = y2 / d2 - l32 * x3
    return (y1 / d1 - l21 * x2 - l31 * x3, x2, x3), damping


def _pivots(k, damping):  # type: ignore[no-untyped-def]
    """LDLᵀ of K + μI: d1, (l21, l31), d2, l32, d3."""
    k11, k12, k13, k22, k23, k33 = k
    d1 = k11 + damping
    d1 = np.where(d1 == 0, 1e-300, d1)
    l21, l31 = k12 / d1, k13 / d1
    d2 = k22 + damping - l21 * k12
    d2 = np.where(d2 == 0, 1e-300, d2)
    l32 = (k23 - l21 * k13) / d2
    return d1, (l21, l31), d2, l32, k33 + damping - l31 * k13 - l32 * l32 * d2
