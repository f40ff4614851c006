"""Random-intercept models for many data sets: one variance ratio, closed form in balanced layouts, Newton elsewhere.

With θ = τ²/σ², M = I − X(XᵀX)⁻¹Xᵀ and ZᵀMZ = Σ λₖvₖvₖᵀ, minus twice the restricted log-likelihood is, up to constants,
(N−p) log[R + Σ sₖ/(1+θλₖ)] + Σ log(1+θλₖ), with sₖ = (vₖᵀZᵀMy)²/λₖ and R the residual sum of squares once every
athlete has a column (Patterson & Thompson 1971, Biometrika 58:545; spectral form: Kang et al. 2008, Genetics 178:1709).
A data set is then a handful of numbers, however many columns X has. Every sum has positive terms: no digits are lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.batch.cells import CellStatistics
from fewgroups.batch.layouts import Layout, combine, orthonormal, solve_upper
from fewgroups.batch.spectra import Spectrum, spectrum

GRID, FINE = 9, 24
"""Points at which the profile is looked at before Newton starts, so that a second, lower minimum is not missed; the
finer ones where zero seems to be the lowest."""


@dataclass(frozen=True, eq=False)
class InterceptModel:
    """What the fits of one layout share.

    Attributes
    ----------
    roots : (r,) the λₖ > 0 of the terms sₖ.
    logs, copies : a and c of the terms c·log(1 + aθ): the roots under REML, the athletes' sizes under ML.
    freedom : N − p under REML, N under ML.
    pulls : (p, s) how far each eigenvector moves the coefficients, (XᵀX)⁻¹XᵀZvₖ.
    constant : what log|XᵀX| and 2π add to −2 log-likelihood.
    """

    layout: Layout
    spectrum: Spectrum
    own: np.ndarray
    roots: np.ndarray
    logs: np.ndarray
    copies: np.ndarray
    freedom: int
    pulls: np.ndarray
    inverse: np.ndarray
    constant: float

    @property
    def closed(self) -> bool:
        """Whether θ has a closed form: all roots, and all that stands in the logarithms, are equal."""
        return bool(np.ptp(np.concatenate([self.logs, self.roots])) <= 1e-12 * self.roots[0])


def intercept_model(layout: Layout, reml: bool) -> InterceptModel:
    """The shared part of random-intercept fits.

    Raises
    ------
    ValueError
        When X leaves no difference between athletes, or no residual, to estimate a variance from.
    """
    Q, R = layout.basis
    shares = layout.by_athlete(layout.sizes[:, None] * Q)
    spaces = spectrum(layout.athlete_sizes, shares)
    positive = spaces.roots > 0
    roots = np.concatenate([spaces.contrast_roots, spaces.roots[positive]])
    root_copies = np.concatenate([spaces.contrast_copies, np.ones(positive.sum())])
    if not len(roots):
        raise ValueError(
            "X already tells every athlete from the others; no variance between athletes is left to "
            "estimate: leave out columns that are constant within athletes"
        )
    if layout.rows - layout.columns - root_copies.sum() < 1:
        raise ValueError(
            f"too few rows: {layout.rows} for {layout.columns} fixed effects and {layout.athletes} "
            "athletes leave none to estimate the residual variance from; athletes need repeats"
        )
    centred = layout.X - (layout.athlete_sums / layout.athlete_sizes[:, None])[layout.athlete]
    # A column that is constant within athletes is rounding once centred: measured against what it was.
    centred[
        :,
        (layout.sizes[:, None] * centred**2).sum(axis=0)
        < 1e-18 * (layout.sizes[:, None] * layout.X**2).sum(axis=0),
    ] = 0
    own, _, _ = orthonormal(centred, layout.sizes)
    sizes, size_copies = np.unique(layout.athlete_sizes, return_counts=True)
    freedom = layout.rows - layout.columns if reml else layout.rows
    return InterceptModel(
        layout=layout,
        spectrum=spaces,
        own=own,
        roots=roots,
        logs=roots if reml else sizes,
        copies=root_copies if reml else size_copies.astype(float),
        freedom=freedom,
        pulls=solve_upper(R, combine(spaces.vectors, shares).T.copy()),
        inverse=(solve_upper(R, np.eye(layout.columns)) ** 2).sum(axis=1),
        constant=freedom * (1 + np.log(2 * np.pi / freedom))
        + (2 * np.log(np.diag(R)).sum() if reml else 0.0),
    )


def fit_intercepts(
    model: InterceptModel, cells: CellStatistics, iterate: bool = False
) -> dict[str, np.ndarray]:
    """Fits of all data sets at once; `iterate` leaves the closed form of balanced layouts unused.

    Returns arrays with data sets along the last axis: estimate (p, n), variance (p, n), psi (1, n) = τ²/σ², scale (n,),
    loglik (n,), solved (n,), singular (n,).
    """
    layout = model.layout
    ols = combine(layout.coefficients, cells.means)
    fitted = combine(layout.X, ols)
    residuals = np.subtract(cells.means, fitted, out=fitted)
    totals = layout.by_athlete(layout.sizes[:, None] * residuals)
    scores = combine(model.spectrum.vectors, totals)
    positive = model.spectrum.roots > 0
    sums = (
        np.concatenate([model.spectrum.contrast_squares(totals), scores[positive] ** 2])
        / model.roots[:, None]
    )
    rest = cells.within + _within_athletes(model, residuals, totals)
    # Less than 14 digits below the scores themselves is rounding: no residual variance, nothing to estimate.
    alive = rest > 1e-28 * cells.squares
    if not alive.all():
        rest, sums = np.where(alive, rest, 1.0), np.where(alive, sums, 0.0)
    if model.closed and not iterate:
        theta, solved = _closed_form(model, sums.sum(axis=0), rest), alive
    else:
        theta, solved = _newton(model, sums, rest)
    shrunk = 1 / (1 + theta * model.roots[:, None])
    total = rest + (sums * shrunk).sum(axis=0)
    deviance = model.freedom * np.log(total) + model.constant
    for size, copies in zip(model.logs, model.copies, strict=True):
        deviance += copies * np.log1p(theta * size)
    pulled = theta / (1 + theta * model.spectrum.roots[:, None])
    scale = total / model.freedom
    return {
        "estimate": ols - combine(model.pulls, pulled * scores),
        "variance": scale * (model.inverse[:, None] + combine(model.pulls**2, pulled)),
        "psi": theta[None],
        "scale": scale,
        "loglik": -deviance / 2,
        "solved": solved & alive,
        # τ/σ below 1e-4, lme4's tolerance: a ratio, whatever the units of the score.
        "singular": theta < 1e-8,
    }


def _within_athletes(
    model: InterceptModel, residuals: np.ndarray, totals: np.ndarray
) -> np.ndarray:
    """Sum of squares of the cell means that neither X nor a column per athlete explains, (n,); `totals` (m, n) are the
    athletes' sums of `residuals`, which are used up."""
    layout = model.layout
    if layout.cells == layout.athletes:
        return np.zeros(residuals.shape[1])
    left = residuals  # in place, here and below: what does not leave the processor's cache is soon done
    left -= (totals / layout.athlete_sizes[:, None])[layout.athlete]
    for column in model.own.T:
        if column.any():
            left -= column[:, None] * combine((layout.sizes * column)[None], left)
    left *= left
    return combine(layout.sizes[None], left)[0]


