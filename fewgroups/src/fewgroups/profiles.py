"""Profile likelihoods of single variance parameters, and the intervals that they give.

One parameter (the SD of a random-effect column, a correlation, the SD of a variance component, or σ) is held
at a value, everything else is at its best; the interval holds the values whose deviance is no further above
the lowest than χ²₁ allows (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 5.1).
Where R's confint profiles ML whatever the fit, here REML fits profile the REML likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.stats import chi2

from fewgroups.likelihood import evaluate
from fewgroups.structure import Structure, sqrt_factor

Array = np.ndarray
AWAY = 0.05  # a start beside zero variances: at zero the deviance is flat, whether or not it is a minimum
PRECISE = 1e-9  # relative, of the ends of an interval


@dataclass(frozen=True)
class Profile:
    """Deviance with one parameter held; `free` coordinates are what is left of Λ (and log σ) to be best.

    turn: (q, q) a basis of the standardised random-effect columns, the held ones first; held: index of the
    held entry of (rows of the lower triangle, components, log σ); unit: the entry at value 1 and σ = 1;
    pair: for a correlation, the two random-effect columns, which come first in `turn`; else empty.
    """

    structure: Structure
    reml: bool
    turn: Array
    held: int
    unit: float
    pair: tuple[int, ...] = ()

    @classmethod
    def of_sd(cls, structure: Structure, reml: bool, column: int) -> Profile:
        """Of the SD of a random-effect column."""
        direction = np.linalg.inv(structure.R_re)[[column]]
        return cls(structure, reml, _basis(direction), 0, 1 / float(np.linalg.norm(direction)))

    @classmethod
    def of_correlation(cls, structure: Structure, reml: bool, first: int, second: int) -> Profile:
        """Of the correlation of two random-effect columns."""
        directions = np.linalg.inv(structure.R_re)[[first, second]]
        return cls(structure, reml, _basis(directions), 1, 1.0, (first, second))

    @classmethod
    def of_component(cls, structure: Structure, reml: bool, component: int) -> Profile:
        """Of the SD of a variance component."""
        held = structure.size - structure.v + component
        return cls(structure, reml, np.eye(structure.q), held, float(structure.unit_vc[component]))

    @classmethod
    def of_residual(cls, structure: Structure, reml: bool) -> Profile:
        """Of the residual SD."""
        return cls(structure, reml, np.eye(structure.q), structure.size, 1.0)

    def start(self, theta: Array, scale: float) -> Array:
        """All coordinates (size + 1,) of a point θ, σ², moved off zero variances."""
        L, sds = self.structure.unpack(theta)
        root = sqrt_factor(self.turn @ L @ L.T @ self.turn.T)
        if len(root):
            np.fill_diagonal(root, np.maximum(np.diag(root), AWAY))
        sds = np.maximum(np.abs(sds), AWAY)
        return np.concatenate([root[np.tri(len(root), dtype=bool)], sds, [np.log(scale) / 2]])

    def at(self, value: float, start: Array) -> tuple[float, Array]:
        """The lowest deviance with the parameter at `value`, and its coordinates (size + 1,), from `start`."""
        free = np.delete(np.arange(len(start)), self.held)
        if self.held == len(start) - 1:
            start = np.append(start[:-1], np.log(value))

        def both(x: Array) -> tuple[float, Array]:
            point = start.copy()
            point[free] = x
            deviance, slope = self._deviance(value, point)
            return deviance, slope[free]

        found = minimize(both, start[free], jac=True, method="BFGS", options={"gtol": 1e-5})
        point = start.copy()
        point[free] = found.x
        return float(found.fun), point

    def _deviance(self, value: float, point: Array) -> tuple[float, Array]:
        """Deviance and its slopes (size + 1,) by the coordinates; those of the held one mean nothing."""
        s = self.structure
        entries, log_sigma = point[:-1].copy(), point[-1]
        if self.held < s.size and not self.pair:
            entries[self.held] = value * self.unit * np.exp(-log_sigma)
        L, sds = s.unpack(entries)
        root = L.copy()
        if (
            self.pair
        ):  # free are the lengths of both rows, whose signs must not turn that of the correlation
            along = np.array([value, np.sqrt(max(1 - value**2, 0.0))])
            signs = np.where(np.diag(L)[:2] < 0, -1.0, 1.0)
            root[0, 0], root[1, :2] = abs(L[0, 0]), abs(L[1, 1]) * along
        back = np.linalg.solve(self.turn, root) if s.q else root
        scale = float(np.exp(2 * log_sigma))
        found = evaluate(s, s.pack(back @ back.T, sds**2), self.reml, scale)
        by_root = 2 * np.linalg.solve(self.turn.T, found.score_re @ back) if s.q else root
        if self.pair:
            by_root[0, 0], by_root[1, 1] = signs * [by_root[0, 0], by_root[1, :2] @ along]
        df = s.n - s.p if self.reml else s.n
        slope = np.concatenate([by_root[np.tri(s.q, dtype=bool)], 2 * found.score_vc * sds, [0.0]])
        slope[-1] = 2 * df * (1 - found.scale / scale)
        if self.held < s.size and not self.pair:
            slope[-1] -= slope[self.held] * entries[self.held]
        return found.deviance, slope

    def interval(
        self, best: float, theta: Array, scale: float, estimate: float, level: float
    ) -> tuple[float, float]:
        """The values whose deviance is within χ²₁ of `best`, the deviance at θ, σ² = scale (the optimum).

        SDs end at 0 and correlations at ±1 where the deviance never rises that far. Where one of its SDs
        may be zero, a correlation may be anything.
        """
        root, first = np.sqrt(chi2.ppf(level, 1)), self.start(theta, scale)

        def excess(value: float) -> float:
            return float(np.sqrt(max(self.at(value, first)[0] - best, 0.0)) - root)

        if self.pair:
            zeros = (Profile.of_sd(self.structure, self.reml, column) for column in self.pair)
            if any(zero.at(0.0, zero.start(theta, scale))[0] - best <= root**2 for zero in zeros):
                return -1.0, 1.0
            middle = estimate if np.isfinite(estimate) else 0.0
            return _end(excess, middle, -1.0), _end(excess, middle, 1.0)
        low = estimate
        if self.held == self.structure.size:
            while excess(low) < 0:
                low /= 2
        else:
            low = 0.0
        high = estimate if estimate > 0 else AWAY * np.sqrt(scale) / self.unit
        while excess(high) < 0:
            high *= 2
        return _end(excess, estimate, low), _end(excess, estimate, high)


def _end(excess, inside: float, outside: float) -> float:  # type: ignore[no-untyped-def]
    """Where excess crosses zero between `inside` (below) and `outside`; `outside` if it never does."""
    if inside == outside or excess(outside) <= 0:
        return outside
    return float(brentq(excess, inside, outside, xtol=PRECISE * abs(outside - inside), rtol=1e-8))


def _basis(rows: Array) -> Array:
    """(q, q): `rows` (k, q) brought to length 1, and below them an orthonormal basis of what they leave."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    full = np.linalg.qr(rows.T, mode="complete")[0].T
    return np.vstack([rows, full[len(rows) :]])
