"""Random intercept and slope for many data sets, with the two columns of X also those of Z.

Each athlete's least-squares coefficients are then sufficient, bᵢ ~ N(β, σ²(Gᵢ⁻¹ + Ψ)) with Gᵢ = XᵢᵀXᵢ: a bivariate
random-effects meta-analysis. Everything is written with Wᵢ = (I + GᵢΨ)⁻¹Gᵢ, for 2 × 2 matrices
(Gᵢ + |Gᵢ| adj Ψ) / (1 + tr GᵢΨ + |Gᵢ||Ψ|), which needs no inverse of Gᵢ: an athlete who missed a session has |Gᵢ| = 0.

The engine works in orthonormal columns, scaled so that the average Gᵢ is the identity; Ψ is then free of units, and its
eigenvalues say how much athletes differ beside what their own rows can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.batch.cells import CellStatistics
from fewgroups.batch.layouts import Layout, combine, solve_upper
from fewgroups.batch.newton import Profile, minimise

SINGULAR = 1e-8
"""Smallest eigenvalue of Ψ, in the columns above, at which a fit is on the boundary: 1e-4 as a ratio of SDs."""

ANGLES = 8
LENGTHS = np.array([1.0, 8.0])
"""Directions of Ψ, and lengths in terms of the moment estimate, at which the profile is looked at after Newton."""

NEAR = 0.6
"""Steps of the half-circle within which a dip, if it is about as long, belongs to the minimum that was found first."""

DIP = 3.0
"""A second dip is worth a fit of its own when it is no more than this above the lowest, in −2 log-likelihood."""

TURNS = np.linspace(-NEAR, NEAR, 7)
"""Steps of the half-circle at which the boundary beside a minimum is looked at."""


@dataclass(frozen=True, eq=False)
class SlopeModel:
    """What the fits of one layout share.

    Attributes
    ----------
    Q : (cells, 2) the orthonormal columns times √m; X = QR.
    grams : (m, 3) entries 11, 12, 22 of each athlete's QᵢᵀQᵢ; `determinants` (m,), exactly 0 without a slope.
    back : (m, 2, 2) the maps from Qᵢᵀy to least-squares coefficients (pseudo-inverses).
    patterns : (P,) an athlete of each kind; `kind` (m,) which one each athlete is.
    """

    layout: Layout
    reml: bool
    Q: np.ndarray
    R: np.ndarray
    grams: np.ndarray
    determinants: np.ndarray
    back: np.ndarray
    patterns: np.ndarray
    kind: np.ndarray
    within_freedom: int

    @property
    def closed(self) -> bool:
        """Whether Ψ has a closed form: all athletes' rows tell the same of it."""
        return len(self.patterns) == 1

    @property
    def freedom(self) -> int:
        """N − p under REML, N under ML."""
        return self.layout.rows - 2 * self.reml

    @property
    def constant(self) -> float:
        """What log|XᵀX| and 2π add to −2 log-likelihood."""
        own = self.freedom * (1 + np.log(2 * np.pi / self.freedom))
        return float(own + (2 * np.log(np.diag(self.R)).sum() if self.reml else 0.0))