def _closed_form(model: InterceptModel, squares: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """θ when all roots are equal: the ANOVA estimator cut at zero (Searle, Casella & McCulloch 1992, §4.5)."""
    copies = model.copies.sum()
    excess = (model.freedom - copies) * squares / (copies * rest) - 1
    return np.maximum(excess, 0) / model.roots[0]


def _newton(
    model: InterceptModel, sums: np.ndarray, rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """θ of every data set by Newton steps in s = log(1 + θ·λ₁), kept inside a bracket of the lowest grid point."""
    unit = model.roots.max()
    # No stationary point lies beyond the θ at which each term is smaller than its own logarithm's slope.
    reach = max(1.0, unit / model.logs.min())
    largest = ((reach * model.freedom * sums / rest - 1) / model.roots[:, None]).max(axis=0)
    upper = np.log1p(unit * np.maximum(largest, 0))
    best = np.full(rest.shape, np.inf)
    place = np.zeros(rest.shape)
    for k in range(GRID):
        value = _profile(model, sums, rest, np.expm1(upper * k / (GRID - 1)) / unit)
        lower = value < best
        best, place = np.where(lower, value, best), np.where(lower, float(k), place)
    step = upper / (GRID - 1)
    low, high = np.maximum(place - 1, 0) * step, np.minimum(place + 1, GRID - 1) * step
    s = place * step
    slope, _ = _derivatives(model, sums, rest, np.zeros_like(s), unit)
    boundary = (place == 0) & (slope >= 0)
    s = np.where(place == 0, step / 2, s)
    s[boundary] = 0.0
    inside = np.flatnonzero(~boundary)
    solved = np.ones(rest.shape, dtype=bool)
    s[inside], solved[inside] = _descend(
        model, sums[:, inside], rest[inside], s[inside], low[inside], high[inside], unit
    )
    doubtful = np.flatnonzero(boundary & (upper > 0))
    if doubtful.size:
        dips, start, beside = _dips(model, sums[:, doubtful], rest[doubtful], upper[doubtful], unit)
        again = doubtful[dips]
        other, reached = _descend(
            model, sums[:, again], rest[again], start, start - beside, start + beside, unit
        )
        lower = (
            _profile(model, sums[:, again], rest[again], np.expm1(other) / unit)
            < best[again] - 1e-9
        )
        s[again[lower]], solved[again[lower]] = other[lower], reached[lower]
    return np.expm1(s) / unit, solved


def _dips(
    model: InterceptModel, sums: np.ndarray, rest: np.ndarray, upper: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Data sets whose profile dips above zero, the lowest dip of each, and the step beside it."""
    step = upper / FINE
    values = np.stack(
        [_profile(model, sums, rest, np.expm1(step * k) / unit) for k in range(FINE + 1)]
    )
    dip = (values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])
    dips = np.flatnonzero(dip.any(axis=0))
    place = 1 + np.where(dip, values[1:-1], np.inf).argmin(axis=0)[dips]
    return dips, place * step[dips], step[dips]


def _descend(
    model: InterceptModel,
    sums: np.ndarray,
    rest: np.ndarray,
    s: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    unit: float,
) -> tuple[np.ndarray, np.ndarray]:
    """From s down to the minimum between low and high, and whether it was reached."""
    s, active = s.copy(), np.arange(len(s))
    solved = np.ones(rest.shape, dtype=bool)
    part = (s, low, high, sums, rest)
    for _ in range(80):
        if not active.size:
            break
        here, left, right, its_sums, its_rest = part
        slope, curvature = _derivatives(model, its_sums, its_rest, here, unit)
        left, right = np.where(slope < 0, here, left), np.where(slope < 0, right, here)
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = here - slope / curvature
        fits = (curvature > 0) & (moved > left) & (moved < right)
        moved = np.where(fits, moved, (left + right) / 2)
        going = np.abs(moved - here) > 1e-9 * (1 + here)
        s[active] = moved
        active = active[going]
        part = (moved[going], left[going], right[going], its_sums[:, going], its_rest[going])
    solved[active] = False
    return s, solved


def _profile(
    model: InterceptModel, sums: np.ndarray, rest: np.ndarray, theta: np.ndarray
) -> np.ndarray:
    """−2 log-likelihood at θ, but for constants."""
    total = rest.copy()
    for square, root in zip(sums, model.roots, strict=True):
        total += square / (1 + theta * root)
    value = model.freedom * np.log(total)
    for size, copies in zip(model.logs, model.copies, strict=True):
        value += copies * np.log1p(theta * size)
    return value


def _derivatives(
    model: InterceptModel, sums: np.ndarray, rest: np.ndarray, s: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of the profile in s."""
    stretch = np.exp(s)
    theta = (stretch - 1) / unit
    total, first, second = rest.copy(), np.zeros_like(s), np.zeros_like(s)
    for square, root in zip(sums, model.roots, strict=True):
        shrunk = 1 / (1 + theta * root)
        term = square * shrunk
        total += term
        term = term * (shrunk * root)
        first += term
        second += term * (shrunk * root)
    first /= total
    slope, curvature = -model.freedom * first, model.freedom * (2 * second / total - first**2)
    for size, copies in zip(model.logs, model.copies, strict=True):
        share = size / (1 + theta * size)
        slope += copies * share
        curvature -= copies * share**2
    stretch = stretch / unit
    return slope * stretch, curvature * stretch**2 + slope * stretch
