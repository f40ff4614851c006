"""What a mixed model says of variation: SDs, correlations, their intervals, and the shares of variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize
from scipy.stats import chi2
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.checks import check_level, check_result
from fewgroups.ddf import information, scaled_inverse
from fewgroups.examination import SHORTFALL, examine
from fewgroups.fitting import boundary
from fewgroups.likelihood import Optimum, evaluate, optimum
from fewgroups.noted_table import NotedTable, noted_table, useful_decimals
from fewgroups.structure import Structure, sqrt_factor

Array = np.ndarray
ZERO = 1e-7  # an SD relative to σ (per column of unit size) below which it is zero but for rounding
ONE = 1 - 1e-6  # a correlation from which on it is 1 but for rounding
AWAY = 0.05  # a start beside zero variances: at zero the deviance is flat, whether or not it is a minimum
PRECISE = 1e-9  # relative, of the ends of an interval


def variances(result: Any, level: float = 0.95) -> NotedTable:
    """The variance parameters of a mixed model: SDs first, with profile intervals, and what each explains.

    Parameters
    ----------
    result:
        a fitted MixedLM (smf.mixedlm(...).fit() or fewgroups.fit), any re_formula and vc_formula, REML or ML.
    level:
        coverage of the intervals, between 0 and 1.

    Returns
    -------
    A DataFrame, one row per parameter (index `component`: the random-effect columns, their correlations
    "a × b", the variance components, "residual"), columns

    sd, variance: in units of the outcome (per unit of the column for slopes) and in those units squared.
    correlation: only in models that have one; rows of correlations have no sd and no variance.
    se: standard error *of the variance* (of the correlation in its rows), from the expected REML or ML
        information at the estimates; missing on the boundary, where none exists. A variance estimated
        from few groups is skewed: the interval says more.
    low, high: profile-likelihood interval *of the SD* (of the correlation in its rows); squared, that of the
        variance. REML fits profile the REML likelihood, ML fits the ML likelihood, as R's confint does for
        either. low is 0 where zero cannot be excluded; a correlation may reach ±1.
    share: of the variance beyond the fixed effects, averaged over the rows of the data; the shares add up to
        1. In the row of a correlation: what the covariance adds or takes.

    Values are exact, only the display is rounded. `.notes` says the rest in words; `.attrs` holds icc
    (random / (random + residual variance)), icc_unadjusted (the same over all variance), r2_marginal (fixed
    effects) and r2_conditional (fixed and random), with method, level, singular, shortfall.

    Errors and warnings
    -------------------
    As in `coefficients`. Where a fit ended below the optimum (NotAtOptimumWarning), the estimates are those
    of the fit, the intervals those of the model.

    Sources: profiles: Bates, Mächler, Bolker & Walker 2015 (J. Stat. Softw. 67(1)), section 5.1. R² and ICC:
    Nakagawa, Johnson & Schielzeth 2017 (J. R. Soc. Interface 14:20170213); with random slopes, the mean of
    zᵀΨz over rows: Johnson 2014 (Methods Ecol. Evol. 5:944), both as R's `performance` has them.
    """
    level = check_level(level)
    plain = check_result(result)
    model, reml = plain.model, bool(plain.reml)
    seen = examine(plain, "wald")
    structure = Structure.of(model)
    best = optimum(structure, reml)
    there = _Estimates.of(model, structure, best.cov_re, best.vcomp, best.scale)
    here = there
    if seen.facts["shortfall"] > SHORTFALL:
        here = _Estimates.of(
            model, structure, np.asarray(plain.cov_re), plain.vcomp, float(plain.scale)
        )
    ends = _intervals(structure, there, best, reml, level)
    columns = here.columns(model, structure, reml) | {"low": ends[:, 0], "high": ends[:, 1]}
    table = noted_table(
        {name: columns[name] for name in ORDER if name in columns},
        pd.Index(here.names, name="component"),
        [],
        _decimals(columns),
    )
    table["share"] = here.shares
    explained = _explained(model, seen.beta, here.shares, here.total)
    table.attrs |= explained | {"method": "REML" if reml else "ML", "level": level}
    table.attrs |= {name: seen.facts[name] for name in ("singular", "shortfall")}
    table.attrs["notes"] = tuple(_notes(table, model, best, bool(structure.q > 1)))
    return table


ORDER = ("sd", "correlation", "variance", "se", "low", "high")


@dataclass(frozen=True)
class _Estimates:
    """Ψ (q, q), τ² (v,), σ² with rounding removed, the rows' names, their shares and the variance they are of.

    pairs: the random-effect columns of each correlation. Rows: the q SDs, the correlations, the v components,
    σ.
    """

    cov_re: Array
    vcomp: Array
    scale: float
    names: list[str]
    pairs: list[tuple[int, int]]
    shares: Array
    total: float

    @classmethod
    def of(
        cls, model: MixedLM, s: Structure, cov_re: Array, vcomp: Array, scale: float
    ) -> _Estimates:
        """From the values of a fit; parts of the variance of a row, averaged over rows: tr(Ψ ZᵀZ)/n, …"""
        squares = s.R_re.T @ s.R_re
        sizes = np.append(np.diag(squares), s.unit_vc**2)
        cov_re, vcomp = (
            np.array(cov_re, dtype=float).reshape(s.q, s.q),
            np.array(vcomp, dtype=float),
        )
        zero = np.append(np.diag(cov_re), vcomp) * sizes < ZERO**2 * scale
        cov_re[zero[: s.q], :] = cov_re[:, zero[: s.q]] = 0.0
        vcomp[zero[s.q :]] = 0.0
        labels = [str(name) for name in model.data.exog_re_names] if s.q else []
        pairs = [(i, j) for j in range(s.q) for i in range(j)]
        names = [*labels, *(f"{labels[i]} × {labels[j]}" for i, j in pairs)]
        names += [*map(str, model.exog_vc.names), "residual"]
        parts = [
            *np.diag(cov_re * squares),
            *(2 * cov_re[i, j] * squares[i, j] for i, j in pairs),
            *(vcomp * s.unit_vc**2),
            scale,
        ]
        total = float(np.sum(parts))
        return cls(cov_re, vcomp, scale, names, pairs, np.array(parts) / total, total)

    def correlation(self, i: int, j: int) -> float:
        """That of two columns; nan where one of them does not vary."""
        size = np.sqrt(self.cov_re[i, i] * self.cov_re[j, j])
        value = self.cov_re[i, j] / size if size > 0 else np.nan
        return float(np.sign(value) if abs(value) > ONE else value)

    def columns(self, model: MixedLM, structure: Structure, reml: bool) -> dict[str, Array]:
        """sd, variance, se and, if there is one, correlation, a value per row."""
        spread = _spread(model, structure, self.cov_re, self.vcomp, self.scale, reml)
        q, between = len(self.cov_re), [np.nan] * len(self.pairs)
        where = {pair: k for k, pair in enumerate((b, a) for a in range(q) for b in range(a + 1))}
        first_vc = len(where)
        own = [where[c, c] for c in range(q)] + list(range(first_vc, len(spread)))
        error = np.sqrt(np.diag(spread))[own]
        value = np.concatenate([np.diag(self.cov_re), self.vcomp, [self.scale]])
        error = np.where(value > 0, error, np.nan)
        correlations, theirs = [], []
        for i, j in self.pairs:
            r = self.correlation(i, j)
            correlations.append(r)
            if not abs(r) < 1:
                theirs.append(np.nan)
                continue
            a, b = self.cov_re[i, i], self.cov_re[j, j]
            at = [where[i, j], where[i, i], where[j, j]]
            slope = np.array([1 / np.sqrt(a * b), -r / (2 * a), -r / (2 * b)])
            theirs.append(float(np.sqrt(slope @ spread[np.ix_(at, at)] @ slope)))
        variance = np.insert(value, q, between)
        columns = {"sd": np.sqrt(variance), "variance": variance, "se": np.insert(error, q, theirs)}
        if self.pairs:
            columns["correlation"] = np.full(len(variance), np.nan)
            columns["correlation"][q : q + len(self.pairs)] = correlations
        return columns


def _spread(
    model: MixedLM, s: Structure, cov_re: Array, vcomp: Array, scale: float, reml: bool
) -> Array:
    """Covariance (k, k) of the estimates of Ψ (rows of its lower triangle), τ² and σ²: expected information.

    Worked out for orthonormal columns and brought back, so that predictors far from their centre cost no
    digits.
    """
    found = information(s, cov_re, vcomp, scale, reml)
    turn = found.random
    spread = 2 * scaled_inverse(found.expected if reml else found.traces)
    rows, columns = np.tril_indices(s.q)
    back = np.eye(len(spread))
    for k, (a, b) in enumerate(zip(rows, columns, strict=True)):
        unit = np.zeros((s.q, s.q))
        unit[a, b] = unit[b, a] = 1.0
        back[: len(rows), k] = (turn @ unit @ turn.T)[rows, columns]
    return np.asarray(back @ spread @ back.T)


def _intervals(
    structure: Structure, at: _Estimates, best: Optimum, reml: bool, level: float
) -> Array:
    """(rows, 2) profile intervals around the optimum, of which `at` are the estimates."""
    s, lowest = structure, -2 * best.loglik
    profiles = [Profile.of_sd(s, reml, column) for column in range(s.q)]
    profiles += [Profile.of_correlation(s, reml, i, j) for i, j in at.pairs]
    profiles += [Profile.of_component(s, reml, component) for component in range(s.v)]
    profiles.append(Profile.of_residual(s, reml))
    estimates = [
        *np.sqrt(np.diag(at.cov_re)),
        *(at.correlation(i, j) for i, j in at.pairs),
        *np.sqrt(at.vcomp),
        np.sqrt(at.scale),
    ]
    return np.array(
        [
            profile.interval(lowest, best.theta, best.scale, float(estimate), level)
            for profile, estimate in zip(profiles, estimates, strict=True)
        ]
    )


def _explained(model: MixedLM, beta: Array, shares: Array, total: float) -> dict[str, float]:
    """ICC and R² from the shares of `total`, the last of them the residual's; beta (p,)."""
    fixed = float(np.var(np.asarray(model.exog) @ beta, ddof=1)) / total
    random = 1 - float(shares[-1])
    return {
        "icc": random,
        "icc_unadjusted": random / (fixed + 1),
        "r2_marginal": fixed / (fixed + 1),
        "r2_conditional": (fixed + random) / (fixed + 1),
    }