def slope_model(layout: Layout, reml: bool) -> SlopeModel:
    """The shared part of fits with a random intercept and slope.

    Raises
    ------
    ValueError
        For other than two columns, when no athlete's rows identify a slope, or when no residual is left.
    """
    if layout.columns != 2:
        raise ValueError(
            f"slopes=True fits a random intercept and one random slope, and needs X with two columns; "
            f"given {layout.columns}. Use fit(…, re_formula=…) for more"
        )
    basis, triangle = layout.basis
    Q, R = basis * np.sqrt(layout.athletes), triangle / np.sqrt(layout.athletes)
    products = layout.sizes[:, None] * np.stack(
        [Q[:, 0] ** 2, Q[:, 0] * Q[:, 1], Q[:, 1] ** 2], axis=1
    )
    grams = layout.by_athlete(products)
    g11, g12, g22 = grams.T
    trace = g11 + g22
    determinants = g11 * g22 - g12**2
    cells = layout.by_athlete(np.ones(layout.cells))
    # One kind of row, or columns that are proportional for this athlete: a mean, but no slope.
    flat = (cells == 1) | (determinants <= 1e-12 * trace**2)
    determinants[flat] = 0.0
    if flat.all():
        raise ValueError(
            "slopes=True needs athletes whose rows differ in X's second column; none here does, so that "
            "no athlete's data identify a slope. Fit the random intercept alone"
        )
    adjugate = np.stack([g22, -g12, -g12, g11], axis=1).reshape(-1, 2, 2)
    gram = np.stack([g11, g12, g12, g22], axis=1).reshape(-1, 2, 2)
    back = np.where(
        flat[:, None, None],
        gram / trace[:, None, None] ** 2,
        adjugate / np.where(flat, 1, determinants)[:, None, None],
    )
    within_freedom = layout.rows - int(np.where(flat, 1, 2).sum())
    if within_freedom < 1:
        raise ValueError(
            f"too few rows: {layout.rows} for {layout.athletes} athletes with a line each leave none to "
            "estimate the residual variance from; athletes need repeats"
        )
    # Equal but for the last digits of the basis is equal.
    _, patterns, kind = np.unique(
        np.round(grams, 11), axis=0, return_index=True, return_inverse=True
    )
    return SlopeModel(
        layout, reml, Q, R, grams, determinants, back, patterns, kind.ravel(), within_freedom
    )


def fit_slopes(
    model: SlopeModel, cells: CellStatistics, iterate: bool = False
) -> dict[str, np.ndarray]:
    """Fits of all data sets at once; `iterate` leaves the closed form of balanced layouts unused.

    Returns arrays with data sets along the last axis: estimate (2, n), variance (2, n), psi (3, n): entries 11, 12, 22
    of Ψ = cov_re/σ², scale, loglik, solved, singular, each (n,).
    """
    centre, profile, alive = profile_of(model, cells)
    if model.closed and not iterate:
        psi, solved = _closed_form(model, profile), alive
    else:
        psi, solved = _search(profile, _start(model, profile))
    a, b, c = psi
    here = profile.at(psi)
    scale = here.total / model.freedom
    # R⁻¹ takes coefficients and their covariances back to the columns of X.
    (p, q), (_, r) = solve_upper(model.R, np.eye(2))
    i11, i12, i22 = here.inverse
    return {
        "estimate": np.stack(
            [
                p * (centre[0] + here.beta[0]) + q * (centre[1] + here.beta[1]),
                r * (centre[1] + here.beta[1]),
            ]
        ),
        "variance": scale * np.stack([p * p * i11 + 2 * p * q * i12 + q * q * i22, r * r * i22]),
        "psi": np.stack([p * p * a + 2 * p * q * b + q * q * c, p * r * b + q * r * c, r * r * c]),
        "scale": scale,
        "loglik": -(here.value + model.constant) / 2,
        "solved": solved & alive,
        "singular": (a + c) / 2 - np.hypot((a - c) / 2, b) < SINGULAR,
    }