def _decimals(columns: dict[str, Array]) -> dict[str, int]:
    sds, squares = columns["sd"][columns["sd"] > 0], columns["variance"][columns["variance"] > 0]
    ends = useful_decimals(float(sds.min()))
    places = dict.fromkeys(["sd", "low", "high"], max(ends, 2 if "correlation" in columns else 0))
    return (
        places
        | dict.fromkeys(["variance", "se"], useful_decimals(float(squares.min())))
        | {
            "correlation": 3,
            "share": 3,
        }
    )


def _notes(table: NotedTable, model: MixedLM, best: Optimum, slopes: bool) -> list[str]:
    """What must be known besides the numbers."""
    facts, percent = table.attrs, f"{100 * table.attrs['level']:g} %"
    notes = [
        f"low, high: {percent} profile {facts['method']} intervals of the SDs"
        + (" and correlations" if "correlation" in table else "")
        + "; se: of the variances"
        + (" and correlations." if "correlation" in table else "."),
        f"ICC {facts['icc']:.3f}; R² marginal {facts['r2_marginal']:.3f}, conditional "
        f"{facts['r2_conditional']:.3f}"
        + ("; with random slopes, all of them are averages over the rows." if slopes else "."),
    ]
    if facts["singular"]:
        said = "; ".join(boundary(model, best)) or "a variance is zero or a correlation ±1"
        notes.append(
            f"Singular fit: {said}. Such an estimate has no standard error; its interval says which values "
            "the data do not exclude."
        )
    if facts["shortfall"] > SHORTFALL:
        notes.append(
            f"This fit is not at its optimum: its log-likelihood is {facts['shortfall']:.2g} below what the "
            "model reaches. The estimates are those of this fit, the intervals those of the model; "
            "fewgroups.fit finds the optimum."
        )
    return notes


# ---- profile likelihoods of single parameters ---------------------------------------------------------------


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