def profile_of(model: SlopeModel, cells: CellStatistics) -> tuple[np.ndarray, Profile, np.ndarray]:
    """The profiled likelihood of each data set, the coefficients (2, n) that its scores are centred at, and whether
    there is any residual variance (n,)."""
    layout, Q = model.layout, model.Q
    weighted = (layout.sizes[:, None] * Q).T
    centre = combine(weighted / layout.athletes, cells.means)
    residuals = cells.means - combine(Q, centre)
    t0, t1 = (layout.by_athlete(column[:, None] * residuals) for column in weighted)
    back = model.back[..., None]
    b0, b1 = back[:, 0, 0] * t0 + back[:, 0, 1] * t1, back[:, 1, 0] * t0 + back[:, 1, 1] * t1
    left = residuals - Q[:, :1] * b0[layout.athlete] - Q[:, 1:] * b1[layout.athlete]
    rest = cells.within + combine(layout.sizes[None], left**2)[0]
    alive = rest > 1e-28 * cells.squares
    n = len(rest)
    sums, squares = np.zeros((2, len(model.patterns), n)), np.zeros((3, len(model.patterns), n))
    for k in range(len(model.patterns)):
        members = np.flatnonzero(model.kind == k)
        x, z = b0[members], b1[members]
        sums[0, k], sums[1, k] = x.sum(axis=0), z.sum(axis=0)
        squares[0, k], squares[1, k], squares[2, k] = (
            (x * x).sum(axis=0),
            (x * z).sum(axis=0),
            (z * z).sum(axis=0),
        )
    copies = np.bincount(model.kind).astype(float)
    profile = Profile(
        grams=model.grams[model.patterns].T[..., None],
        determinants=model.determinants[model.patterns][:, None],
        copies=copies[:, None],
        sums=np.where(alive, sums, 0.0),
        squares=np.where(alive, squares, 0.0),
        rest=np.where(alive, rest, 1.0),
        alone=bool((copies == 1).all()),
        freedom=float(model.freedom),
        reml=model.reml,
    )
    return centre, profile, alive


def _start(model: SlopeModel, profile: Profile) -> np.ndarray:
    """Ψ by moments: coefficients weighted by what each athlete's rows can tell, no eigenvalue below .05."""
    weight = (profile.grams[0] + profile.grams[2]) / 2
    a, b, c = (
        (weight * profile.squares).sum(axis=1)
        * model.within_freedom
        / (model.layout.athletes * profile.rest)
    )
    return _from_eigenvalues(
        a - 1, b, c - 1, lambda large, small: (np.maximum(large, 0.05), np.maximum(small, 0.05))
    )


def _search(profile: Profile, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest Ψ (3, n), and whether it was reached (n,).

    With few athletes and uneven repeats the likelihood can have two maxima: in different directions, of different
    lengths, or one on the boundary beside one inside. So look around, and run Newton again from what may lead lower.
    """
    psi, solved = minimise(profile, start)
    value = profile.at(psi).value
    for look in (_dips, _edges):
        again, points = look(profile, psi, value, start[0] + start[2])
        part = profile.subset(again)
        other, reached = minimise(part, points)
        found = part.at(other).value
        # The lowest of several goes last, and so is the one that stays.
        order = np.lexsort((-found, again))
        order = order[found[order] < value[again[order]] - 1e-9]
        changed = again[order]
        psi[:, changed], solved[changed], value[changed] = (
            other[:, order],
            reached[order],
            found[order],
        )
    return psi, solved


def _dips(
    profile: Profile, psi: np.ndarray, value: np.ndarray, trace: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Data sets (k,) and elongated Ψ (3, k) at which their profile dips, but for the minimum already found."""
    large, _, found = _axes(psi)
    angles = np.arange(ANGLES) * np.pi / ANGLES
    values = np.empty((len(LENGTHS), ANGLES, len(trace)))
    points = np.empty((len(LENGTHS), ANGLES, 3, len(trace)))
    for ring, length in enumerate(LENGTHS):
        for k, angle in enumerate(angles):
            points[ring, k] = _matrix(length * trace + length / 30, length / 30, angle)
            values[ring, k] = profile.at(points[ring, k]).value
    dips = (values <= np.roll(values, 1, axis=1)) & (values <= np.roll(values, -1, axis=1))
    dips[1:] &= values[1:] <= values[:-1]
    dips[:-1] &= values[:-1] <= values[1:]
    lowest = np.minimum(values.min(axis=(0, 1)), value)
    beside = (
        np.abs((found - angles[:, None] + np.pi / 2) % np.pi - np.pi / 2) <= NEAR * np.pi / ANGLES
    )
    longer = LENGTHS[:, None] * trace / (large + 1e-9)
    known = beside & ((longer > 0.3) & (longer < 1 / 0.3))[:, None]
    rings, turns, again = np.nonzero(dips & (values <= lowest + DIP) & ~known)
    return again, points[rings, turns, :, again].T


def _edges(
    profile: Profile, psi: np.ndarray, value: np.ndarray, trace: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Data sets (k,) and Ψ (3, k) on the boundary that a minimum found may hide: Ψ = 0 where it is lower; rank one
    beside a minimum inside where the profile rises inwards; rank one beside a minimum at zero."""
    nothing = np.flatnonzero(profile.at(np.zeros_like(psi)).value < value - 1e-9)
    large, small, found = _axes(psi)
    inside = np.flatnonzero(small > 1e-3)
    flat, height = _lowest(
        profile, inside, large[inside], found[inside] + TURNS[:, None] * np.pi / ANGLES
    )
    inwards = flat + 0.05 * (psi[:, inside] - flat)
    rises = height < np.minimum(profile.subset(inside).at(inwards).value, value[inside] + 3 * DIP)
    zero = np.flatnonzero(large < 1e-3)
    short, low = _lowest(
        profile, zero, trace[zero] / 4, np.arange(ANGLES)[:, None] * np.pi / ANGLES
    )
    level = low < value[zero] + DIP / 3
    return (
        np.concatenate([nothing, inside[rises], zero[level]]),
        np.concatenate([np.zeros((3, len(nothing))), flat[:, rises], short[:, level]], axis=1),
    )


def _lowest(
    profile: Profile, which: np.ndarray, large: np.ndarray, angles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest Ψ of rank one (3, k), and its profile: of `large` (k,) at some angles (j, k) or (j, 1)."""
    part = profile.subset(which)
    angles = np.broadcast_to(angles, (len(angles), len(which)))
    values = np.stack([part.at(_matrix(large, 0.0, angle)).value for angle in angles])
    best = np.take_along_axis(angles, values.argmin(axis=0)[None], axis=0)[0]
    return _matrix(large, 0.0, best), values.min(axis=0)


def _axes(psi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues, the larger first, and the angle of its eigenvector."""
    a, b, c = psi
    middle, radius = (a + c) / 2, np.hypot((a - c) / 2, b)
    return middle + radius, np.maximum(middle - radius, 0), np.arctan2(2 * b, a - c) / 2


def _matrix(large: np.ndarray, small: np.ndarray | float, angle: np.ndarray | float) -> np.ndarray:
    """Ψ (3, n) with these eigenvalues, the larger one's eigenvector at `angle`."""
    x, z = np.cos(angle), np.sin(angle)
    return np.stack(
        [large * x * x + small * z * z, (large - small) * x * z, large * z * z + small * x * x]
    )


def _closed_form(model: SlopeModel, profile: Profile) -> np.ndarray:
    """Ψ when every athlete's Gᵢ is the identity: whichever eigenvalues of the athletes' covariance lie below the
    residual variance are pooled with it (REML under the rank constraint: Amemiya 1985, Ann. Statist. 13:1315 gives
    the unconstrained cut; pooling makes it the maximum)."""
    athletes = model.layout.athletes - model.reml
    s11, s12, s22 = profile.squares[:, 0]

    def shares(large: np.ndarray, small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale = profile.rest / model.within_freedom
        low = small <= scale * athletes
        scale = np.where(low, (profile.rest + small) / (model.within_freedom + athletes), scale)
        both = large <= scale * athletes
        return (
            np.where(both, 0.0, large / (athletes * scale) - 1),
            np.where(low | both, 0.0, small / (athletes * scale) - 1),
        )

    return _from_eigenvalues(s11, s12, s22, shares)


def _from_eigenvalues(a: np.ndarray, b: np.ndarray, c: np.ndarray, change) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The matrices [[a, b], [b, c]] with their eigenvalues (larger, smaller) changed, (3, n)."""
    middle, half = (a + c) / 2, (a - c) / 2
    radius = np.hypot(half, b)
    large, small = change(middle + radius, middle - radius)
    turn, width = (large + small) / 2, (large - small) / 2
    safe = np.where(radius > 0, radius, 1.0)
    cosine, sine = np.where(radius > 0, half / safe, 1.0), b / safe
    return np.stack([turn + width * cosine, width * sine, turn - width * cosine])
